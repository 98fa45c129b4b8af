# make figures: everything that was published, drawn and checked.   make test: the whole suite.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
SETTINGS := setup.cfg pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.PHONY: help figures test lint notebooks docs bench clean

help:
	@echo "make figures    reproduce the published figures into figures/, with their checks"
	@echo "make test       run the whole test suite"
	@echo "make lint       ruff and mypy"
	@echo "make bench      time the engine against plain loops, NumPy and JAX (8 minutes)"
	@echo "make notebooks  run the notebooks and refresh their outputs"
	@echo "make docs       build the documentation site into build/docs/html (two minutes)"
	@echo "make clean      remove the virtual environment and caches"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "semdev needs Python 3.11 or newer; name one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "no venv here; on Debian: apt install python3-venv"; exit 1; }

$(VENV)/.installed: $(SETTINGS) | $(BIN)/python
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.test: $(SETTINGS) | $(VENV)/.installed
	$(INSTALL) --editable '.[test]'
	@touch $@

$(VENV)/.bench: $(SETTINGS) | $(VENV)/.installed
	$(INSTALL) --editable '.[bench]'
	@touch $@

$(VENV)/.lint: $(SETTINGS) | $(VENV)/.installed
	$(INSTALL) --editable '.[lint]'
	@touch $@

$(VENV)/.docs: $(SETTINGS) | $(VENV)/.installed
	$(INSTALL) --editable '.[docs]'
	@touch $@

figures: $(VENV)/.installed
	$(BIN)/semdev ask living_things worm "has bones" --plot figures/worm.svg
	$(BIN)/semdev reproduce --out figures

# One thread for each of two workers: on small matrices two threads wait for each other.
test: $(VENV)/.test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks $(ARGS)

notebooks: $(VENV)/.test
	OMP_NUM_THREADS=1 $(BIN)/python notebooks/refresh.py notebooks/*.ipynb

# Shows what "make figures" left in figures/, if it has been run.
docs: $(VENV)/.docs
	$(BIN)/python -m docs $(ARGS)

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
