# One word each; the same here, on a colleague's machine and in continuous integration.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin
READY_RUN := .venv/.ready-run
READY_DEV := .venv/.ready-dev
SETUP := scripts/setup.sh pyproject.toml constraints.txt

# make demo: where the recordings lie (files or folders), where the gallery goes, which port the server takes.
RECORDINGS ?= samples
DATA_DIR ?= data
# make bench: the folder of the three public clips that benchmarks/README.md names.
MEASURED ?= ../shared/data/video
PORT ?= 8000
# make bench-peers: an environment that has the peers, and sees what the project has; benchmarks/peers.py says how.
PEERS ?= .venv
# make chaos: how many rounds, and which. make fuzz: how many inputs, and which.
ROUNDS ?= 100
INPUTS ?= 100000
SEED ?= 1
# make test ARGS="-k decode": passed on to pytest.
ARGS ?=

# Where the kernel gives huge pages to those who ask, malloc asks: networks take half of the time in some virtual
# machines (docs/operations.md, Huge pages).
export GLIBC_TUNABLES ?= glibc.malloc.hugetlb=1

# Tests start hundreds of processes: what they import is compiled once, though images often ask for no .pyc files.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help
help: ## List these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

.PHONY: demo
demo: $(READY_RUN) ## Index sample recordings, search them once, serve on 127.0.0.1 (RECORDINGS= DATA_DIR= PORT= CHECK=1)
	@$(BIN)/python -m scripts.demo --data-dir "$(DATA_DIR)" --port $(PORT) $(if $(CHECK),--check) $(RECORDINGS)

# Three at a time keep two cores busy: a fifth of the time a test waits for processes, sockets or the browser.
.PHONY: test
test: $(READY_DEV) ## Everything that must hold: lint, types, layers, tests (ARGS= goes to pytest)
	@$(MAKE) --no-print-directory --jobs=2 lint compiled
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n 3 --dist worksteal -m "not long" --durations=15 $(ARGS)

# While one core checks types the other compiles what each test process reads; what is wrong there, the tests say.
.PHONY: compiled
compiled: $(READY_DEV)
	@$(BIN)/pytest -q --collect-only $(ARGS) >/dev/null 2>&1 || true

.PHONY: test-long
test-long: $(READY_DEV) ## The tests that take minutes
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -m long --timeout=3600 $(ARGS)

.PHONY: chaos
chaos: $(READY_DEV) ## Kill, fill, cut and shift everything in the middle of work (ROUNDS=1000 SEED=1); the same command goes on
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.chaos.run $(ROUNDS) --seed $(SEED)

# Guided by what inputs reach, in processes with limits; make fuzz KEEP=1 adds what was found to the corpus.
.PHONY: fuzz
fuzz: $(READY_DEV) ## Give every entrance for foreign bytes damaged input (INPUTS=1000000 SEED=1 KEEP=); the same command goes on
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz.run $(INPUTS) --seed $(SEED) $(if $(KEEP),--keep)

.PHONY: lint
lint: $(READY_DEV) ## Style, format, types and import directions
	$(BIN)/ruff check -q .
	$(BIN)/ruff format -q --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: format
format: $(READY_DEV) ## Rewrite the code in the project's format
	$(BIN)/ruff check -q --fix .
	$(BIN)/ruff format -q .

.PHONY: bench
bench: $(READY_DEV) ## Measure speed and quality (MEASURED= recordings with ground truth); see benchmarks/README.md
	$(BIN)/python benchmarks/detector.py $(MEASURED)
	$(BIN)/python benchmarks/tracking.py --data $(MEASURED)
	$(BIN)/python -m benchmarks.indexing --data $(MEASURED)  # benchmarks/indexing.py
	$(BIN)/python benchmarks/embedding.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python -m benchmarks.search_latency  # benchmarks/search_latency.py
	$(BIN)/python benchmarks/drawing.py

.PHONY: bench-gpu
bench-gpu: $(READY_DEV) ## Index on a GPU, decode and embed there in fp32 and bf16: some minutes (MEASURED= folder of vtest.avi)
	$(BIN)/python -m benchmarks.indexing --device cuda:0 --seconds 120 $(if $(MEASURED),--data $(MEASURED))
	$(BIN)/python -m benchmarks.indexing --device cuda:0 --decode-device cuda:0 --seconds 120 $(if $(MEASURED),--data $(MEASURED))
	$(BIN)/pytest -q tests/indexer/test_decode_on_gpu.py
	$(BIN)/python benchmarks/embedding.py --device cuda:0

.PHONY: bench-load
bench-load: $(READY_DEV) ## Let 50 searchers loose on a server beside two workers: a quarter of an hour
	$(BIN)/python benchmarks/load.py

.PHONY: bench-search-rest
bench-search-rest: $(READY_DEV) ## Ask for people on photos in galleries of 100,000 and a million tracklets: some eight minutes
	$(BIN)/python -m benchmarks.search_rest  # benchmarks/search_rest.py

.PHONY: bench-approximate
bench-approximate: $(READY_DEV) ## Search galleries of 1 and 10 million exactly and by clusters (EMBEDDINGS= npz of real ones): hours, 30 GB
	$(BIN)/python -m benchmarks.approximate --tracklets 1000000 10000000 $(if $(EMBEDDINGS),--embeddings $(EMBEDDINGS))  # benchmarks/approximate.py

