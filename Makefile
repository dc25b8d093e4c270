# Everything a person or a machine needs: each target installs what is missing, builds and runs.
SWIFT_FLAGS ?= -c release
BIN := .build/release

.PHONY: help setup build demo test fuzz bench bench-verify bench-server bench-client bench-large chaos sim lint format clean \
    deb tarball test-package test-slurm release-mertens

help:
	@echo 'make demo    the whole way: server, four volunteers, a pulsar found in gamma rays, digits compared'
	@echo 'make test    every test, the real binaries included'
	@echo 'make fuzz    ten million changed messages, from a fresh seed that it prints'
	@echo 'make bench   speed, size and memory, as ratios'
	@echo 'make bench-verify  mathematical checks beside their jobs: cost, tolerance, what can hide'
	@echo 'make bench-server  the table of the server: calls, tasks, units, latencies, beside targets, nginx, Ray and Dask'
	@echo 'make bench-client  how fast the client yields, bounds on processor time, what it costs while idle, beside BOINC'
	@echo 'make chaos   100 kills of server and clients during 2,000 work units, books and answer compared; again with PostgreSQL'
	@echo 'make bench-large   an input of 4 GiB there and back, killed on the way: memory, disk, rate beside nginx'
	@echo 'make sim     1,000 seeds of the simulator: every fault, every kind of host, every invariant'
	@echo 'make deb, make tarball   what volunteers install, in dist/; make test-package tries both in a fresh Debian 12'
	@echo 'make test-slurm  the batch job of client/slurm under a real Slurm of one node'
	@echo 'make release-mertens   keys and a signed program for projects/mertens, a project with a program of its own'
	@echo 'make build   the programs, in $(BIN)'
	@echo 'make lint    swift format, strictly'

setup:
	@scripts/setup.sh

build: setup
	@scripts/build.sh $(SWIFT_FLAGS)

demo: build
	@scripts/demo.sh

release-mertens: build
	@scripts/release-mertens.sh

test: build
	@scripts/test.sh $(SWIFT_FLAGS)

fuzz: build
	@CASES="$(CASES)" SEED="$(SEED)" scripts/fuzz.sh $(SWIFT_FLAGS)

bench: build
	@scripts/bench.sh

bench-verify: setup
	swift build -c release --package-path Benchmarks --scratch-path .build-benchmarks --product verify-bench
	.build-benchmarks/release/verify-bench

bench-server: build
	@scripts/bench-server.sh

bench-client: build
	@scripts/bench-client.sh

chaos: build
	@scripts/chaos.sh $(SWIFT_FLAGS)

bench-large: build
	@scripts/bench-large.sh

sim: build
	@$(BIN)/millrace-sim run --seeds 1..1000 --swarm

deb tarball: setup
	@scripts/package.sh $@

test-package: build
	@scripts/test-package.sh

test-slurm: build
	@scripts/test-slurm.sh

lint:
	swift format lint --strict --recursive --parallel $(shell scripts/our-swift.sh)

format:
	swift format format --in-place --recursive --parallel $(shell scripts/our-swift.sh)

clean:
	rm -rf .build .build-package dist demo-data
