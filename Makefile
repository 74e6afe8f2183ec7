# make run    set up and open the app        make test      set up and run the tests
# make check  format, lint, types, tests     make test-all  the tests that need minutes, too

PYTHON ?= $(firstword $(foreach name,python3.13 python3.12 python3.11 python3,$(shell command -v $(name) 2>/dev/null)))
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
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
	  echo "Python 3.11, 3.12 or 3.13 is needed; found: $$($(PYTHON) --version 2>&1). Set PYTHON=..."; \
	  echo "需要 Python 3.11、3.12 或 3.13；可用 PYTHON=... 指定。"; exit 1; }
	$(PYTHON) -m venv .venv

# The tests add a browser and a Redis server; as root on Debian they are installed, else asked for.
browser:
	@.ci/system-packages

clean:
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache
