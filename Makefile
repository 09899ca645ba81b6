# Two commands do everything on a fresh machine: `make study` and `make test`.
# The environment is built by uv on first use (a venv gets its own uv where there is none), and again when
# pyproject.toml changes.

PYTHON := .venv/bin/python
READY := .venv/.ready

unexport PYTHONDONTWRITEBYTECODE  # else torch and friends are compiled anew at every start

.PHONY: study engines test lint format leaderboard reference clean

study: $(READY)
	$(PYTHON) -m sambench study

test: $(READY) engines
	$(PYTHON) -m pytest -n auto --dist loadgroup

lint: $(READY)
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/basedpyright

format: $(READY)
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

leaderboard: $(READY)
	$(PYTHON) -m sambench leaderboard --html

# Tables of keys and methods in READMEs, and the JSON Schema of study files.
reference: $(READY)
	$(PYTHON) -m tests.reference

# What tests start for themselves: a browser, Slurm, PostgreSQL. Where apt or root is missing they are skipped.
engines:
	@if command -v apt-get && [ "$$(id -u)" = 0 ] && \
	! { command -v chromium && command -v slurmctld && ls /usr/lib/postgresql; }; then \
	export DEBIAN_FRONTEND=noninteractive; \
	timeout 120 apt-get update && timeout 300 apt-get install -y --no-install-recommends \
	chromium slurmctld slurmd slurm-client munge postgresql; \
	fi >/dev/null 2>&1 || true

$(READY): pyproject.toml
	@echo "building .venv (once; about a minute and 6 GB)"
	@uv=$$(command -v uv || echo .venv/bin/uv); \
	[ -x "$$uv" ] || { python3 -m venv .venv && .venv/bin/python -m pip install --quiet uv; }; \
	[ -x $(PYTHON) ] || "$$uv" venv --quiet .venv; \
	"$$uv" pip install --quiet --python $(PYTHON) --editable '.[dev]'
	@touch $@

clean:
	rm -rf .venv
