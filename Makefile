# The doors of the house. Each does all of its own set-up.
SHELL := /bin/bash
# The tests start hundreds of programs, and each would compile all anew.
unexport PYTHONDONTWRITEBYTECODE
.DELETE_ON_ERROR:
.PHONY: help setup demo test lint bench repo package agents bundle image constraints clean

help:            ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' Makefile

setup: .venv/ready  ## .venv from the pinned constraints

.venv/ready: constraints.txt agent/pyproject.toml controller/pyproject.toml client/pyproject.toml
	@packaging/setup

demo: setup repo $(if $(HOSTS),agents)  ## the main job, alive; `ONCE=1` ends by itself, `HOSTS=4` shows it on real hosts
	@.venv/bin/python -m $(if $(HOSTS),tests.demo_hosts $(HOSTS),tests.demo) $(if $(ONCE),--once)

test: setup repo lint  ## every test, with the real parts
	@# Much of the time they wait for programs, not for processors; tests/conftest.py says which file comes first.
	@.venv/bin/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

lint: setup      ## ruff, mypy --strict, import contracts, shellcheck
	@.venv/bin/ruff check -q . && .venv/bin/ruff format -q --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-logo
	@.venv/bin/shellcheck -x -P SCRIPTDIR $$(find packaging -type f ! -name '*.py' ! -name '*.pyc' ! -name '*.yaml' ! -name Containerfile) .ci/run tests/testbeds/debian/*/package tests/testbeds/hosts/tree.sh

bench: setup repo  ## the measurements, one table, a report with plots
	@.venv/bin/python -m bench

repo: setup      ## packages and checksums of scripts_repo/ into dist/repo
	@.venv/bin/python -m scripts_repo.build

package: setup agents  ## the wheels and the agent's packages into dist/
	@packaging/wheels

agents: setup    ## the agent's packages alone
	@packaging/packages

bundle: setup    ## one archive with all that a platform without a network needs, into dist/
	@packaging/bundle

image: bundle    ## the controller as a container image; `make image BASE_IMAGE=…` on another base
	@packaging/image/build

constraints: setup  ## pin anew what requirements-dev.in asks for
	@packaging/constraints

clean:           ## what was built goes; caches outside the checkout stay
	rm -rf .venv dist demo
