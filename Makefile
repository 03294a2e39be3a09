# make alone lists the verbs; every verb sets up what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Processes that tests run in: one a core, or as many as JOBS says.
JOBS ?= auto
# What is asked of Apache Spark: all that speaks Spark Connect.
SPARK_TESTS ?= tests/records/test_spark*.py tests/records/test_interruption.py tests/metrics/test_clusters.py tests/cubes

help: ## list the verbs
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

demo: $(VENV)/demo ## find, prove and repair a harm, live, in two minutes; names the report to open
	@$(BIN)/evenhand demo

# Modules stay compiled, whatever the surroundings say: workers and what they start need not do it again.
test: $(VENV)/test ## run all tests
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(JOBS) --dist worksteal --durations=20

check: lint types contract test oldest ## everything that CI runs

lint: $(VENV)/lint ## style
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/lint $(VENV)/test ## static types
	@$(BIN)/mypy

contract: $(VENV)/lint ## every room imports only rooms below it
	@$(BIN)/lint-imports --no-cache

spark: $(VENV)/test $(VENV)-spark/spark ## what speaks Spark Connect, on Apache Spark itself (needs Java 17)
	@SPARK_HOME=$$($(VENV)-spark/bin/python -c 'import pyspark; print(pyspark.__path__[0])') \
	  PYSPARK_PYTHON=$(abspath $(BIN)/python) \
	  PYTHONPATH=$(CURDIR) \
	  $(BIN)/python -m pytest -q $(SPARK_TESTS) -k 'spark and not sail'

evals: $(VENV)/test $(VENV)-evals/evals ## logs as inspect_ai itself writes them today
	@EVENHAND_EVALS=$(abspath $(VENV)-evals/bin/python) $(BIN)/python -m pytest -q tests/records/logs/test_inspect_itself.py

examples: $(VENV)/test $(VENV)-examples/examples ## the systems of examples/ answer as their records say (needs tesseract and apertium)
	@EVENHAND_EXAMPLES=$(abspath $(VENV)-examples/bin/python) PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -q tests/examples/test_stories.py -k systems

oldest: $(VENV)-oldest/test ## the core tests with the oldest supported versions
	@$(VENV)-oldest/bin/python -m pytest -q -p no:cacheprovider tests/stats tests/cubes tests/metrics/test_laws.py tests/acceptance/test_command_line.py

format: $(VENV)/lint ## write the style
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

docs: $(VENV)/run ## write the generated reference pages
	@$(BIN)/python docs/generate.py

bench: $(VENV)/test ## run the benchmarks beside their rivals
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

trust: $(VENV)/test ## measure every claim beside its rivals and write docs/trust.md
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -W ignore -m trust

clean: ## remove environments and caches
	rm -rf $(VENV) $(VENV)-oldest $(VENV)-spark $(VENV)-evals $(VENV)-examples .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# Debian without python3-venv has no ensurepip: virtualenv from pip serves then.
$(BIN)/python:
	@$(PYTHON) -m venv $(VENV) 2>/dev/null && test -x $(BIN)/pip || { \
	  rm -rf $(VENV); $(PYTHON) -m pip install --quiet --target $(VENV)-tools virtualenv; \
	  PYTHONPATH=$(VENV)-tools $(PYTHON) -m virtualenv --quiet $(VENV); rm -rf $(VENV)-tools; }
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'

$(VENV)/run: pyproject.toml | $(BIN)/python
	@echo "Installing evenhand into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/demo: pyproject.toml $(VENV)/run
	@$(BIN)/python -m pip install --quiet --editable '.[demo]'
	@touch $@

$(VENV)/test: pyproject.toml $(VENV)/run
	@$(BIN)/python -m pip install --quiet --group test
	@touch $@

$(VENV)/lint: pyproject.toml | $(BIN)/python
	@$(BIN)/python -m pip install --quiet --group lint
	@touch $@

# Apache Spark and its client are packages of one name: it has an environment of its own.
$(VENV)-spark/spark: | $(BIN)/python
	@$(BIN)/python -m venv $(VENV)-spark 2>/dev/null && test -x $(VENV)-spark/bin/pip || { \
	  rm -rf $(VENV)-spark; $(PYTHON) -m pip install --quiet --target $(VENV)-tools virtualenv; \
	  PYTHONPATH=$(VENV)-tools $(PYTHON) -m virtualenv --quiet $(VENV)-spark; rm -rf $(VENV)-tools; }
	@$(VENV)-spark/bin/python -m pip install --quiet 'pyspark>=4'
	@touch $@

# What writes logs that are read here, with dependencies of its own.
$(VENV)-evals/evals: | $(BIN)/python
	@$(BIN)/python -m venv --without-pip $(VENV)-evals 2>/dev/null || $(BIN)/python -m virtualenv --quiet $(VENV)-evals
	@$(BIN)/python -m pip --python $(VENV)-evals/bin/python install --quiet --no-compile 'inspect-ai>=0.3.285'
	@touch $@

# Systems that nobody here wrote, of the versions that their stories tell.
$(VENV)-examples/examples: examples/requirements.txt pyproject.toml | $(BIN)/python
	@$(BIN)/python -m venv --without-pip $(VENV)-examples 2>/dev/null || $(BIN)/python -m virtualenv --quiet $(VENV)-examples
	@$(BIN)/python -m pip --python $(VENV)-examples/bin/python install --quiet --no-compile --editable . --requirement examples/requirements.txt
	@touch $@

# The lowest version that every `name>=version` line of pyproject.toml allows.
$(VENV)-oldest/test: pyproject.toml | $(BIN)/python
	@$(BIN)/python -m venv $(VENV)-oldest 2>/dev/null && test -x $(VENV)-oldest/bin/pip || $(BIN)/python -m pip --python $(BIN)/python --version >/dev/null
	@$(VENV)-oldest/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	@sed -n '/^dependencies = \[/,/^\]/s/^ *"\([a-z0-9-]*\)>=\([0-9.]*\)".*/\1==\2/p' pyproject.toml > $(VENV)-oldest/constraints.txt
	@$(VENV)-oldest/bin/python -m pip install --quiet --editable . --constraint $(VENV)-oldest/constraints.txt
	@$(VENV)-oldest/bin/python -m pip install --quiet pytest hypothesis statsmodels scikit-learn pandas jiwer --constraint $(VENV)-oldest/constraints.txt
	@touch $@

.PHONY: help demo test check lint types contract spark evals examples oldest format docs bench trust clean
