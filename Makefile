# Everything that CI runs is a target here: .ci/run calls them and nothing else.
GO          ?= go
STATICCHECK ?= $(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2
ACTIONLINT  ?= $(GO) run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
GORELEASER  ?= $(GO) run github.com/goreleaser/goreleaser/v2@v2.15.1
PLATFORMS   := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
BIN         := bin/ctxaudit
BUILDS      ?= 300
ifndef SEED # one for all that a run of make starts
SEED        := $(shell date +%s)
endif

.PHONY: build man install-plugin audit test race effects tools conformance cases mutations bench check cross lint-ci release release-check fix docs site bases fuzz python javascript bake clean messages

build: ## the ctxaudit binary, in bin/
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o $(BIN) ./cmd/ctxaudit

man: ## manual pages and completions, in build/
	$(GO) run ./hack/gendist -o build

install-plugin: build ## make it a plugin of the docker command: docker ctxaudit
	mkdir -p $(or $(DOCKER_CONFIG),$(HOME)/.docker)/cli-plugins
	install -m 755 $(BIN) $(or $(DOCKER_CONFIG),$(HOME)/.docker)/cli-plugins/docker-ctxaudit

audit: build ## audit this project's own image, then the example that replays an outage
	$(BIN) check --verbose .
	@rm -rf .cache/outage && $(GO) run ./hack/untxtar testdata/outage.txtar .cache/outage
	@echo; echo "== the example with the fault (it must be found):"
	@if $(BIN) check --config .cache/outage/broken/.ctxaudit.yaml; then echo "the fault was not found" >&2; exit 1; fi
	@echo; echo "== the example repaired:"
	$(BIN) check --verbose --config .cache/outage/repaired/.ctxaudit.yaml

test: ## all tests that need neither root nor a daemon
	$(GO) test ./...

race: ## the tests again with the race detector (needs a C compiler), but for those of programs that are built without it
	$(GO) test -race -timeout 20m $$($(GO) list ./... | grep -v -e /internal/hostile -e /internal/delivery)

effects: ## hold steps against a real shell, with random scripts of a fresh seed, which is printed
	$(GO) test ./internal/simulate -run TestEffectsAgainstShell -count=1 -v -seed=$(SEED)

conformance: ## hold predictions against a real buildkitd (needs root), with random builds and steps of a fresh seed
	@echo "seed $(SEED)"
	CTXAUDIT_CONFORMANCE=require $(GO) test -timeout 40m ./internal/conformance -count=1 -seed=$(SEED) -steps-seed=$(SEED) -builds=$(BUILDS)

# The releases of build tools that npm has, by the names that tests have for them.
TOOLS := pnpm9=pnpm@9 pnpm10=pnpm@10 yarn1=yarn@1 yarn4=@yarnpkg/cli-dist@4.18.1 bun14=bun@1.4 typescript=typescript@5.9 turbo2=turbo@2 nest10="@nestjs/cli@10 typescript@5.9" vite6=vite@6 webpack5="webpack@5 webpack-cli@6"

tools: ## ask build tools themselves what they read: all written cases, and files taken away at random
	@for t in $(TOOLS); do \
		test -d .cache/tools/$${t%%=*} || npm install --no-audit --no-fund --silent --prefix .cache/tools/$${t%%=*} $${t#*=} || exit 1; \
	done
	CTXAUDIT_TOOLS=$(CURDIR)/.cache/tools $(GO) test ./internal/tools -run 'TestRealTools|TestTakenAway' -count=1 -timeout 20m -seed=$(SEED)

cases: ## ask the real BuildKit what the cases of internal/cases say it answers (needs root)
	CTXAUDIT_CASES=require $(GO) test -timeout 20m ./internal/cases -count=1

mutations: ## break clean repositories in every known way, and repair them: those of MUTATE, a directory of repositories, too
	CTXAUDIT_MUTATE=$(MUTATE) $(GO) test -timeout 60m ./internal/mutate -count=1 -v

bench: build ## time ctxaudit beside find, BuildKit's own walk and CPython; writes docs/performance.md and its chart
	$(GO) run ./hack/bench -o docs/performance.md
	$(GO) test -run '^$$' -bench . -benchtime 1x ./dockerctx ./dockerfile ./internal/simulate ./internal/lang/python/syntax

check: cross lint-ci ## formatting, vet, staticcheck, generated files, import rules, all platforms, workflows
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "run make fix" >&2; exit 1; }
	$(GO) vet ./...
	$(STATICCHECK) ./...
	$(GO) mod verify >/dev/null
	$(GO) run ./hack/gendocs -check

cross: ## build for every platform that there is a release for
	@for p in $(PLATFORMS); do \
		echo "go build $$p"; \
		GOOS=$${p%/*} GOARCH=$${p#*/} CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o /dev/null ./cmd/ctxaudit || exit 1; \
	done

lint-ci: ## the workflows, and those that the documentation shows
	@rm -rf .cache/snippets && $(GO) run ./hack/snippets -o .cache/snippets README.md docs/ci.md docs/install.md
	$(ACTIONLINT) .github/workflows/*.yml .cache/snippets/.github/workflows/*.yml

release: ## make a release of the tag that is checked out, as .github/workflows/release.yml does
	$(GORELEASER) release --clean

# Only who may publish can sign, and only buildx makes the image.
SKIP := sign$(shell docker buildx version >/dev/null 2>&1 || echo ,docker)

release-check: ## everything of a release but signing and publishing it, in dist/; what people would install of it is installed and run
	$(GORELEASER) check
	$(GORELEASER) release --clean --snapshot --skip=$(SKIP)
	CTXAUDIT_DIST=$(CURDIR)/dist $(GO) test ./internal/delivery -run TestDist -count=1

fix: ## repair what check complains about, as far as a program can
	gofmt -w .
	$(GO) mod tidy
	$(GO) run ./hack/gendocs

messages: ## list every text that a user may read, with its place
	$(GO) run ./hack/messages

docs: ## regenerate docs/
	$(GO) run ./hack/gendocs

# VitePress looks for itself above the pages, which is why they are copied to where it is installed.
site: ## the documentation as a site, in .cache/site/docs/.vitepress/dist; a link that leads nowhere fails (needs npm)
	@mkdir -p .cache/site && rm -rf .cache/site/docs && cp -R docs .cache/site/
	@cmp -s hack/site/package-lock.json .cache/site/package-lock.json && test -d .cache/site/node_modules || { \
		cp hack/site/package.json hack/site/package-lock.json .cache/site/ && \
		npm ci --prefix .cache/site --ignore-scripts --no-audit --no-fund --silent; }
	.cache/site/node_modules/.bin/vitepress build .cache/site/docs

bases: ## hold the table of official images against their Dockerfiles, of the repositories that lie in SOURCES as OWNER/REPO
	$(GO) run ./hack/bases -sources $(SOURCES) -check

fuzz: ## fuzz each parser for a short while
	$(GO) test ./dockerctx -run '^$$' -fuzz FuzzParseIgnoreFile -fuzztime 30s -fuzzminimizetime 1s
	$(GO) test ./dockerctx -run '^$$' -fuzz FuzzOracle -fuzztime 30s
	$(GO) test ./dockerctx -run '^$$' -fuzz FuzzIndex -fuzztime 30s
	$(GO) test ./dockerctx -run '^$$' -fuzz FuzzFacts -fuzztime 30s
	$(GO) test ./dockerfile -run '^$$' -fuzz FuzzCompile -fuzztime 30s
	$(GO) test ./dockerfile -run '^$$' -fuzz FuzzGuarded -fuzztime 30s -fuzzminimizetime 1s
	$(GO) test ./dockerfile -run '^$$' -fuzz FuzzWords -fuzztime 30s -fuzzminimizetime 1s
	$(GO) test ./internal/baseimage -run '^$$' -fuzz FuzzLayer -fuzztime 30s -fuzzminimizetime 1s
	$(GO) test ./internal/baseimage -run '^$$' -fuzz FuzzDecode -fuzztime 30s -fuzzminimizetime 1s
	$(GO) test ./internal/builds -run '^$$' -fuzz 'FuzzBake$$' -fuzztime 30s
	$(GO) test ./internal/builds -run '^$$' -fuzz FuzzWorkflows -fuzztime 30s
	$(GO) test ./internal/builds -run '^$$' -fuzz FuzzServices -fuzztime 30s
	$(GO) test ./internal/builds -run '^$$' -fuzz FuzzHints -fuzztime 30s
	$(GO) test ./internal/builds -run '^$$' -fuzz FuzzBakeOverride -fuzztime 30s -fuzzminimizetime 1s
	$(GO) test ./internal/builds -run '^$$' -fuzz FuzzSkaffold -fuzztime 30s
	$(GO) test ./internal/builds -run '^$$' -fuzz FuzzGoReleaser -fuzztime 30s -fuzzminimizetime 1s
	$(GO) test ./internal/builds -run '^$$' -fuzz 'FuzzCompose$$' -fuzztime 30s -fuzzminimizetime 1s
	$(GO) test ./internal/builds -run '^$$' -fuzz FuzzComposeGuard -fuzztime 30s -fuzzminimizetime 1s
	$(GO) test ./internal/builds -run '^$$' -fuzz FuzzEnv -fuzztime 30s -fuzzminimizetime 1s
	$(GO) test ./internal/safeyaml -run '^$$' -fuzz FuzzParse -fuzztime 30s -fuzzminimizetime 1s
	$(GO) test ./internal/document -run '^$$' -fuzz FuzzJSON -fuzztime 30s -fuzzminimizetime 1s
	$(GO) test ./internal/document -run '^$$' -fuzz FuzzTOML -fuzztime 30s -fuzzminimizetime 1s
	$(GO) test ./internal/tools/rust -run '^$$' -fuzz FuzzScan -fuzztime 30s
	$(GO) test ./internal/tools -run '^$$' -fuzz FuzzRead -fuzztime 30s
	$(GO) test ./internal/shell -run '^$$' -fuzz FuzzStatements -fuzztime 30s -fuzzminimizetime 1s
	$(GO) test ./internal/shell -run '^$$' -fuzz FuzzWalk -fuzztime 30s
	$(GO) test ./internal/git -run '^$$' -fuzz FuzzOutput -fuzztime 30s
	$(GO) test ./internal/git -run '^$$' -fuzz FuzzClean -fuzztime 30s
	$(GO) test ./internal/git -run '^$$' -fuzz FuzzSettings -fuzztime 30s
	$(GO) test ./internal/gcloudignore -run '^$$' -fuzz FuzzParse -fuzztime 30s
	$(GO) test ./internal/policy -run '^$$' -fuzz FuzzParse -fuzztime 30s
	$(GO) test ./internal/program -run '^$$' -fuzz FuzzAnalyze -fuzztime 30s
	$(GO) test ./internal/lang/python/syntax -run '^$$' -fuzz FuzzScan -fuzztime 30s
	$(GO) test ./internal/lang/javascript/syntax -run '^$$' -fuzz FuzzScan -fuzztime 30s
	$(GO) test ./internal/lang/python/manifest -run '^$$' -fuzz FuzzRequirements -fuzztime 30s
	$(GO) test ./internal/lang/python/manifest -run '^$$' -fuzz FuzzPyproject -fuzztime 30s -fuzzminimizetime 1s
	$(GO) test ./internal/lang/python/manifest -run '^$$' -fuzz FuzzSetupCfg -fuzztime 30s -fuzzminimizetime 1s
	$(GO) test ./internal/lang/python/manifest -run '^$$' -fuzz FuzzSetupPy -fuzztime 30s -fuzzminimizetime 1s
	$(GO) test ./internal/lang/python/manifest -run '^$$' -fuzz 'FuzzPipfile$$' -fuzztime 30s -fuzzminimizetime 1s
	$(GO) test ./internal/lang/python/manifest -run '^$$' -fuzz FuzzPipfileLock -fuzztime 30s -fuzzminimizetime 1s
	$(GO) test ./internal/lang/python/manifest -run '^$$' -fuzz FuzzLock -fuzztime 30s -fuzzminimizetime 1s
	$(GO) test ./internal/lang/python/manifest -run '^$$' -fuzz FuzzConda -fuzztime 30s -fuzzminimizetime 1s
	$(GO) test ./internal/edit -run '^$$' -fuzz FuzzApply -fuzztime 30s
	$(GO) test ./internal/suppress -run '^$$' -fuzz FuzzComments -fuzztime 30s
	$(GO) test ./internal/why -run '^$$' -fuzz FuzzClues -fuzztime 30s
	$(GO) test ./internal/simulate -run '^$$' -fuzz FuzzAdd -fuzztime 30s
	$(GO) test ./internal/report -run '^$$' -fuzz FuzzSpan -fuzztime 30s
	$(GO) test ./internal/report -run '^$$' -fuzz FuzzReplacement -fuzztime 30s
	$(GO) test ./internal/report -run '^$$' -fuzz '^FuzzScreen$$' -fuzztime 30s
	$(GO) test ./internal/report -run '^$$' -fuzz '^FuzzPage$$' -fuzztime 30s
	$(GO) test ./internal/report -run '^$$' -fuzz '^FuzzName$$' -fuzztime 30s
	$(GO) test ./internal/report -run '^$$' -fuzz '^FuzzMarkdown$$' -fuzztime 30s
	$(GO) test ./internal/report -run '^$$' -fuzz '^FuzzMarkdownReport$$' -fuzztime 30s
	$(GO) test ./internal/report -run '^$$' -fuzz '^FuzzHTML$$' -fuzztime 30s
	$(GO) test ./internal/report -run '^$$' -fuzz '^FuzzGitHub$$' -fuzztime 30s
	$(GO) test ./internal/report -run '^$$' -fuzz '^FuzzJUnit$$' -fuzztime 30s
	$(GO) test ./internal/baseline -run '^$$' -fuzz '^FuzzBaseline$$' -fuzztime 30s
	$(GO) test ./internal/cli -run '^$$' -fuzz '^FuzzWithoutLines$$' -fuzztime 30s
	$(GO) test ./internal/why -run '^$$' -fuzz '^FuzzTarget$$' -fuzztime 30s

python: ## hold the Python scanner against CPython's own ast, on every file of this machine's Python
	CTXAUDIT_PYTHON=require $(GO) test -run TestAgainstCPython -count=1 -v ./internal/lang/python/syntax

# Packages whose files the scanner of JavaScript is held against, beside those that they bring along.
PACKAGES := express koa lodash rxjs typeorm zod ajv webpack vue react-dom @nestjs/core fastify socket.io axios vite

javascript: ## hold the JavaScript scanner against TypeScript's own parser, on the files of well-known packages
	test -d .cache/javascript || npm install --no-audit --no-fund --silent --ignore-scripts --prefix .cache/javascript typescript@5.9 $(PACKAGES)
	CTXAUDIT_JAVASCRIPT=$(CURDIR)/.cache/javascript $(GO) test -run TestAgainstTypeScript -count=1 -v ./internal/lang/javascript/syntax

bake: ## hold the reading of Bake files against a real buildx, which is built from its module
	GOBIN=$(CURDIR)/.cache/bin $(GO) install github.com/docker/buildx/cmd/buildx@v0.38.2
	CTXAUDIT_BUILDX=$(CURDIR)/.cache/bin/buildx $(GO) test -run TestAgainstBuildx -count=1 ./internal/builds

clean:
	rm -rf bin build dist .cache
