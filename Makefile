# The only entrance. `make run` shows the demo, `make test` runs everything.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready
PORT ?= 8501
WORLDS ?= 10
FILLS ?= 10000 100000 1000000

.DEFAULT_GOAL := help
.PHONY: help run test check validate bench docs lock clean

help:
	@echo "make run       set up and open the demo"
	@echo "make test      set up and run the whole suite"
	@echo "make check     format, lint, types, layers, docs and tests"
	@echo "make validate  hold the statistics against worlds whose truth is known (minutes)"
	@echo "make bench     time it against the bare floor (FILLS=\"10000 100000\")"
	@echo "make docs      write the generated pages of docs/"
	@echo "make lock      renew the pinned requirements"

$(STAMP): pyproject.toml requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit("fillbook needs Python 3.11 or newer; say make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m fillbook.warm
	@touch $@

run: $(STAMP)
	$(BIN)/fillbook demo --port $(PORT)

test: $(STAMP)
	$(BIN)/python -m pytest -n auto --dist loadfile

check: $(STAMP)
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m fillbook.cli.docs --check
	$(BIN)/python -m pytest -n auto --dist loadfile

validate: $(STAMP)
	FILLBOOK_WORLDS=$(WORLDS) $(BIN)/python -m pytest tests/validation -s

bench: $(STAMP)
	$(BIN)/python benchmarks/run.py $(FILLS) --write

docs: $(STAMP)
	$(BIN)/python -m fillbook.cli.docs --write

lock: $(STAMP)
	$(BIN)/python -m piptools compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-options --extra all --extra dev --output-file requirements/dev.txt pyproject.toml
	$(BIN)/python -m piptools compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-options --extra all --output-file requirements/run.txt pyproject.toml

clean:
	rm -rf .venv build dist
