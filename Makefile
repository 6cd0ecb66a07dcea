# Targets people type. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
export GOFLAGS := -buildvcs=false
export GOTOOLCHAIN := local
export CGO_ENABLED ?= 0
# Vite will want file names in full some day; TypeScript and it do not agree on them yet.
export VITE_CONFIG_NATIVE_IGNORE_WARNING := true

VERSION ?= $(shell git describe --tags --match 'v[0-9]*' 2>/dev/null || echo v0.1.0-devel)
ARCH := $(shell go env GOARCH)
# Platforms whose small binary travels inside the server.
PLATFORMS ?= linux-amd64 linux-arm64
LDFLAGS := -s -w -X coder.internal/internal/buildinfo.version=$(VERSION)
SLIM_TAGS := $(shell paste -sd, scripts/slim-tags.txt 2>/dev/null)
GO_FILES := $(shell git ls-files '*.go' '*.sql' '*.tf' go.mod go.sum docs/reference/openapi.json site/static 2>/dev/null)
SITE_FILES := $(shell git ls-files site/src site/public site/scripts site/mock site/index.html site/terminal.html site/vite.config.ts site/package.json 2>/dev/null)
# Not --prefix: with it npm forgets how the machine reaches its registry.
NPM := cd site && ../scripts/node.sh npm
PG_ARCHIVE := database/local/archive/postgres-linux-$(ARCH).tar.zst
BIN_ARCHIVE := coderd/downloads/archive/coder.tar.zst

.PHONY: help quickstart build slim site site-check site-looks site-browser site-real gen fmt lint test race public-templates compare-templates check cross bench ledger audit-test ha chaos chaos-postgres upgrade-test fuzz offline-test clean deps
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

quickstart: ## a server, a workspace and a shell in it; ARGS=--exit ends after the first command
	@./scripts/quickstart.sh $(ARGS)

build: build/coder ## the full binary with Postgres, the small binaries and the dashboard inside

build/coder: $(GO_FILES) $(PG_ARCHIVE) $(BIN_ARCHIVE) site/dist/index.html
	go build -trimpath -tags embed_postgres,embed_bin,embed_site -ldflags '$(LDFLAGS)' -o $@ ./cmd/coder

