# What a person types. Everything happens in .venv; nothing else is needed than Python 3.11 or newer.

PYTHON ?= python3
BIN := .venv/bin
PILOT ?= pilots/elm-street.yaml

.PHONY: run setup check test test-fast fmu validate dashboards docs lock bench clean

run: setup  ## show the pilot running live, with a day of history
	$(BIN)/twin run $(PILOT)

setup: .venv/runtime  ## what is needed to run

.venv/python:
	@if command -v uv >/dev/null 2>&1; then uv venv --quiet --allow-existing --python $(PYTHON) .venv; \
	else $(PYTHON) -m venv .venv || { echo "make: this Python cannot make a venv; install python3-venv (Debian) or uv"; exit 2; }; fi
	@touch $@

# Installs by uv when there is one, else by pip; both check every hash of the lock.
define install
	@if command -v uv >/dev/null 2>&1; then uv pip install --quiet --python $(BIN)/python --require-hashes -r $(1); \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1); fi
endef

.venv/runtime: .venv/python requirements.lock pyproject.toml
	$(call install,requirements.lock)
	@if command -v uv >/dev/null 2>&1; then uv pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps -e .; \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .; fi
	@touch $@

.venv/development: .venv/runtime requirements-dev.lock
	$(call install,requirements-dev.lock)
	@touch $@

check: .venv/development  ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy twin simulators tests benchmarks fmu dashboards
	$(BIN)/lint-imports

# Containers often forbid bytecode; then every run, and every process it starts, compiles 3,000 modules anew.
test test-fast: export PYTHONDONTWRITEBYTECODE :=

test: .venv/development  ## everything
	$(BIN)/python -m pytest

test-fast: .venv/development  ## without real processes and browsers; a file's tests stay together
	$(BIN)/python -m pytest -m "not integration and not e2e" -n 2 --dist loadfile

fmu: .venv/development  ## build the device FMUs anew from their C sources
	$(BIN)/python fmu/build.py

validate: .venv/development  ## redo the comparisons with independent tools and rewrite the models' pages
	$(BIN)/python -m fmu.validate

dashboards: .venv/development  ## write Grafana's provisioned files anew from their code
	$(BIN)/python -m dashboards build

docs: .venv/development  ## generate the schemas of the bus
	$(BIN)/python -m twin.bus.document

bench: .venv/development  ## each figure beside its reference
	$(BIN)/python -m benchmarks

# uv only; the lock names versions and hashes and no addresses
lock:
	uv pip compile pyproject.toml --python-version 3.11 --group build --universal --generate-hashes --no-header --no-emit-index-url -q -o requirements.lock
	uv pip compile pyproject.toml --group dev -c requirements.lock --python-version 3.11 --universal --generate-hashes --no-header --no-emit-index-url -q -o requirements-dev.lock

clean:
	rm -rf .venv var build
