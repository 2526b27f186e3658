# SPDX-License-Identifier: Apache-2.0
#
# Every task, by its only name: people, hooks and CI all call these. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= $(shell tools/doctor.sh python)
BIN := .venv/bin
PY := $(BIN)/python
CAPTURE ?= demo/demo.pcapng
CIRCUIT := .build/circuit
LOOK_INSIDE := --plugin basicplus --plugin pstats --plugin community_id
FUZZ_SECONDS ?= 60
PYTEST ?=

RUST := $(shell find crates registry -type f \( -name '*.rs' -o -name '*.toml' -o -name '*.csv' \)) \
	Cargo.toml Cargo.lock
# The native half is built by maturin, which tells pyo3 how to link it; cargo alone would link libpython.
CRATES := --workspace --exclude penstock-python

.PHONY: help doctor build demo test lint fmt fuzz bench docs new-plugin clean \
	lint-python lint-rust test-rust test-python

help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

doctor: ## say what this machine lacks, and the command that installs it
	@tools/doctor.sh all

build: .build/core.stamp ## build everything into .venv

demo: .build/core.stamp ## meter a real capture, show its flows, send them as IPFIX and collect them again
	@echo '$$ penstock probe $(CAPTURE)'
	@$(BIN)/penstock probe $(CAPTURE)
	@echo
	@echo '$$ penstock probe $(CAPTURE) --to json: | head -n 2'
	@$(BIN)/penstock probe $(CAPTURE) --quiet --to json: | head -n 2
	@echo
	@printf '%s\n' '>>> flows = penstock.meter("$(CAPTURE)", plugins=["pstats"]).to_polars()' \
		'>>> flows.select("src_addr", "dst_addr", "dst_port", "octets", "pstats_lengths").head(5)'
	@$(PY) -c 'import penstock; flows = penstock.meter("$(CAPTURE)", plugins=["pstats"]).to_polars(); \
		print(flows.select("src_addr", "dst_addr", "dst_port", "octets", "pstats_lengths").head(5))'
	@echo
	@rm -rf $(CIRCUIT) && mkdir -p $(CIRCUIT)
	@echo '$$ penstock probe $(CAPTURE) --to ipfix:flows.ipfix --to json:sent.jsonl $(LOOK_INSIDE)'
	@$(BIN)/penstock probe $(CAPTURE) --quiet $(LOOK_INSIDE) \
		--to ipfix:$(CIRCUIT)/flows.ipfix --to json:$(CIRCUIT)/sent.jsonl
	@echo '$$ penstock collect --from flows.ipfix --to json:back.jsonl'
	@$(BIN)/penstock collect --quiet --from $(CIRCUIT)/flows.ipfix --to json:$(CIRCUIT)/back.jsonl
	@echo '$$ tools/compare_flows.py sent.jsonl back.jsonl'
	@$(PY) tools/compare_flows.py $(CIRCUIT)/sent.jsonl $(CIRCUIT)/back.jsonl
	@echo
	@echo '$$ penstock send --to routers.pcap --records 10k --sampling 1,100'
	@$(BIN)/penstock send --quiet --to $(CIRCUIT)/routers.pcap --records 10k --sampling 1,100
	@echo '$$ penstock exporters --from routers.pcap'
	@$(BIN)/penstock exporters --from $(CIRCUIT)/routers.pcap

test: lint test-rust test-python ## run everything that CI runs

test-rust: .build/doctor.stamp
	cargo test -q $(CRATES)

test-python: .build/core.stamp
	$(PY) -m pytest $(PYTEST)

lint: lint-python lint-rust ## formats, lints and types, of Python and of Rust

lint-python: .build/core.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(PY) -m mypy
	$(PY) -m mypy.stubtest --mypy-config-file pyproject.toml --allowlist tools/stubtest-allowlist.txt penstock._core

lint-rust: .build/doctor.stamp
	cargo fmt --check
	cargo clippy -q --workspace --all-targets -- -D warnings

fmt: .build/venv.stamp ## format everything
	$(BIN)/ruff check --fix-only -q .
	$(BIN)/ruff format .
	cargo fmt

fuzz: .build/doctor.stamp ## give every entry point for foreign octets FUZZ_SECONDS (60) of them
	@tools/doctor.sh fuzz
	@$(PYTHON) fuzz/seed.py
	cargo fuzz build -s none
	for target in $$(cargo fuzz list); do \
		cargo fuzz run -s none "$$target" -- -max_total_time=$(FUZZ_SECONDS) -timeout=10 \
			-print_final_stats=1; \
	done

bench: .build/core.stamp ## measure, beside other programs; results go to bench/results
	$(PY) bench/run.py

docs: .build/core.stamp ## make the reference pages from the code
	$(PY) tools/make_reference.py

new-plugin: .build/doctor.stamp ## start a plugin from the template: make new-plugin NAME=wireguard
	@$(PYTHON) tools/new_plugin.py "$(NAME)"

clean: ## remove everything that was built
	rm -rf .build .venv target fuzz/target .mypy_cache .ruff_cache .pytest_cache
	find python tests tools bench -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -f python/penstock/_core*.so

.build/doctor.stamp: tools/doctor.sh
	@tools/doctor.sh build
	@mkdir -p .build && touch $@

.build/venv.stamp: pyproject.toml .build/doctor.stamp
	test -x $(PY) || $(PYTHON) -m venv .venv
	$(PY) -m pip install -q --disable-pip-version-check --upgrade 'pip>=25.1'
	$(PY) -m pip install -q --disable-pip-version-check --group dev
	@touch $@

.build/core.stamp: .build/venv.stamp $(RUST)
	@echo 'building the native half; the first time takes a minute or two'
	@VIRTUAL_ENV='$(CURDIR)/.venv' $(BIN)/maturin develop -q --release --extras pandas,polars \
		>.build/build.log 2>&1 || { cat .build/build.log >&2; exit 1; }
	@touch $@
