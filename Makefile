# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# make demo: all set-up and the main job.  make test: all set-up and every test.
PYTHON ?= python3
SYSTEM ?= site

.PHONY: help demo test bench prepare prepare-test lint unit down clean
.DEFAULT_GOAL := help

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

demo: ## set everything up, run a site on the testbed twice, show the proof (SYSTEM=api_gateway, ingress, microgateway, microgateway_sidecar: the others)
	@$(PYTHON) -m tooling.prepare run
	@.venv/bin/python -m tooling.demo $(SYSTEM)

test: ## set everything up, run every test and gate
	@$(PYTHON) -m tooling.prepare test --without-kubernetes
	@.venv/bin/python -m tooling.gates

bench: ## measure converges, admissions and engines beside what they are compared with; prints Markdown
	@$(PYTHON) -m tooling.prepare test
	@.venv/bin/python -m benchmarks

lint: ## the gates that need no testbed
	@$(PYTHON) -m tooling.prepare test --without-kubernetes
	@.venv/bin/python -m tooling.gates --only lint

unit: ## the unit tests
	@$(PYTHON) -m tooling.prepare test --without-kubernetes
	@.venv/bin/python -m tooling.gates --only unit

prepare: ## set up what the demo needs
	@$(PYTHON) -m tooling.prepare run

down: ## stop the testbed and remove its state
	@if [ -x .venv/bin/testbed ]; then .venv/bin/testbed down; fi

clean: down ## also remove everything built, the cache included
	@$(PYTHON) -m tooling.clean
