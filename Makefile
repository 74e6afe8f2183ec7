# make run    set up and open the app        make test      set up and run the tests
# make check  format, lint, types, tests     make test-all  the tests that need minutes, too

# The first Python that runs and is of a version that we support (a pyenv shim may be there and fail).
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
  $$name -c '$(SUPPORTED)' 2>/dev/null && echo $$name && break; done)
BIN := .venv/bin
STAMP := .venv/.installed
DEV_STAMP := .venv/.installed-dev
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: run test test-all check format setup browser clean

run: $(STAMP)
	$(BIN)/python app.py

test: $(DEV_STAMP) browser
	$(BIN)/python -m pytest -m "not heavy" $(ARGS)

test-all: $(DEV_STAMP) browser
	$(BIN)/python -m pytest $(ARGS)

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

.venv:
	@test -n "$(PYTHON)" && $(PYTHON) -c '$(SUPPORTED)' || { \
	  echo "Python 3.11, 3.12 or 3.13 is needed: install one, or name it: make run PYTHON=/path/to/python3"; \
	  echo "需要 Python 3.11、3.12 或 3.13：请安装，或指定：make run PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv .venv

# The tests add a browser and a Redis server; as root on Debian they are installed, else asked for.
browser:
	@.ci/system-packages

clean:
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache
