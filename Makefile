# Hikkoshi's house: `make` alone lists what there is. Needs make and Python ≥ 3.11; everything else comes through pip (and Go's modules, for MinIO).
SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:

# The first Python on the PATH that is new enough; `make PYTHON=…` takes another.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)
# Where it is set, every one of our many short-lived programs is compiled anew at each start.
unexport PYTHONDONTWRITEBYTECODE
VENV := .venv
BIN := $(VENV)/bin
MADE := $(VENV)/.made

.PHONY: help env demo down test test-fast test-system check format bench soak lock clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: env  ## a category moves from Korea to Japan, proved, on this machine (leaves the servers up)
	$(BIN)/hikkoshi demo

down: env  ## end the servers that `demo` or `hikkoshi local up` left running
	$(BIN)/hikkoshi local down

test: test-fast minio  ## every test but those that need system packages (starts its own servers)
	$(BIN)/python -m pytest -q -n 2 --dist loadscope --no-loadscope-reorder -m "server and not system"

test-fast: env  ## the tests that need no server
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not server and not system"

test-system: env minio  ## the tests that need system packages, which are installed where that is allowed
	$(BIN)/python -m tests.system.run

check: env  ## style, types, and which room may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: env
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

# What is measured: BENCH="--series compare,grow,stretch --tls"; `$(BIN)/python -m benchmarks --help` lists all.
bench: env minio  ## speed and cost next to rclone, juicefs and mc, on the same servers (BENCH="--tls --rounds 1")
	$(BIN)/python -m benchmarks $(BENCH)

soak: env minio  ## kill at 60 steps, 300 cases of people at work, kill everything 20 times under load, then 10 minutes of faults and pauses (about 20 minutes)
	HIKKOSHI_KILLS=60 $(BIN)/python -m pytest -q tests/model/test_kill.py tests/model/test_versions.py -k killed_at_any_step
	HIKKOSHI_EXAMPLES=300 $(BIN)/python -m pytest -q tests/model/test_any_stores.py
	$(BIN)/python -m tests.faults.kill_soak --kills 20 --seconds 60 --out var/soak/kills
	$(BIN)/python -m tests.faults.kill_soak --soak 600 --out var/soak/faults

lock:  ## make requirements.lock anew from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --extra dev --extra bench --generate-hashes --universal --python-version 3.11 \
		--no-emit-index-url --no-header --quiet -o requirements.lock

clean:  ## end the servers, then remove var/, the environment and caches (reports and evidence in var/ too)
	@if [ -e var/local.json ]; then $(MAKE) --no-print-directory down; fi
	rm -rf var config/local.yaml $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: minio
minio: env
	@$(BIN)/python -c 'from hikkoshi.local import find_or_build; print("MinIO:", find_or_build())'

env: $(MADE)

$(MADE): requirements.lock pyproject.toml
	@if [ -z "$(PYTHON)" ]; then \
		echo "Hikkoshi needs Python 3.11 or newer, and the PATH has none (python3 is: $$(python3 --version 2>&1))." >&2; \
		echo "Install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; fi
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Hikkoshi needs Python 3.11 or newer; $(PYTHON) is $$("$(PYTHON)" --version 2>&1)" >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV) || { \
		echo "$(PYTHON) can't make a virtual environment; on Debian and Ubuntu install the package python3-venv" >&2; exit 1; }
	@echo "installing what requirements.lock names into $(VENV) (a minute or two)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(MADE)
