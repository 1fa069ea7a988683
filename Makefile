# The versions of the tools are pinned here and nowhere else; each is built once, into a cache folder that bears its version.
actionlint_version  := 1.7.12
buf_version         := 1.75.0
golangci_version    := 2.15.0
goreleaser_version  := 2.12.7
govulncheck_version := 1.9.0
# The Go vulnerability database, which is a module too: so it can be had wherever modules can. VULNDB_VERSION=latest is what is known today.
VULNDB_VERSION ?= v0.0.0-20261105234957-e22db6528018

cache       := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/msgen
actionlint  := $(cache)/tools/actionlint-$(actionlint_version)/actionlint
buf         := $(cache)/tools/buf-$(buf_version)/buf
golangci    := $(cache)/tools/golangci-lint-$(golangci_version)/golangci-lint
goreleaser  := $(cache)/tools/goreleaser-$(goreleaser_version)/goreleaser
govulncheck := $(cache)/tools/govulncheck-$(govulncheck_version)/govulncheck
stack       := testdata/stack/stack

# GOTESTFLAGS adds flags to `make test`: GOTESTFLAGS='-run TestShop -v'. PKG narrows test, bench and lint to some packages.
GOTESTFLAGS ?=
PKG         ?= ./...
# BENCH and BENCHTIME are go test's own: which benchmarks, and for how long each.
BENCH       ?= .
BENCHTIME   ?= 1s

# BENCHFLAGS adds flags to `make bench`: BENCHFLAGS='-cpuprofile cpu.out'.
BENCHFLAGS  ?=

# The benchmark of validate runs buf beside it.
export MSGEN_BUF := $(buf)
# Tests lint the systems they generate, and the workflows; they find the linters here and need not build their own.
export MSGEN_GOLANGCI_LINT := $(golangci)
export MSGEN_ACTIONLINT := $(actionlint)

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help build demo test vet lint bench bench-smoke sequences chaos vuln generate release-check stack-up stack-down tools

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

build: ## Build bin/msgen
	CGO_ENABLED=0 go build -trimpath -o bin/ ./cmd/msgen

demo: stack-up ## Generate the shop, run it on real Postgres, Kafka and Redis, and place an order
	@eval "$$($(stack) env)"; go run ./cmd/internal/e2e/demo

test: stack-up $(actionlint) $(golangci) ## Every test, with the race detector, on real Postgres, Kafka and Redis
	@eval "$$($(stack) env)"; set -x; go test -race -timeout 40m $(GOTESTFLAGS) $(PKG)

vet: ## go vet, and go.mod is tidy
	go vet $(PKG)
	go mod tidy -diff

lint: $(golangci) ## golangci-lint, formatting included
	$(golangci) run $(PKG)

bench: stack-up $(buf) ## Every benchmark, one package at a time so that they do not disturb each other
	@eval "$$($(stack) env)"; set -x; go test -run '^$$' -bench '$(BENCH)' -benchmem -benchtime $(BENCHTIME) -p 1 -timeout 60m $(BENCHFLAGS) $(PKG)

bench-smoke: ## Every benchmark once and small: it shows that they run, not how fast
	@$(MAKE) --no-print-directory bench BENCHTIME=1x BENCHFLAGS=-short

# SEQUENCES and SEED say how many random sequences there are and where they begin: SEQUENCES=200 SEED=1000.
SEQUENCES ?= 50
SEED      ?= 1

sequences: ## Long random sequences of edits, changed specs, runs and kills; a few of them are in `make test`
	go test ./cmd/internal/sequence -timeout 12h -v -seed $(SEED) -sequences $(SEQUENCES)

# KILLS says how many processes the chaos suite kills; CHAOS_SEED where its random faults begin.
KILLS      ?= 500
CHAOS_SEED ?= 1
# CHAOSFLAGS: by default it also runs three systems that are wrong on purpose, for ten minutes; empty leaves them out.
CHAOSFLAGS ?= -mutants

chaos: stack-up ## Kill, freeze and cut off the generated shop's parts under load, then check its ledger; also with faults that it must find
	@eval "$$($(stack) env)"; set -x; go test ./cmd/internal/e2e -run TestChaos -timeout 3h -v -kills $(KILLS) -chaos-seed $(CHAOS_SEED) $(CHAOSFLAGS)

vuln: $(govulncheck) ## Look for known vulnerabilities that msgen and the generated shop can reach
	@db=$$(cd / && go mod download -json golang.org/x/vulndb@$(VULNDB_VERSION) | sed -n 's/^\t"Dir": "\(.*\)",$$/\1/p'); set -x; \
	MSGEN_GOVULNCHECK=$(govulncheck) go test ./cmd/internal/e2e -run 'TestVulnerabilities$$' -timeout 30m -v -vulndb "$$db/data/osv"

generate: ## go generate
	go generate $(PKG)

# goreleaser asks git for a remote; a clone without one is lent a remote for this one command, its config is not touched.
release-check: $(goreleaser) ## Check goreleaser.yaml
	@if [[ -z $$(git remote) ]]; then \
		export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=remote.origin.url GIT_CONFIG_VALUE_0=https://github.com/msgen-dev/msgen.git; \
	fi; set -x; $(goreleaser) check

stack-up: ## Start the components that the tests need
	@$(stack) up

stack-down: ## Stop them and remove their data
	@$(stack) down

tools: $(actionlint) $(buf) $(golangci) $(goreleaser) $(govulncheck) ## Build the pinned tools

# Built aside and moved: an interrupted build never passes for a tool.
define install
	@echo "installing $(notdir $@) $(2)" >&2
	@new=$$(mktemp -d); trap 'rm -rf "$$new"' EXIT; \
	GOBIN=$$new GOFLAGS= go install $(1)@v$(2); \
	mkdir -p $(@D); mv "$$new/$(notdir $@)" $@
endef

$(actionlint):
	$(call install,github.com/rhysd/actionlint/cmd/actionlint,$(actionlint_version))

$(buf):
	$(call install,github.com/bufbuild/buf/cmd/buf,$(buf_version))

$(golangci):
	$(call install,github.com/golangci/golangci-lint/v2/cmd/golangci-lint,$(golangci_version))

$(goreleaser):
	$(call install,github.com/goreleaser/goreleaser/v2,$(goreleaser_version))

$(govulncheck):
	$(call install,golang.org/x/vuln/cmd/govulncheck,$(govulncheck_version))
