# survey_kit: `make report` builds the founding study, `make test` runs the tests. Python 3.11+ and make are all it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help

.PHONY: help report test test-fast lint bench lab docs data clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("survey_kit needs Python 3.11 or newer, found %d.%d. Say make PYTHON=/path/to/python3.11" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

report: $(READY) ## build the Kazakhstan report into reports/
	$(BIN)/survey-kit build studies/kazakhstan-2022-12/study.yml

test: $(READY) ## run the tests
	$(BIN)/python -m pytest -n 2

lint: $(READY) ## check style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY) ## run the benchmarks (minutes)
	$(BIN)/python -m benchmarks

lab: $(READY) ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab notebooks

docs: $(READY) ## write the generated pages under docs/
	$(BIN)/python -c 'from pathlib import Path; from survey_kit.reports.reference import reference; Path("docs/study-file.md").write_text(reference(), encoding="utf-8")'
	$(BIN)/survey-kit schema > docs/study-file.schema.json

data: $(READY) ## write the synthetic poll into data/raw/ again
	$(BIN)/python -c 'from survey_kit import datasets; datasets.write_kazakhstan("data/raw/kazakhstan-2022-12")'

clean: ## remove the environment and everything that was generated
	rm -rf $(VENV) reports/*/ data/processed/*.sav .pytest_cache .ruff_cache .mypy_cache .hypothesis
