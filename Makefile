# Everything runs in .venv, made from the locked and hashed requirements. Setting it up speaks on
# standard error: standard output is the command's own.

PYTHON ?= python3
UV ?= uv
ARGS ?=
PROCESSES ?= 2

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input install
# Pip compiles what it installs, but not what stays where it is: a fifth of a cold start.
EDITABLE = { $(PIP) --no-deps --no-build-isolation --editable . \
	&& $(BIN)/python -m compileall -q consent_service; } 1>&2

.PHONY: help demo run test faults fuzz pages-full bench bench-log check lint types openapi lock programs npm

help: ## lists these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

demo: $(VENV)/.runtime ## the service with sample people: make demo ARGS="--json"
	@exec $(BIN)/consent demo $(ARGS)

run: $(VENV)/.runtime ## the service, set up by CONSENT_… variables
	@exec $(BIN)/consent serve $(ARGS)

test: check npm ## everything that must hold
	$(BIN)/pytest -n $(PROCESSES) --dist worksteal $(ARGS)

faults: check npm ## whatever dies at the worst moment, on real processes, and what else takes long
	$(BIN)/pytest -m long $(ARGS)

fuzz: check npm ## the API by its document, and what is pure, with a hundred times as many examples
	CONSENT_TEST_PROFILE=fuzz $(BIN)/pytest -n $(PROCESSES) --dist worksteal \
		tests/unit tests/api/test_schemathesis.py $(ARGS)

pages-full: check npm ## every page in every language, scheme and width, and how fast each is
	$(BIN)/pytest -n $(PROCESSES) --dist worksteal tests/pages -m pages_full $(ARGS)

bench: $(VENV)/.dev ## measures, and writes docs/benchmarks.md: make bench ARGS="import"
	$(BIN)/python -m tests.bench $(ARGS)

check: lint types ## all of it but the tests

lint: $(VENV)/.dev ## style, and which room may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.dev ## mypy, strict
	$(BIN)/mypy

openapi: $(VENV)/.runtime ## writes openapi.yaml and docs/package.schema.json from the code
	@$(BIN)/consent openapi > openapi.yaml.new
	@mv openapi.yaml.new openapi.yaml
	@$(BIN)/python -c 'from consent_service.packages.schema import text; print(text(), end="")' > package.schema.new
	@mv package.schema.new docs/package.schema.json

bench-log: $(VENV)/.dev programs ## a log of ten million entries: make bench-log ARGS="--store sqlite"
	$(BIN)/python -m tests.bench.log $(ARGS)

lock: ## pins every dependency anew, with its hashes; needs uv
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
		--group build pyproject.toml -o requirements.lock
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
		--group dev pyproject.toml -c requirements.lock -o requirements-dev.lock

# The tests start a PostgreSQL of their own, and a browser. Where root can install programs, they are.
programs:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get; then \
		wanted=; export DEBIAN_FRONTEND=noninteractive; \
		[ -n "$$CONSENT_TEST_POSTGRES_URL" ] || command -v initdb \
			|| ls /usr/lib/postgresql/*/bin/initdb || wanted="$$wanted postgresql"; \
		command -v chromium || wanted="$$wanted chromium"; \
		command -v npm || wanted="$$wanted npm"; \
		[ -z "$$wanted" ] || { apt-get update -q \
			&& apt-get install -q -y --no-install-recommends $$wanted; } || true; \
	fi >/dev/null 2>&1

# OAuth clients of npm, for tests/interop. Without node those tests say that they were skipped.
npm: $(VENV)/.dev programs
	@if command -v npm >/dev/null && ! cmp -s tests/npm/package-lock.json $(VENV)/npm/.installed; then \
		echo "installing what tests/npm names into $(VENV)/npm" 1>&2; \
		mkdir -p $(VENV)/npm && cp tests/npm/package*.json tests/npm/.npmrc $(VENV)/npm/ \
		&& (cd $(VENV)/npm && npm ci --silent) 1>&2 \
		&& cp tests/npm/package-lock.json $(VENV)/npm/.installed \
		|| echo "that failed: tests/interop and tests/pages will be skipped" 1>&2; \
	fi

$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	@echo "installing requirements.lock into $(VENV)" 1>&2
	@$(PIP) --require-hashes -r requirements.lock 1>&2
	@$(EDITABLE)
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	@echo "installing requirements-dev.lock into $(VENV)" 1>&2
	@$(PIP) --require-hashes -r requirements-dev.lock 1>&2
	@$(EDITABLE)
	@touch $(VENV)/.runtime $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is needed, and $(PYTHON) is not:" \
			"make PYTHON=/path/to/python3" 1>&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make environments:" \
			"install python3-venv (on Debian: apt install python3-venv)" 1>&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) 1>&2 || { rm -rf $(VENV); exit 1; }
