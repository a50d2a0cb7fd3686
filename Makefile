# make run     set up, prove every gradient, train on handwritten digits
# make test    set up, run the tests
# make test-all    and those that take long: studies trained, every contender of the benchmark run
# make check   set up, run ruff and mypy
# PYTHON=python3.12 chooses the interpreter, VENV=folder the environment.

PYTHON ?= python3
VENV ?= .venv
IN_VENV = $(VENV)/bin/python

run: $(VENV)/with-experiments
	$(IN_VENV) -m verify
	$(IN_VENV) -m experiments digits

test: $(VENV)/with-test
	$(IN_VENV) -m pytest -n auto --dist loadfile

test-all: $(VENV)/with-test
	$(IN_VENV) -m pytest -n auto --dist loadfile -m "slow or not slow"

check: $(VENV)/with-dev
	$(IN_VENV) -m ruff check
	$(IN_VENV) -m ruff format --check
	$(IN_VENV) -m mypy

$(VENV)/with-%: pyproject.toml | $(IN_VENV)
	$(IN_VENV) -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	touch $@

$(IN_VENV):
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("pure_nn needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + "; choose another, as in: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

.PHONY: run test test-all check
.PRECIOUS: $(VENV)/with-%
