.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
GO ?= go
N ?= 30
FUZZTIME ?= 30s
OUT ?= out

.PHONY: help
help: ## Show this help
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the command into bin/reactorspec
	$(GO) build -o bin/reactorspec .

# The packages that are tested two at a time, since most of a test is waiting.
BESIDE = $$($(GO) list ./... | grep -v '/suites$$')

.PHONY: test
test: ## Run the project's tests (every package, real servers where installed)
	$(GO) vet ./...
	$(GO) test -timeout 18m ./suites # alone: it compares each outcome of real servers, and untested is another one than pass
	$(GO) test -p 2 -timeout 18m $(BESIDE) # two judges on two cores disturb each other, which no verdict may mind
	$(MAKE) specs

# What this tests is the door for Ginkgo, and the MUSTs of five families do for that: Ginkgo
# judges one clause after the other, and by all families it would take many minutes more.
# By the rest the reference is judged through suites.Verify and suites.Check: in the tests of
# the root, and at night by the whole spec (make combinations). LABELS= leaves nothing out.
LABELS ?= MUST && (SIGN || CONN || WAKE || TASK || TIME)

.PHONY: specs
specs: ## Judge the reference through suites/specs under the ginkgo command; LABELS filters the clauses
	$(GO) tool ginkgo run --no-color --succinct --label-filter='$(LABELS)' ./suites/specs -- -target=testdata/targets/reference.yaml

# Left out: suites/proof and the combinations, which judge servers in processes
# of their own for hours. The whole is to stay below 20 minutes.
RACED = $$($(GO) list ./... | grep -v /suites/proof)
UNRACED = ^TestCombinations$$

.PHONY: race
race: ## Run the tests with the race detector
	$(GO) test -race -p 1 -timeout 20m -skip '$(UNRACED)' $(RACED)

.PHONY: soak
soak: build ## Race a million wakeups in-process, and judge the reference by the checks that take minutes
	$(GO) test -v -timeout 60m -count=1 -run 'TestLoop/.*/loop/WAKE-3' . -args -soak
	bin/reactorspec check --soak

.PHONY: lint
lint: ## Run the pinned linter
	$(GO) tool -modfile=.ci/lint/go.mod golangci-lint run ./...

.PHONY: check
check: build ## Judge the reference, as a user would
	bin/reactorspec check

.PHONY: stress
stress: build ## Judge the reference N times (N=30) beside a load on both cores; then the timing faults
	$(GO) run ./suites/proof/stress -n $(N)

.PHONY: combinations
combinations: ## Judge the reference in every class, poller and wakeup by the whole spec (long)
	$(GO) test -timeout 60m -v -run "TestCombinations|TestUnixSocket" . -args -every

.PHONY: proof
proof: ## Prove the checks: each fault against its clauses, their families and the sentinels, and each legal variant
	$(GO) test -timeout 120m -v -run 'TestFaults|TestLegal' ./suites/proof -args -every -scope=family

.PHONY: proof-full
proof-full: ## Prove the checks: each fault against the whole spec; rewrites the kill matrix; goes on where it was cut short
	$(GO) test -timeout 240m -v -run TestFaults ./suites/proof -args -every -scope=all -write -resume="$(CURDIR)/$(OUT)/proof-full.json"
	$(GO) test -run TestMatrix ./suites/proof -args -every

.PHONY: proof-stale
proof-stale: ## Judge, by the whole spec, each fault whose row in the kill matrix is missing or stale; rewrites the matrix
	$(GO) test -timeout 240m -v -run TestFaults ./suites/proof -args -every -stale -scope=all -write

.PHONY: proof-merge
proof-merge: ## Take rows of the kill matrix from other runs: FROM=a.json,b.json; of each fault the newest that stands
	$(GO) test -run TestMatrix ./suites/proof -args -write -from="$(FROM)"

.PHONY: pairs
pairs: ## Judge every pair of a broken and a mended event loop (24 bugs on record)
	$(GO) test -count=1 -timeout 60m -v -run TestPairs ./suites/proof/regress -args -every

.PHONY: rates
rates: ## Measure how often each stochastic check finds its fault, over 100 runs; long
	$(GO) run ./suites/proof/rate

