# Thin: what people type. The building itself is CMake's (CMakePresets.json).
# SPDX-License-Identifier: GPL-3.0-or-later
SHELL := /bin/bash
.PHONY: all release demo check test deb bench format clean install-build install-test

all: release

release: ## the program at build/senda
	@cmake --preset release >/dev/null
	@cmake --build --preset release
	@echo "built: build/senda"

install-build: ## Debian packages that building needs
	@tools/install build

install-test: ## … that the tests need besides
	@tools/install build test

demo: install-build release ## the demonstration organisation on http://127.0.0.1:8080
	@exec build/senda demo --data build/demo

check: install-test ## every test and static check
	@tools/check

test: ## the quick round while working: dev build and its tests
	@cmake --preset dev >/dev/null && cmake --build --preset dev && ctest --preset dev

deb: install-build ## build/senda_VERSION_amd64.deb
	@tools/make-deb

bench: release ## figures beside the peer's
	@bench/run

format: ## rewrites sources by .clang-format
	@git ls-files '*.c' '*.h' | xargs clang-format -i

clean:
	rm -rf build
