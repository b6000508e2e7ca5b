# Waggle. `make run` starts a node on a fresh Debian machine, `make test` runs every test that needs no network.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run demo build test soak fuzz interop screenshots bench bench-blobs bench-federation schemathesis bench-ledger bench-api bench-pages bench-moderation bench-generation proto format lint clean deps deps-interop deps-bench deps-proto

JOBS ?= 2
# For builds only: without it SwiftPM passes package traits in random order, and packages compile again for nothing.
SWIFT_BUILD := SWIFT_DETERMINISTIC_HASHING=1 swift build -j $(JOBS)

PACKAGES := libsodium-dev libssl-dev libsqlite3-dev libzstd-dev zlib1g-dev pkg-config bubblewrap libvips-tools
INTEROP_PACKAGES := chromium openssl curl aria2 hledger nginx-light minisign openssh-client clamav-daemon python3 python3-venv
BENCH_PACKAGES := nginx-light openssl curl python3 python3-venv
PROTO_PACKAGES := protobuf-compiler
SOURCES := Package.swift Sources Tests Benchmarks Examples

help:
	@echo 'make run      install what is missing, build, and start a node at http://127.0.0.1:7700'
	@echo 'make demo     start two nodes with models, pictures and reviews to look at, and a mirror between them'
	@echo 'make test     lint, then every unit, property, simulation and loopback end-to-end test'
	@echo 'make soak     kill nodes 200 times while they write (KILLS=…), and simulate 20000 networks (SEEDS=…)'
	@echo '          and 4000 currencies of several authorities (QUORUM_SEEDS=…)'
	@echo 'make fuzz     damage what peers send, 60 s a parser (FUZZ_SECONDS=…), from a new seed each time (FUZZ_SEED=…)'
	@echo 'make interop  browsers and other programs against real nodes'
	@echo 'make screenshots  ten pages of the demonstration as pictures, in .build/screenshots'
	@echo 'make schemathesis  the API against its OpenAPI document, with made-up requests'
	@echo 'make bench    measure, each figure against a bound taken in the same run'
	@echo 'make bench-blobs  the same for taking files in and moving them, beside other programs where they are installed'
	@echo 'make bench-federation  the same for what nodes say to each other'
	@echo 'make bench-ledger  the same for an authority of a currency, its log and its audit'
	@echo 'make bench-api  the same for what programs ask over HTTP, of a node with 100,000 releases'
	@echo 'make bench-pages  the same for pages that visitors wait for, and for pictures'
	@echo 'make bench-moderation  the same for lists, the gate, scanners, pictures that look alike, and the queue of moderators'
	@echo 'make bench-generation  the same for pictures that are drawn, beside the bare engine'
	@echo 'make proto    make the Swift of Protocol/proto again'
	@echo 'make format   format the sources;  make lint  check them;  make clean  remove what was built'

run: deps
	@echo '== 2/3 building (release; about 8 minutes the first time on 2 cores, seconds after that)'
	$(SWIFT_BUILD) -c release --product waggle
	@echo '== 3/3 starting a node'
	exec .build/release/waggle serve $(ARGS)

demo: deps
	@echo '== 2/3 building (release; about 8 minutes the first time on 2 cores, seconds after that)'
	$(SWIFT_BUILD) -c release --product waggle
	$(SWIFT_BUILD) -c release --product waggle-demo
	@echo '== 3/3 starting two nodes'
	exec .build/release/waggle-demo --waggle .build/release/waggle $(ARGS)

build: deps
	$(SWIFT_BUILD)

test: deps lint
	@echo '== building the tests (debug; about 5 minutes the first time on 2 cores)'
	$(SWIFT_BUILD) --build-tests
	swift test --skip-build --disable-xctest

KILLS ?= 200
SEEDS ?= 20000
QUORUM_SEEDS ?= 4000
soak: deps
	$(SWIFT_BUILD) --build-tests
	SEEDS=$(SEEDS) FIRST_SEED=$${FIRST_SEED:-$$(date +%s)} swift test --skip-build --disable-xctest --filter 'SimulationTests'
	WAGGLE_SEEDS=$(SEEDS) swift test --skip-build --disable-xctest --filter 'LoneAuthorityTests'
	WAGGLE_SEEDS=$(QUORUM_SEEDS) swift test --skip-build --disable-xctest --filter 'SimulatedQuorumTests'
	WAGGLE_KILLS=$(KILLS) swift test --skip-build --disable-xctest --filter 'KillTests|BuzzCrashTests'

