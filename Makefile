# A fresh machine needs git, make and Python 3.11 or newer with pip; every target sets up .venv by itself, once.
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test lab site check coverage lock hooks clean
unexport PYTHONPATH PYTHONHOME

help: ## what there is to make (this)
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile

demo: ## run every notebook on the local platform and build the write-up from what was measured
	@scripts/install demo
	@.venv/bin/flylab suite
	@.venv/bin/flylab site

test: ## run all checks and tests
	@scripts/install all
	@scripts/test

lab: ## open the notebooks in JupyterLab
	@scripts/install demo
	@scripts/lab

site: ## the write-up as it is published (BASE_URL=https://… says where): run, build, look at every page
	@scripts/install all
	@scripts/site

check: ## format, lint and types only
	@scripts/install all
	@scripts/check

coverage: ## the tests with branch coverage, and the limits it has to reach
	@scripts/install all
	@scripts/coverage

lock: ## pin the newest versions that pyproject.toml admits (needs uv)
	@scripts/lock

hooks: ## keep outputs of notebooks out of your commits
	@scripts/install all
	@scripts/hooks

clean: ## remove the environment and everything that was built
	rm -rf .venv build .flylab .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