$(PG_ARCHIVE): $(wildcard scripts/pgarchive/*.go) database/local/cluster.go
	go run ./scripts/pgarchive -platform linux-$(ARCH) -o $@

site: site/dist/index.html ## the dashboard, into site/dist (needs node)

site/dist/index.html: site/node_modules/.package-lock.json $(SITE_FILES)
	$(NPM) run build

site/node_modules/.package-lock.json: site/package-lock.json
	$(NPM) ci --no-audit --no-fund
	@touch $@

site-check: site/node_modules/.package-lock.json ## types, style, floors and unit tests of the dashboard
	$(NPM) run check

site-looks: site/dist/index.html ## every page of the dashboard in Chromium, with axe, against the mock
	$(NPM) run looks

site-browser: site/dist/index.html ## all that can be done in the dashboard, in Chromium, against the mock
	$(NPM) run e2e

site-real: site/dist/index.html ## the main ways through the dashboard in Chromium, against the real server
	./scripts/node.sh go test -count=1 -tags embed_site ./cmd/internal/serve/browser

slim: $(PLATFORMS:%=build/coder-slim-%) ## the small binary for workspaces and laptops

build/coder-slim-%: $(GO_FILES)
	GOOS=$(firstword $(subst -, ,$*)) GOARCH=$(word 2,$(subst -, ,$*)) \
	  go build -trimpath -tags '$(SLIM_TAGS)' -ldflags '$(LDFLAGS)' -o $@ ./cmd/coder-slim

$(BIN_ARCHIVE): $(PLATFORMS:%=build/coder-slim-%)
	go run ./scripts/binarchive -o $@ $^

gen: ## write the generated files again: SQL, OpenAPI, reference pages
	go tool -modfile=tools/go.mod sqlc generate
	go run ./scripts/apigen
	go run ./cmd/docsgen

fmt: ## format the code
	gofmt -w $(shell git ls-files '*.go')

lint: ## vet, format, file sizes
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo 'run make fmt'; exit 1; }
	go vet ./...
	@./scripts/lint-sizes.sh

deps: ## what the tests need from the system (installs it when root)
	@./scripts/test-deps.sh

# Vetting reads all dependencies, too; "make lint" does it, with more of its checks.
test: deps ## all tests
	go test -vet=off ./...
	go test -vet=off -tags '$(SLIM_TAGS)' ./agent/network # the packet library as the small binary has it
	$(MAKE) --no-print-directory site-check site-looks site-real
	go -C tools test ./...

race: deps ## all tests under the race detector
	CGO_ENABLED=1 go test -race -timeout 30m ./...
	go -C tools test ./...

public-templates: ## import templates of others, also those that need more providers
	CODER_TEST_PROVIDER_MIRROR="$$(./scripts/providers.sh local | tail -n 1)" go test -count=1 -run TestPublicTemplates ./provisionerd/terraform

cross: ## the small binary compiles everywhere
	@for p in linux-amd64 linux-arm64 darwin-amd64 darwin-arm64 windows-amd64 windows-arm64; do \
	  echo "$$p"; GOOS=$${p%-*} GOARCH=$${p#*-} go build -tags '$(SLIM_TAGS)' -o /dev/null ./cmd/coder-slim; done

compare-templates: ## compare pages of parameters with the provider's word for the templates in DIR; MIRROR=providers
	@test -n "$(DIR)" || { echo 'give DIR=<directory of template directories>'; exit 2; }
	@CODER_TEST_TEMPLATES_DIR="$(abspath $(DIR))" CODER_TEST_PROVIDER_MIRROR="$(abspath $(MIRROR))" \
	  go test -count=1 -timeout 30m -v -run 'TestTemplatesAgree' ./cmd/internal/serve | sed -un 's/^.*_test.go:[0-9]*: template: //p'

check: gen lint race site-check site-browser cross ## what a change must pass
	@test -z "$$(git status --porcelain -- '*_gen.go' docs/reference site/src/api/generated.ts)" || { git status --short; echo 'generated files differ: commit what make gen wrote'; exit 1; }

bench: build build/bench-node build/derper ## figures, one JSON line each, with their reference run beside them
	go run ./scripts/bench $(ARGS)

build/bench-node: $(GO_FILES)
	go build -trimpath -ldflags '-s -w' -o $@ ./scripts/bench/node

# The relay program of upstream, to compare with.
build/derper: go.mod go.sum
	go build -trimpath -ldflags '-s -w' -o $@ tailscale.com/cmd/derper

ledger: build ## kill servers, daemons and terraforms while workspaces are built, then count; ARGS="-seed 7 -kills 200"
	go run ./scripts/ledger $(ARGS)

audit-test: ## kill servers between a change and its answer, then compare changes and entries; ARGS="-seed 7 -kills 200"
	go test -count=1 -timeout 30m -v -run '^TestAuditIsCompleteWhenKilled$$' ./cmd/internal/serve -args $(ARGS)

chaos-postgres: ## freeze, fail over and fill Postgres under a server, and put pgbouncer before it (as root)
	go test -count=1 -v -tags chaos ./cmd/internal/serve/chaos

ha: build ## three replicas, haproxy and two workspaces on loopback, until Ctrl-C; ARGS="-port 3000"
	@go build -o build/ha ./scripts/ha && exec ./build/ha $(ARGS)

chaos: build ## clients and random faults on three replicas, then a check of the history: SECONDS=600 SEED=1
	go run ./scripts/ha/chaos -seconds $(or $(SECONDS),600) -seed $(or $(SEED),1) $(ARGS)

upgrade-test: build ## roll three replicas from PREVIOUS (the last tag, else HEAD~) to this release and back under load
	go run ./scripts/ha/upgrade $(if $(PREVIOUS),-previous $(PREVIOUS)) $(ARGS)

fuzz: ## search for names, paths, URLs, cookies, requests and answers that are read in two ways, a minute for each target; ARGS="-fuzztime 120s"
	@for f in $$(go test -list '^Fuzz' ./coderd/devurl | grep '^Fuzz'); do \
	  go test -run '^$$' -fuzz "^$$f\$$" -fuzztime 60s -parallel 1 $(ARGS) ./coderd/devurl; done

offline-test: build ## imports and builds in a network namespace without a route (root, Linux)
	./scripts/offline-test.sh

clean: ## remove what was built
	rm -rf build site/dist $(PG_ARCHIVE) $(PG_ARCHIVE:.tar.zst=-cluster.tar.zst) $(BIN_ARCHIVE)
