# The only commands; CI runs the same ones.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO ?= demo
JOBS ?= 2
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
GOLDEN ?= ../shared/golden/public
.DEFAULT_GOAL := help

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install -c constraints.txt -e '.[train,serve,dev]'
	@touch $@ $(VENV)/.core

$(VENV)/.bench: $(VENV)/.dev
	$(PIP) install -c constraints.txt -e '.[bench]'
	@touch $@

demo: $(VENV)/.core  ## make a phantom study, screen it, say where the report is
	@rm -rf $(DEMO) && mkdir -p $(DEMO)
	@$(BIN)/ctsieve phantom $(DEMO)/study --kind covid --seed 2 --format dicom
	@$(BIN)/ctsieve screen $(DEMO)/study --out $(DEMO)/result
	@echo "report: $(DEMO)/result/report.html"

static: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

PROGRAMS := dcmtk:dcmdump dicom3tools:dciodvfy orthanc:Orthanc chromium:chromium
PACKAGES := dcmtk dicom3tools orthanc orthanc-dicomweb chromium fonts-dejavu-core

# Other people's programs that DICOM results, the node and the page are tried on.
system:  ## install the programs that some tests need, if root and apt are at hand
	@lacking=; for pair in $(PROGRAMS); do \
	  PATH=$$PATH:/usr/sbin command -v $${pair#*:} >/dev/null || lacking="$$lacking $${pair%:*}"; done; \
	if [ -z "$$lacking" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(PACKAGES) >/dev/null; \
	then echo "installed:$$lacking"; \
	else echo "not installed, so the tests that need them are skipped:$$lacking"; fi

# One thread in each process: two processes with one thread each finish sooner than one with two.
test: system static  ## set up what tests need, run every gate and every test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS)

check: static  ## the gates and the fast tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) -m "not slow"

fix: $(VENV)/.dev  ## repair what tools can repair
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.bench  ## time the main parts beside their peers; writes benchmarks/results/
	$(BIN)/python -m benchmarks

models: $(VENV)/.dev  ## measure every model beside its authors' code and eager torch; writes docs/reference
	$(BIN)/python -m benchmarks.model_table --golden $(GOLDEN)

study: $(VENV)/.dev  ## train every family on phantoms, compare, write docs/reference/study.md; an hour and a half of a free core
	OMP_NUM_THREADS=1 nice -n 10 $(BIN)/python -m benchmarks.study --out runs/study --page docs/reference/study.md

screens: $(VENV)/.dev system  ## show every page in a real browser; writes out/screens
	$(BIN)/python -m tests.web.screens --out out/screens

figures: $(VENV)/.dev  ## train small networks on phantoms and draw the figures of the docs
	$(BIN)/python docs/figures

parity: $(VENV)/.dev  ## compare every model with golden numbers of its authors' code (GOLDEN=folder)
	$(BIN)/python -m tests.parity --golden $(GOLDEN)

golden: $(VENV)/.dev  ## make golden files anew and print what moved
	$(BIN)/python -m tests.golden

docs: $(VENV)/.dev  ## make generated pages anew
	$(BIN)/python docs/generate.py

clean:  ## remove what the commands above made
	rm -rf $(VENV) $(DEMO) out runs .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.PHONY: help demo system static test check fix bench models study figures screens parity golden docs clean