.PHONY: mutate
mutate: ## Judge the next N (N=30) mutants of the reference by the suites and the unit tests; REACH=FILE keeps what they run
	$(GO) run ./suites/proof/mutate -n $(N) -reach "$(REACH)"

.PHONY: fuzz
fuzz: ## Run every fuzz target in turn for FUZZTIME (30s) each
	fuzz/run $(FUZZTIME)

.PHONY: model
model: ## Check the wakeup protocol with spin
	spec/models/check

.PHONY: bench
bench: ## Benchmark the reference beside its peers (long); see reference/bench
	$(MAKE) -C reference/bench bench

.PHONY: matrix
matrix: build ## Judge every target whose toolchain is here, side by side (long)
	mkdir -p $(OUT)
	bin/reactorspec matrix testdata/targets --json $(OUT)/matrix.json --html $(OUT)/matrix

# Eight targets, two a shard; the seed is fixed, so that both runs ask the same.
SLURM_TARGETS ?= $(addprefix testdata/targets/,asyncio.yaml libev.yaml libevent.yaml libuv.yaml node.yaml redis.yaml tcl.yaml trio.yaml)

.PHONY: slurm
slurm: build ## Run a sharded matrix through Slurm on this machine, one shard killed and run again, and compare it with the whole
	.ci/slurm-once $(SLURM_TARGETS) --quick --seed 1

.PHONY: results
results: build ## Write the page of the last matrix, testdata/targets/RESULTS.md: FROM="a.json b.json", as `matrix --json` writes them
	mkdir -p $(OUT)
	bin/reactorspec merge $(FROM) --json $(OUT)/results.json --markdown $(OUT)/results.md || [ $$? -eq 1 ] || [ $$? -eq 3 ]
	{ cat testdata/targets/bugs.md; sed '/^<details>/,$$d' $(OUT)/results.md; } >testdata/targets/RESULTS.md

.PHONY: starters
starters: ## Judge what `reactorspec init` writes, in each language, by the whole spec
	$(GO) test -count=1 -timeout 30m -v -run TestInitWritesConformantAdapters ./suites/cli -args -whole

.PHONY: browser
browser: ## Look at the pages of reports and of the site in a real Chromium; SCREENS=DIR keeps what was seen
	$(GO) test -count=1 -timeout 10m -run 'InChromium|OnAPhone' ./suites/report ./suites/site -args -chromium -screens "$(SCREENS)"

# What .goreleaser.yaml builds; a test compares the two.
PLATFORMS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

.PHONY: cross
cross: ## Compile the command for whatever a release has; outside Linux it judges from the wire alone
	for platform in $(PLATFORMS); do \
		GOOS=$${platform%/*} GOARCH=$${platform#*/} CGO_ENABLED=0 $(GO) build -o $(OUT)/$${platform/\//-}/ . || exit; \
	done

.PHONY: manual
manual: build ## Write the manual pages and the completions that packages hold
	bin/reactorspec man $(OUT)/man
	mkdir -p $(OUT)/completion
	for shell in bash zsh fish; do bin/reactorspec completion $$shell >$(OUT)/completion/reactorspec.$$shell; done

.PHONY: image
image: ## Build the container image, reactorspec, by buildah
	CGO_ENABLED=0 $(GO) build -o $(OUT)/image/linux/$$($(GO) env GOARCH)/reactorspec .
	buildah build --platform linux/$$($(GO) env GOARCH) --build-arg TARGETPLATFORM=linux/$$($(GO) env GOARCH) -t reactorspec -f Dockerfile $(OUT)/image

.PHONY: readme
readme: ## Run every command of README and its pages as written, those that take minutes too
	$(GO) test -count=1 -timeout 60m -v -run '^TestEveryCommand' . -args -long

.PHONY: nightly
nightly: ## Run everything that takes long, one after the other; .ci/install-all installs what the matrix judges
	$(MAKE) browser starters readme race slurm matrix pairs combinations soak stress proof-full proof-stale rates mutate fuzz

.PHONY: clean
clean: ## Remove what the other targets built
	rm -rf bin $(OUT)
