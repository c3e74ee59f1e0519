# `make demo` fits a first model, `make test` checks everything. Both set up what they need on a
# machine with Python 3.10 or newer and a C++ compiler, in .venv, and change nothing outside it.

.DEFAULT_GOAL := help
.PHONY: help demo test lint format unit program docs clean compiler
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
# The first of these that is new enough makes the virtual environment.
PYTHON ?= python3 python3.14 python3.13 python3.12 python3.11 python3.10 python
WORKERS ?= 2
PIP := $(BIN)/python -m pip --disable-pip-version-check

help: ## list what can be made
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1 @\2/p' Makefile | tr '@' '\t' | expand -t 16

demo: $(VENV)/.installed ## fit the sleepstudy model, print its summary, plot it
	@$(BIN)/python examples/demo.py

test: lint ## check style and types, then run every test
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(PYTEST_ARGS)

unit: $(VENV)/.installed-dev ## run the tests that need neither Stan nor long
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not (compiled or stanc or slow)" $(PYTEST_ARGS)

program: $(VENV)/.installed-dev ## run the tests that need only Stan's translator
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m stanc $(PYTEST_ARGS)

docs: $(VENV)/.installed-dev ## run the notebooks and build the site into site/
	@NO_MKDOCS_2_WARNING=1 BRMSPY_EXECUTE_NOTEBOOKS=1 $(BIN)/mkdocs build --strict
	@echo "The site is in site/index.html"

lint: $(VENV)/.installed-dev ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed-dev ## bring the code into the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove the virtual environment and everything generated
	rm -rf $(VENV) demo-output build dist site .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp is older than pyproject.toml exactly when the dependencies may have changed.
$(VENV)/.installed: pyproject.toml $(BIN)/python
	@echo "Installing brmspy and what it needs into $(VENV) (a minute or two, once) ..."
	@$(PIP) install --quiet "pip>=22"
	@$(PIP) install --quiet --editable ".[plots]"
	@touch $@

$(VENV)/.installed-dev: pyproject.toml $(BIN)/python
	@echo "Installing brmspy and its developers' tools into $(VENV) (a minute or two, once) ..."
	@$(PIP) install --quiet "pip>=22"
	@$(PIP) install --quiet --editable ".[dev]"
	@touch $@ $(VENV)/.installed

$(BIN)/python: | compiler
	@for candidate in $(PYTHON); do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; then \
	    python=$$candidate; break; \
	  fi; \
	done; \
	if [ -z "$${python:-}" ]; then \
	  echo "brmspy needs Python 3.10 or newer. None of these is: $(PYTHON)." >&2; \
	  echo "Install it, or say where it is: make demo PYTHON=/path/to/python3" >&2; \
	  exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then \
	  echo "$$python cannot make virtual environments: its venv or ensurepip module is missing." >&2; \
	  echo "On Debian and Ubuntu: sudo apt install python3-venv" >&2; \
	  echo "Or choose another Python: make demo PYTHON=/path/to/python3" >&2; \
	  exit 1; \
	fi; \
	echo "Making the virtual environment $(VENV) with $$("$$python" --version) ..."; \
	"$$python" -m venv --clear $(VENV)

# Asked for before anything slow: without a compiler no model can be built.
compiler:
	@for candidate in "$${CXX:-}" c++ g++ clang++; do \
	  if [ -n "$$candidate" ] && $$candidate --version >/dev/null 2>&1; then exit 0; fi; \
	done; \
	echo "brmspy compiles each model and needs a C++ compiler; none was found." >&2; \
	echo "On Debian and Ubuntu: sudo apt install g++     On Fedora: sudo dnf install gcc-c++" >&2; \
	echo "On macOS: xcode-select --install               Elsewhere: set CXX to your compiler" >&2; \
	exit 1
