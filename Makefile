# Everything that CI runs is a target here: .ci/run calls them and nothing else.
GO          ?= go
STATICCHECK ?= $(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2
BIN         := bin/ctxaudit
SEED        ?= $(shell date +%s)
BUILDS      ?= 300

.PHONY: build audit test conformance bench check fix docs fuzz python clean

build: ## the ctxaudit binary, in bin/
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o $(BIN) ./cmd/ctxaudit

audit: build ## audit this project's own image, then the example that replays an outage
	$(BIN) check --verbose .
	@rm -rf .cache/outage && $(GO) run ./hack/untxtar testdata/outage.txtar .cache/outage
	@echo; echo "== the example with the fault (it must be found):"
	@if $(BIN) check --config .cache/outage/broken/.ctxaudit.yaml; then echo "the fault was not found" >&2; exit 1; fi
	@echo; echo "== the example repaired:"
	$(BIN) check --verbose --config .cache/outage/repaired/.ctxaudit.yaml

test: ## all tests that need neither root nor a daemon
	$(GO) test -race ./...

conformance: ## hold predictions against a real buildkitd (needs root)
	CTXAUDIT_CONFORMANCE=require $(GO) test -timeout 40m ./internal/conformance -count=1 -seed=$(SEED) -builds=$(BUILDS)

bench: build ## time ctxaudit beside find, BuildKit's own walk and CPython; writes docs/performance.md
	$(GO) run ./hack/bench -o docs/performance.md
	$(GO) test -run '^$$' -bench . -benchtime 1x ./dockerctx ./dockerfile ./internal/simulate ./internal/modules/python/syntax

check: ## formatting, vet, staticcheck, generated files, import rules
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "run make fix" >&2; exit 1; }
	$(GO) vet ./...
	$(STATICCHECK) ./...
	$(GO) mod verify >/dev/null
	$(GO) run ./hack/gendocs -check

fix: ## repair what check complains about, as far as a program can
	gofmt -w .
	$(GO) mod tidy
	$(GO) run ./hack/gendocs

docs: ## regenerate docs/
	$(GO) run ./hack/gendocs

fuzz: ## fuzz each parser for a short while
	$(GO) test ./dockerctx -run '^$$' -fuzz FuzzParseIgnoreFile -fuzztime 30s -fuzzminimizetime 1s
	$(GO) test ./dockerctx -run '^$$' -fuzz FuzzOracle -fuzztime 30s
	$(GO) test ./dockerctx -run '^$$' -fuzz FuzzIndex -fuzztime 30s
	$(GO) test ./dockerctx -run '^$$' -fuzz FuzzFacts -fuzztime 30s
	$(GO) test ./dockerfile -run '^$$' -fuzz FuzzCompile -fuzztime 30s
	$(GO) test ./internal/policy -run '^$$' -fuzz FuzzParse -fuzztime 30s
	$(GO) test ./internal/startup -run '^$$' -fuzz FuzzAnalyze -fuzztime 30s
	$(GO) test ./internal/modules/python/syntax -run '^$$' -fuzz FuzzScan -fuzztime 30s
	$(GO) test ./internal/modules/python/manifest -run '^$$' -fuzz FuzzRequirements -fuzztime 30s
	$(GO) test ./internal/edit -run '^$$' -fuzz FuzzApply -fuzztime 30s
	$(GO) test ./internal/suppress -run '^$$' -fuzz FuzzComments -fuzztime 30s
	$(GO) test ./internal/why -run '^$$' -fuzz FuzzClues -fuzztime 30s
	$(GO) test ./internal/simulate -run '^$$' -fuzz FuzzAdd -fuzztime 30s
	$(GO) test ./internal/report -run '^$$' -fuzz FuzzSpan -fuzztime 30s
	$(GO) test ./internal/report -run '^$$' -fuzz FuzzReplacement -fuzztime 30s

python: ## hold the Python scanner against CPython's own ast, on every file of this machine's Python
	CTXAUDIT_PYTHON=require $(GO) test -run TestAgainstCPython -count=1 -v ./internal/modules/python/syntax

clean:
	rm -rf bin .cache
