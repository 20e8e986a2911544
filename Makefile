# Two commands on a fresh machine: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
DEMO   := demo

.DEFAULT_GOAL := help
.PHONY: help install dev demo test test-lowest browser check mutants coverage docs serve bench clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1	\2/' | expand -t 22

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "galaxynet needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing galaxynet into $(VENV) (PyTorch is large; this takes a minute or two)"
	$(PIP) -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	@echo "installing the tools for tests, checks and documentation"
	$(PIP) -e '.[dev,docs]'
	@touch $@

$(VENV)/.proofs: $(VENV)/.dev
	@echo "installing the tools that measure the tests"
	$(PIP) -e '.[dev,docs,proofs]'
	@touch $@

install: $(VENV)/.installed ## an environment in .venv with the command galaxynet

dev: $(VENV)/.dev ## the same with the tools for tests, checks and documentation

demo: export GALAXYNET_DATA = $(DEMO)/data
demo: export GALAXYNET_RUNS = $(DEMO)/runs
demo: $(VENV)/.installed ## simulate 2,000 galaxies, train two networks on them, compare
	$(BIN)/galaxynet fetch galaxy-sim --count 2000 --seed 0
	$(BIN)/galaxynet train galaxy_alexnet --dataset galaxy-sim --act relu --seed 1
	$(BIN)/galaxynet train galaxy_alexnet --dataset galaxy-sim --act tanh --seed 1
	$(BIN)/galaxynet compare
	@echo "The runs are in $(DEMO)/runs, with figures; activate the environment with: . $(BIN)/activate"

# Nothing here may stop the tests: those that need a browser are skipped without one.
browser: # the browser that two tests drive; installed where that needs no password
	@if command -v chromium || command -v chromium-browser || command -v google-chrome; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get && apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; then :; \
	else echo "There is no Chromium, so the tests of the page in a browser are skipped (Debian: apt-get install chromium)."; \
	fi >$(VENV)/browser.log 2>&1; \
	grep -h "^There is no" $(VENV)/browser.log || true

test: $(VENV)/.dev browser ## all tests, on all cores, in random order
	$(BIN)/python -m pytest -n auto --durations 10 --durations-min 20

# torch stays as installed: its lowest version is for a machine that can download it.
LOWEST_TESTS ?= tests/test_options.py tests/test_registry.py tests/test_paths.py tests/tasks tests/data tests/runs
test-lowest: export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
test-lowest: $(VENV)/.dev ## some tests with the lowest versions that pyproject.toml allows, in .venv-lowest
	$(PYTHON) -m venv .venv-lowest
	$(BIN)/python -c 'from importlib.metadata import version; print("torch==" + version("torch"))' >.venv-lowest/torch.txt
	$(BIN)/uv pip compile pyproject.toml --extra dev --resolution lowest-direct --quiet \
	  --python $(BIN)/python --constraint .venv-lowest/torch.txt -o .venv-lowest/requirements.txt
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check -r .venv-lowest/requirements.txt
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	.venv-lowest/bin/python -m pytest -o filterwarnings=default $(LOWEST_TESTS)

check: $(VENV)/.dev ## style, types, wording, documentation
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --config-file tests/mypy.ini
	$(BIN)/python -m docs.phrases
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

mutants: $(VENV)/.proofs ## changes to the code that no test notices (ONLY='galaxynet.data.splits*')
	$(BIN)/python -m benchmarks.mutants $(ONLY)

coverage: $(VENV)/.proofs browser ## lines that the tests reach, in all processes; writes htmlcov/
	rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest -n auto; code=$$?; \
	$(BIN)/coverage combine --quiet && $(BIN)/coverage html --quiet && \
	$(BIN)/python -m benchmarks.covered && exit $$code

docs: $(VENV)/.dev ## build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

serve: $(VENV)/.dev ## the documentation in a browser, rebuilt as it is written
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

bench: $(VENV)/.dev ## all measurements side by side; writes docs/benchmarks.md
	$(BIN)/python -m benchmarks.run

clean: ## remove what was built, fetched for the demo or cached; keep the environment
	rm -rf $(DEMO) site dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis mutants mutants.log htmlcov .coverage*