FUZZ_SECONDS ?= 60
FUZZ_SEED ?= $(shell date +%s)
fuzz: deps
	$(SWIFT_BUILD) --build-tests
	mkdir -p .build/fuzz
	FUZZ_SECONDS=$(FUZZ_SECONDS) FUZZ_SEED=$(FUZZ_SEED) FUZZ_KEEP=.build/fuzz \
	    swift test --skip-build --disable-xctest --filter 'FuzzTests'

interop: deps deps-interop
	$(SWIFT_BUILD) --product waggle
	$(SWIFT_BUILD) --product waggle-demo
	$(SWIFT_BUILD) --product negentropy-harness
	Tests/Interop/run

screenshots: deps deps-interop
	$(SWIFT_BUILD) --product waggle
	$(SWIFT_BUILD) --product waggle-demo
	Tests/Interop/run screenshots

schemathesis: deps deps-interop
	$(SWIFT_BUILD) --product waggle
	Tests/Interop/run test_schemathesis.py

bench: deps deps-bench
	$(SWIFT_BUILD) -c release
	python3 Benchmarks/run.py

bench-blobs: deps deps-bench
	$(SWIFT_BUILD) -c release
	python3 Benchmarks/blobs.py

bench-federation: deps deps-bench
	$(SWIFT_BUILD) -c release
	python3 Benchmarks/federation.py

bench-ledger: deps deps-bench
	$(SWIFT_BUILD) -c release
	python3 Benchmarks/ledger.py

bench-api: deps deps-bench
	$(SWIFT_BUILD) -c release
	python3 Benchmarks/api.py

bench-pages: deps deps-bench
	$(SWIFT_BUILD) -c release
	python3 Benchmarks/pages.py

bench-moderation: deps deps-bench
	$(SWIFT_BUILD) -c release
	python3 Benchmarks/moderation.py

bench-generation: deps deps-bench
	$(SWIFT_BUILD) -c release
	python3 Benchmarks/generation.py

proto: deps-proto
	swift package resolve
	swift build --package-path .build/checkouts/swift-protobuf --product protoc-gen-swift --scratch-path .build-proto
	protoc --plugin=protoc-gen-swift=.build-proto/debug/protoc-gen-swift --proto_path=Protocol/proto \
	    --swift_out=Sources/WaggleProtocol/Generated --swift_opt=Visibility=Public \
	    --swift_opt=UseAccessLevelOnImports=true --swift_opt=FileNaming=DropPath Protocol/proto/waggle/v1/*.proto

format:
	swift format --in-place --recursive --parallel $(SOURCES)

lint:
	swift format lint --strict --recursive --parallel $(SOURCES)

clean:
	rm -rf .build .build-*

# Installs the Debian packages of a list that are missing; says so when it may not.
define install
	@missing=$$({ dpkg-query -W -f='$${Package} $${db:Status-Status}\n' $(1) 2>/dev/null || true; } | awk '$$2 == "installed" {print $$1}' | \
	    sort | comm -13 - <(printf '%s\n' $(1) | sort) | tr '\n' ' '); \
	if [ -z "$${missing// /}" ]; then exit 0; fi; \
	echo "== installing Debian packages: $$missing"; \
	if [ "$$(id -u)" = 0 ]; then sudo=; \
	elif command -v sudo >/dev/null; then sudo=sudo; \
	else echo "These Debian packages are missing and need root: $$missing"; \
	    echo "Ask the machine's administrator to run: apt-get install $$missing"; exit 1; fi; \
	$$sudo apt-get update -qq || true; \
	DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$missing >/dev/null
endef

deps:
	@echo '== 1/3 looking for system libraries'
	$(call install,$(PACKAGES))
	@command -v swift >/dev/null || { echo 'Swift 6.3 or newer is needed: https://www.swift.org/install/linux'; exit 1; }

deps-interop:
	$(call install,$(INTEROP_PACKAGES))

deps-bench:
	$(call install,$(BENCH_PACKAGES))

deps-proto:
	$(call install,$(PROTO_PACKAGES))
