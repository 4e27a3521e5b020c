# The verbs of this project. `make demo` and `make test` need Python 3.11+ and nothing else: they set up .venv first.
PYTHON ?= python3
BIN := .venv/bin
SETUP := .venv/.installed

.PHONY: demo serve test lint protos bench clean

$(SETUP): pyproject.toml clients/python/pyproject.toml .ci/constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Segue needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c .ci/constraints.txt -e clients/python -e '.[dev]'
	touch $@

# A conversation from end to end: an interruption, a link that is renewed meanwhile, and one that falls silent.
demo: $(SETUP)
	$(BIN)/segue demo

# The gateway on 127.0.0.1:50051: on the real Live API where a key is set, else on the embedded simulator.
serve: $(SETUP)
	$(BIN)/segue serve

# Linters, types and every test. What needs a missing toolchain is skipped with a reason.
test: $(SETUP) lint
	$(BIN)/python .ci/suites.py

lint: $(SETUP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The committed Python stubs, from protos/.
protos: $(SETUP)
	$(BIN)/python protos/generate.py

# The gateway against a straightforward gateway and a transparent relay, in one run; writes build/bench.json.
bench: $(SETUP)
	$(BIN)/python -m tests.bench

clean:
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage
