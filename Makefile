# Two commands: `make run` does the whole job, `make test` proves it. Both set everything up themselves.
PYTHON ?= python3
# tasks are short-lived processes: what one of them compiles, the next one must find
unexport PYTHONDONTWRITEBYTECODE
UV_VERSION = 0.13.9
UV = .venv-uv/bin/uv

.PHONY: run test test-all setup lint clean help

help:
	@echo "make run       the whole nightly job on the demo company (or your sources, see README.md)"
	@echo "make test      set-up and the test suite"
	@echo "make test-all  the slow tests, which make test leaves out"
	@echo "make setup     prepare .venv alone, which holds the sluice command"
	@echo "make lint      ruff and SQL lint"
	@echo "make clean     stop everything and remove all state and environments"

run: setup
	@.venv/bin/sluice run

test: setup lint
	.venv/bin/python -m pytest -q -n 3 --dist loadfile

test-all: setup
	.venv/bin/python -m pytest -q --slow -m slow -n 3 --dist loadfile

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/sqlfluff lint --processes 2 --disable-progress-bar dbt_project sluice/migrations

setup: .venv/.ready

.venv/.ready: pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "sluice needs Python 3.11 or newer: set PYTHON=/path/to/python3.11")'
	@test -x $(UV) || ($(PYTHON) -m venv .venv-uv && .venv-uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION))
	@# compiled at once: without it every short-lived task of a night would compile what it imports
	@UV_PYTHON_DOWNLOADS=never $(UV) sync --frozen --quiet --compile-bytecode --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')"
	@touch $@

clean:
	@if test -x .venv/bin/sluice; then .venv/bin/sluice clean --yes; fi
	rm -rf .venv .venv-uv .pytest_cache .ruff_cache .hypothesis
