# `make report` and `make test` set up .venv first where it is missing or out of date.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WEB := tests/web
WEB_TOOLS := $(WEB)/node_modules/.installed
KEYWORDS := -k _ -k N_ -k t -k ngettext:1,2 -k pgettext:1c,2
PARALLEL := -n auto --dist loadfile
REPORT := reports/images-efficientnet_lite0

# Compiled files are kept, also where the environment forbids it: tests start hundreds of processes.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help report test test-all test-ray lint format snapshots messages screenshots clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

report: $(VENV)/.installed ## Make the report of images/ with the embedded model
	$(BIN)/reportgen build images --output $(REPORT)

test: $(VENV)/.installed-test $(WEB_TOOLS) ## Run the tests (slow ones left out)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" $(PARALLEL)

test-all: $(VENV)/.installed-test $(WEB_TOOLS) ## Run every test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PARALLEL)

test-ray: $(VENV)/.installed-test ## Run the tests that start a Ray cluster on this machine
	$(BIN)/python -m pytest tests/clusters

lint: $(VENV)/.installed-test $(WEB_TOOLS) ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@if [ -e $(WEB_TOOLS) ]; then set -x; $(WEB)/node_modules/.bin/tsc --project $(WEB); fi

format: $(VENV)/.installed-test ## Put the code into the house's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

snapshots: $(VENV)/.installed-test ## Write the snapshot tests' expected files anew
	$(BIN)/python -m pytest tests/render --snapshot-update

messages: $(VENV)/.installed-test ## Collect the report's texts for the catalogues of reportgen/locale
	mkdir -p build
	$(BIN)/pybabel --quiet extract --mapping pyproject.toml $(KEYWORDS) --no-wrap --add-location file \
	  --sort-by-file --omit-header --output-file build/messages.pot .
	for file in reportgen/locale/*.po; do \
	  $(BIN)/pybabel --quiet update --input-file build/messages.pot --output-file $$file \
	    --locale $$(basename $$file .po) --no-wrap --no-fuzzy-matching --ignore-obsolete \
	    --ignore-pot-creation-date --omit-header; done

screenshots: $(VENV)/.installed-test ## Make the pictures in docs/ from a fresh report (needs Chromium)
	$(BIN)/python docs/screenshots.py

clean: ## Remove the virtual environment and everything generated
	rm -rf $(VENV) $(WEB)/node_modules $(REPORT) build dist .pytest_cache .mypy_cache .ruff_cache

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.installed-test: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[test,lint]'
	touch $(VENV)/.installed $@

# The tools that check the page come by npm. Where there is none their checks are left out, except in
# continuous integration.
$(WEB_TOOLS): $(WEB)/package.json $(WEB)/package-lock.json
	@if command -v npm >/dev/null; then cd $(WEB) && npm ci --silent && touch node_modules/.installed; \
	elif [ -n "$$CI" ]; then echo "npm: not found; it is needed where CI is set" >&2; exit 1; \
	else echo "npm: not found; the checks of the page that come by it are left out"; fi
