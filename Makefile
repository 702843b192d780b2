# Everything a user or a developer starts. Needs Node 20 or newer, npm, Go 1.25 or newer and make (the tests Python 3.11 too); brings the rest itself.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

# Node 24 comes as an npm package. It leads, so that every recipe after `install` runs on it. HAProxy is in a folder that only root's PATH has.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH):/usr/local/sbin:/usr/sbin
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/reflavor

.PHONY: help install install-test install-cluster install-bench generate package verify lint types test test-unit demo chaos bench bench-quick licences picture up down run traffic cluster cluster-down cluster-demo clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## Install what the other targets need (they call it themselves); the first time takes about 7 minutes
install-test: INSTALL_FLAGS = --test
install-cluster: INSTALL_FLAGS = --cluster
install-bench: INSTALL_FLAGS = --bench
install install-test install-cluster install-bench:
	@# Not `npm ci`: it refuses a lock file that lacks optional packages of other platforms, and a registry needn't have them all.
	@node tools/packages-fresh.mjs || { echo 'install: npm packages, as locked'; npm install --no-save --no-fund --no-audit --loglevel=error; }
	@mkdir -p '$(CACHE)' && flock '$(CACHE)/install.lock' node tools/install.ts $(INSTALL_FLAGS)

generate: install ## Write every generated file anew: CRDs, the chart, the SDK's types, pages of docs/
	@node tools/generate.ts

package: install ## Build the npm package into dist/package: the SDK, and the kubectl plugin as one file
	@node tools/package/main.ts

verify: install ## Fail when a generated file is stale
	@node tools/test.ts verify

lint: install ## Check format and lint
	@node tools/test.ts lint

types: install ## Check types
	@node tools/test.ts types

test: install-test ## Run every test: lint, types, verify, unit, control plane, data plane, and as root on Linux a cluster
	@node tools/test.ts

test-unit: install ## Run the unit tests alone
	@node tools/test.ts unit

demo: install ## Show a load balancer being resized live under traffic
	@node tools/demo.ts

chaos: install-test ## Lead the operator through faults of every class, check its promises, and write docs/reliability.md
	@node chaos/main.ts $(ARGS)

bench: install-bench ## Measure it against its aims, and write docs/performance.md (root, for the part in network namespaces)
	@node bench/main.ts $(ARGS)

bench-quick: install-bench ## The same in 5 minutes, to see whether it runs
	@node bench/main.ts --quick $(ARGS)

licences: install ## Check the licences of all that is used, as far as this machine knows them
	@node tools/licences/main.ts

picture: install ## Run the demo and draw docs/resize.svg from what it says
	@mkdir -p dist
	@node tools/demo.ts | tee dist/demo.log
	@node tools/demo/picture.ts dist/demo.log docs/resize.svg

up: install ## Start a control plane, the operator and the REST API, and leave them running (state in .reflavor/)
	@node tools/up.ts

down: ## End what `make up` started, and nothing else
	@node tools/down.ts

run: install ## Run the operator against the cluster of the current kubeconfig
	@node src/main.ts operator $(ARGS)

traffic: install ## Send traffic to URL=http://… and count failed requests
	@node tools/traffic/main.ts $(URL) $(ARGS)

cluster: install-cluster ## Start a Kubernetes of two nodes on this machine, with the operator in a pod, and leave it running (root)
	@node tools/cluster/up.ts

cluster-down: ## End what `make cluster` started, and nothing else
	@node tools/cluster/down.ts

cluster-demo: install-cluster ## Show a load balancer being resized live on that cluster, or on one of its own where none runs
	@node tools/cluster/demo.ts

clean: down cluster-down ## Remove what was built here and the state of `make up` and `make cluster` (the cache of built binaries stays)
	@rm -rf dist .reflavor coverage
