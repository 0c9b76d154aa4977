# Every command of this repository. Each target sets itself up; CI calls `make test` and nothing else.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN := .venv/bin
READY := .venv/.ready
# Two workers: a small machine has two cores, and more would only make the servers of the tests slow.
WORKERS ?= 2
ARGS ?=

.PHONY: help setup format lint types floors generate check-generated test test-libraries demo pictures docs

help: ## say what each target is for
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 20

setup: $(READY) ## make .venv with everything, from nothing; on Debian as root also the system packages

$(READY): pyproject.toml tools/set_up.sh tools/set_up_servers.sh
	tools/set_up.sh

format: $(READY) ## let ruff write the style, so that nobody discusses it
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(READY) ## find mistakes that need no run
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY) ## prove every signature (mypy --strict)
	$(BIN)/mypy

floors: $(READY) ## prove that imports go down only
	$(BIN)/lint-imports --no-cache

generate: $(READY) ## write the generated files again
	$(BIN)/python -m tools.generate

check-generated: $(READY) ## fail when a generated file is not what its source says
	$(BIN)/python -m tools.generate --check

# The real libraries first, so that the line that sums everything else up is the last one.
test: lint types floors check-generated $(if $(filter true,$(CI)),test-libraries) ## run everything that CI runs; real libraries with CI=true
	$(BIN)/pytest -n $(WORKERS) --doctest-modules --cov=genotel tests src $(ARGS)

test-libraries: $(READY) .venv-libraries/.ready ## run the tests of real diffusers, transformers, onnxruntime … (1.4 GB, CPU)
	OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 GENOTEL_TEST_LIBRARIES=true .venv-libraries/bin/python -m pytest -q -n $(WORKERS) tests/real_libraries $(if $(filter test-libraries,$(MAKECMDGOALS)),$(ARGS))

.venv-libraries/.ready: pyproject.toml tools/set_up_libraries.sh | $(READY)
	tools/set_up_libraries.sh

demo: $(READY) ## watch a real workload for 30 s: page, live numbers, advice; ARGS="--seconds 300"
	$(BIN)/genotel demo $(or $(ARGS),--seconds 30)

pictures: $(READY) ## draw every dashboard into docs/pictures (needs npm and Chromium; not part of test)
	$(BIN)/python -m tools.dashboard_pictures $(ARGS)

docs: $(READY) ## run every example of README and docs
	$(BIN)/pytest -q tests/docs $(ARGS)
