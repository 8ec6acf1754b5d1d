# The two commands of the README are `make demo` and `make test`; `make help` lists the rest.
.DEFAULT_GOAL := help
.PHONY: help demo test lint format config train benchmark-models clean distclean
SHELL := /bin/bash

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
# Snakemake and the stages find each other through PATH.
export PATH := $(abspath $(BIN)):$(PATH)

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

$(VENV)/.installed: pyproject.toml envs/requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "molsieve needs Python 3.11 or newer; try make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement envs/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed envs/requirements-dev.txt envs/requirements-drugs.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement envs/requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement envs/requirements-drugs.txt
	touch $@

demo: $(VENV)/.installed ## Screen the 4,999 NCI compounds that come with RDKit; leaves results/demo/report.html
	$(BIN)/snakemake --workflow-profile workflow/profiles/default --cores all
	@echo "Open results/demo/report.html"

test: $(VENV)/.installed-dev ## Run the tests
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(VENV)/.installed-dev ## Check style, types and the workflow
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/snakemake --lint

format: $(VENV)/.installed-dev ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow/rules

config: $(VENV)/.installed ## Generate config/config.yaml and its JSON schema from the typed models
	$(BIN)/molsieve config --project .

train: $(VENV)/.installed-dev ## Rebuild the shipped models; needs the training data (docs/models.md)
	$(BIN)/snakemake --workflow-profile workflow/profiles/default --cores all train

benchmark-models: $(VENV)/.installed-dev ## Print the models' benchmark tables from the stored out-of-fold predictions
	$(BIN)/molsieve training benchmark

clean: ## Delete results, intermediate files and caches
	rm -rf results work training .snakemake .pytest_cache .mypy_cache .ruff_cache .hypothesis

distclean: clean ## Also delete the virtual environment
	rm -rf $(VENV)
