# Everything works from a fresh checkout with Python 3.11 or newer: .venv is made when it is missing or out of date.
PYTHON ?= python3
PY := .venv/bin/python
export DJANGO_SETTINGS_MODULE := alignadmin.settings
TIER ?= unit or integration

.PHONY: help demo serve test quick check bench soak screenshots lighthouse html
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## /  make \1#/p' $(MAKEFILE_LIST) | column -t -s '#' 2>/dev/null || grep '##' $(MAKEFILE_LIST)

# The stamp is newer than the two files that say what belongs into the environment.
.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "AlignAdmin needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(PY) || $(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: .venv/installed ## sandbox, web and worker with a prepared connector; prints the address and the sign-in
	@exec $(PY) manage.py demo

serve: .venv/installed ## for real, on this machine: web and worker with keys and data in installation/ (or DATA_DIR)
	@DATA_DIR="$${DATA_DIR:-$(CURDIR)/installation}" exec $(PY) manage.py serve

test: .venv/installed ## the whole suite, or of one room with ROOM=mappings/planning; more options with PYTEST='-k matrix'
	@$(PY) -m tests.support.chromium
	$(PY) -m pytest -n 2 --dist loadfile --durations=10 $(ROOM:%=tests/%) $(PYTEST)

quick: .venv/installed ## what needs no process and no browser, in a few minutes; TIER=unit for what needs no database either
	$(PY) -m pytest -n 2 --dist loadfile -m '$(TIER)' --durations=10 $(ROOM:%=tests/%) $(PYTEST)

check: .venv/installed ## style, types, imports, migrations, deployment
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports --no-cache
	$(PY) -m tests.checks

bench: .venv/installed ## benchmark tables; one of them with BENCH=matrix; into docs/performance.md with WRITE=1
	$(PY) -m tests.bench $(WRITE:%=--write) $(BENCH)

soak: .venv/installed ## the long tests, in an order by chance that is printed; what they took into docs/performance.md with WRITE=1
	$(PY) -m pytest -m soak $(WRITE:%=--write) $(PYTEST)

screenshots: .venv/installed ## every page at 1440 and 390, light and dark, into screenshots/; some of them with ONLY="overview plans"
	$(PY) -m tests.screenshots $(ONLY)

lighthouse: .venv/installed ## eight pages by Lighthouse, which npm installs outside of here; into docs/performance.md with WRITE=1
	$(PY) -m tests.lighthouse $(WRITE:%=--write)

html: .venv/installed ## every page by html-validate, which npm installs outside of here
	$(PY) -m tests.html_validate
