# Two commands matter: `make reports` and `make test`. Each sets itself up.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
STUDY := $(VENV)/bin/study
READY := $(VENV)/.ready
WITH_SPARK := $(VENV)/.ready-spark
# The real published files, where a person has them; see the README for how to get them.
BESIDE := $(if $(wildcard ../shared/data/tiktok_enforcement),../shared/data)
PUBLISHED := $(or $(STUDY_REAL_DATA),$(wildcard data/raw/published),$(BESIDE))
# uv makes the environment: the one on the PATH, or one that pip fetches into .tools.
UV := $(or $(shell command -v uv 2>/dev/null),.tools/bin/uv)
UV_VERSION := 0.9
PYTHON := $(shell command -v python3.11 || command -v python3)

.PHONY: help reports test lab check bench clean
help: ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1	/' | expand -t 10

reports: $(READY) ## make the demo data, run the default studies, build reports/index.html
	@$(STUDY) demo --keep
	@$(if $(PUBLISHED),$(STUDY) acquire published --keep --from "$(PUBLISHED)",:)
	@$(STUDY) run

test: $(WITH_SPARK) ## run every test, nbval's and the browser's included
	@bash tests/install-system-packages.sh
	@$(VENV)/bin/pytest -n auto --dist loadgroup

lab: $(READY) ## open JupyterLab in this project
	@$(STUDY) lab

check: $(WITH_SPARK) ## format, lint, types, import layers, studies' files
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports
	@$(STUDY) check

bench: $(READY) ## measure; ratios in one run, see tests/benchmarks/README.md
	@$(VENV)/bin/python tests/benchmarks $(BENCH)

clean: ## remove what was made: environment, caches, demo data, reports
	@rm -rf $(VENV) .tools .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find data reports -mindepth 1 ! -name README.md ! -name report.png -delete

.tools/bin/uv:
	@$(PYTHON) -m pip install -qq --disable-pip-version-check --root-user-action ignore --target .tools "uv>=$(UV_VERSION)"

# Everything from the lock, by hash, compiled to bytecode: a cold kernel starts twice as fast.
$(READY): requirements.lock pyproject.toml | $(filter .tools/bin/uv,$(UV))
	@echo "setting up $(VENV)"
	@$(UV) venv --quiet --allow-existing --no-python-downloads --python '>=3.11' $(VENV)
	@$(UV) pip sync --quiet --python $(VENV) --require-hashes --compile-bytecode requirements.lock
	@$(UV) pip install --quiet --python $(VENV) --no-deps --no-build-isolation -e .
	@touch $@

# Spark is 430 MB that only its own users and the tests need.
$(WITH_SPARK): requirements-spark.lock $(READY)
	@$(UV) pip install --quiet --python $(VENV) --require-hashes --compile-bytecode -r requirements-spark.lock
	@touch $@
