# `make report` and `make test` set up .venv first where it is missing or out of date.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
REPORT := reports/images-efficientnet_lite0

.DEFAULT_GOAL := help
.PHONY: help report test test-all lint format snapshots screenshots clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

report: $(VENV)/.installed ## Make the report of images/ with the embedded model
	$(BIN)/reportgen build images --output $(REPORT)

test: $(VENV)/.installed-test ## Run the tests (slow ones left out)
	$(BIN)/python -m pytest -m "not slow"

test-all: $(VENV)/.installed-test ## Run every test
	$(BIN)/python -m pytest

lint: $(VENV)/.installed-test ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed-test ## Put the code into the house's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

snapshots: $(VENV)/.installed-test ## Write the snapshot tests' expected files anew
	$(BIN)/python -m pytest tests/render --snapshot-update

screenshots: $(VENV)/.installed-test ## Make the pictures in docs/ from a fresh report (needs Chromium)
	$(BIN)/python docs/screenshots.py

clean: ## Remove the virtual environment and everything generated
	rm -rf $(VENV) $(REPORT) build dist .pytest_cache .mypy_cache .ruff_cache

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.installed-test: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[test,lint]'
	touch $(VENV)/.installed $@