.PHONY: bench-postgres
bench-postgres: $(READY_DEV) ## Ask one server and two on SQLite and on PostgreSQL, beside two workers: some five minutes
	$(BIN)/python -m benchmarks.postgres  # benchmarks/postgres.py

.PHONY: bench-fairness
bench-fairness: $(READY_DEV) ## Let one key ask for all it can, and look at what another feels: some minutes
	$(BIN)/python -m benchmarks.fairness  # benchmarks/fairness.py

.PHONY: bench-page
bench-page: $(READY_DEV) ## Open the page in Chromium, load all hits, scroll and scrub: minutes
	$(BIN)/python -m benchmarks.page  # benchmarks/page.py

.PHONY: bench-onnx
bench-onnx: $(READY_DEV) ## Compare ONNX Runtime with torch on this CPU; needs the extra [onnx]
	$(BIN)/sightline models export tkp-efficientnet-lite0 --onnx out/tkp-onnx
	$(BIN)/python benchmarks/onnx_runtime.py tkp-efficientnet-lite0 out/tkp-onnx
	$(BIN)/python benchmarks/runtimes.py samples/camera-2.mp4 samples/probes/person-1.jpg

.PHONY: bench-systems
bench-systems: $(READY_DEV) ## Train and judge all systems at one budget: hours (SIMULATE="--wardrobe DIR" JUDGE="--real CUHK01")
	$(BIN)/sightline simulate tracklets --preset small --truth --out out/tracklets-small $(SIMULATE)
	$(BIN)/sightline simulate tracklets --preset train-3000 --out out/tracklets-train-3000 $(SIMULATE)
	$(BIN)/python benchmarks/systems.py out/tracklets-small out/tracklets-train-3000 $(JUDGE)

.PHONY: bench-adaptation
bench-adaptation: $(READY_DEV) ## Adapt the shipped model to a data set's cameras without labels and judge it: hours (REAL="market1501 DIR")
	$(BIN)/python benchmarks/adaptation.py $(REAL) --out out/adaptation

.PHONY: bench-feedback
bench-feedback: $(READY_DEV) ## Let a simulated user judge hits round by round: minutes (SETS="simulated=DIR cuhk01-images=DIR")
	$(BIN)/python benchmarks/feedback.py $(SETS) --out out/feedback

.PHONY: bench-calibration
bench-calibration: $(READY_DEV) ## Judge probabilities before and after a gallery's own calibration: minutes (SETS="simulated=DIR cuhk01=DIR")
	$(BIN)/python benchmarks/calibration.py $(SETS) --out out/calibration --plots docs

.PHONY: bench-record
bench-record: $(READY_DEV) ## Search with the audit trail and without it, in pairs: minutes
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/record.py --tracklets 1000 --pairs 40

.PHONY: bench-reranking
bench-reranking: $(READY_DEV) ## Re-rank the head of answers by shared neighbours: minutes (SETS="simulated=DIR cuhk01-images=DIR")
	$(BIN)/python benchmarks/reranking.py $(SETS) --out out/embeddings

.PHONY: bench-probes
bench-probes: $(READY_DEV) ## Damage probes by degrees and search for them: half an hour (SETS="simulated=DIR")
	$(BIN)/python benchmarks/probe_quality.py $(SETS) --out out/embeddings

.PHONY: image-check
image-check: ## Build the CPU image without a container engine, run it and ask it something (root, Debian)
	scripts/image-check.sh

.PHONY: setup
setup: $(READY_DEV) ## Only make .venv ready

.PHONY: clean
clean: ## Remove everything that can be made again, but not ./data
	rm -rf .venv build dist out *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY_DEV): $(SETUP)
	@scripts/setup.sh dev

# What is ready for tests is ready to run.
$(READY_RUN): $(SETUP)
	@if [ $(READY_DEV) -nt pyproject.toml ] && [ $(READY_DEV) -nt constraints.txt ]; then touch $@; else scripts/setup.sh run; fi

.PHONY: bench-cluster
bench-cluster: $(READY_DEV) ## Index the samples with a Ray cluster on this machine and without: six minutes
	$(BIN)/python -m benchmarks.cluster  # benchmarks/cluster.py

.PHONY: bench-milvus
bench-milvus: $(READY_DEV) ## Search a gallery in Milvus and in files: minutes (ARGS="--uri http://HOST:19530"; else milvus-lite)
	$(BIN)/python -m benchmarks.milvus $(ARGS)  # benchmarks/milvus.py

.PHONY: bench-objects
bench-objects: $(READY_DEV) ## Index and play a recording out of an object store and from the disk: four minutes
	$(BIN)/python -m benchmarks.objects  # benchmarks/objects.py

.PHONY: bench-peers
bench-peers: $(READY_DEV) ## Search beside sqlite-vec, LanceDB, pgvector and others: ten minutes (PEERS= an environment that has them)
	PYTHONPATH=. $(PEERS)/bin/python -m benchmarks.peers  # benchmarks/peers.py
