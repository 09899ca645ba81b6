# Two commands do everything on a fresh machine: `make study` and `make test`.
# The environment is built by uv on first use (pip installs uv if it is missing), and again when pyproject.toml changes.

PYTHON := .venv/bin/python
READY := .venv/.ready

unexport PYTHONDONTWRITEBYTECODE  # else torch and friends are compiled anew at every start

.PHONY: study test lint format leaderboard clean

study: $(READY)
	$(PYTHON) -m sambench study

test: $(READY)
	$(PYTHON) -m pytest -n auto

lint: $(READY)
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/basedpyright

format: $(READY)
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

leaderboard: $(READY)
	$(PYTHON) -m sambench leaderboard

$(READY): pyproject.toml
	command -v uv >/dev/null || python3 -m pip install --quiet uv
	uv venv --quiet --allow-existing --python 3.11 .venv 2>/dev/null || uv venv --quiet --allow-existing .venv
	uv pip install --quiet --python $(PYTHON) --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv
