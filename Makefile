# Every target is one line below; "make" prints them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# All packages of all modules that go.work joins.
PACKAGES = $(shell go list -m -f '{{.Dir}}/...')
MODULE := github.com/seed82d84382/commerce
FUZZTIME ?= 10s
GOLANGCI := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
SERVERS := go run ./internal/cmd/withservers
GOTEST := go run ./internal/cmd/gotest

.PHONY: help
help: ## print the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

.PHONY: test
test: export COMMERCE_REQUIRE ?= all
test: servers ## run every test with the race detector on real servers, and close with the counts
	$(SERVERS) $(GOTEST) -race -count=1 -timeout 30m -vet=off $(PACKAGES)

.PHONY: test-short
test-short: ## run the tests that need no server, with -short
	env -u CI -u COMMERCE_REQUIRE $(GOTEST) -short -vet=off $(PACKAGES)

.PHONY: servers
servers: ## install the servers that tests use and this machine lacks, or say how to
	go run ./internal/cmd/getservers

.PHONY: lint
lint: ## check format, go vet, tidy go.mod files and the linters of .golangci.yml
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { gofmt -d .; exit 1; }
	go vet $(PACKAGES)
	go test -run TestModulesAreTidy ./internal/house
	$(GOLANGCI) run $(PACKAGES)

.PHONY: bench
bench: ## run every benchmark once, to see that it works; measure with go test -bench
	$(SERVERS) go test -run '^$$' -bench . -benchtime 1x -benchmem $(PACKAGES)

.PHONY: fuzz
fuzz: ## fuzz every target for FUZZTIME each (10s)
	go run ./internal/cmd/fuzzall -time $(FUZZTIME)

.PHONY: cover
cover: servers ## show how much of each package the tests run; the profile is coverage.out
	$(SERVERS) $(GOTEST) -vet=off -coverprofile=coverage.out -coverpkg=$(MODULE)/... $(PACKAGES)
	go run ./internal/cmd/covertable coverage.out

.PHONY: chaos
chaos: servers ## run the long rounds of the tests that kill servers and cut lines (TestChaos…)
	COMMERCE_CHAOS=long $(SERVERS) $(GOTEST) -race -count=1 -timeout 60m -run '^TestChaos' $(PACKAGES)
