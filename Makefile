# make run: the window on the built-in demo, or its main job in the terminal where there is no screen.
# make test: the tests. Both set everything up the first time; a second call installs nothing.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Processes that run tests, at most four; JOBS=0 runs them in that of pytest.
JOBS ?= logical
DEVICE ?= cuda
PYTEST := QT_QPA_PLATFORM=offscreen HF_HUB_OFFLINE=1 $(BIN)/python -m pytest
PARALLEL := -n $(JOBS) --maxprocesses 4 --dist worksteal
FAST := not (process or server or kill or soak or real or slow)

.PHONY: help run test test-fast test-lowest coverage long lint types bench gpu-check vulkan-check vllm-check translations package package-check lock setup setup-test setup-package clean
.DEFAULT_GOAL := help

help: ## say what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

run: setup ## open the window on the built-in demo
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] || [ "$$(uname -s)" != Linux ]; then \
		status=0; $(BIN)/tuneshift || status=$$?; \
		[ $$status = 2 ] || exit $$status; \
	fi; \
	echo "There is no screen here, so this is the demo in the terminal:"; echo; \
	$(BIN)/tuneshift generate --recipe demo --max-new-tokens 80 --shifts

test: setup-test ## run all tests
	$(PYTEST) $(PARALLEL) $(ARGS)

test-fast: setup-test ## run the tests that take under a minute: none that is slow, or starts servers or processes
	$(PYTEST) $(PARALLEL) -m "$(FAST)" $(ARGS)

test-lowest: setup-test ## run the tests of models with the lowest versions that pyproject.toml allows
	bash .ci/lowest $(ARGS)

coverage: setup-test ## run the fast tests and print which branches of app/ they do not reach
	$(BIN)/coverage erase
	QT_QPA_PLATFORM=offscreen HF_HUB_OFFLINE=1 $(BIN)/coverage run -m pytest -q $(PARALLEL) -m "$(FAST)" $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

long: setup-test ## by hand before a release: 200 kills, 1,000 runs, ten minutes of damage to each kind of file
	OMP_NUM_THREADS=1 TUNESHIFT_KILLS=200 TUNESHIFT_SOAK=1000 TUNESHIFT_FUZZ_SECONDS=600 \
		$(PYTEST) -s tests/reliability $(ARGS)

lint: setup-test ## ruff and the import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup-test ## mypy --strict
	$(BIN)/mypy --strict app

bench: setup-test ## what the window costs, as JSON
	QT_QPA_PLATFORM=offscreen HF_HUB_OFFLINE=1 $(BIN)/python -m tests.bench.window

gpu-check: ## show in 8 minutes that the GPU computes what it should and how fast (docs/gpu-check.md); DEVICE=cpu tries the check
	@python=$(BIN)/python; [ -x $$python ] || python="$(PYTHON)"; \
		$$python -m tests.gpu.check --device "$(DEVICE)" $(ARGS)

vulkan-check: setup-test ## the tests of llama.cpp on a Vulkan device in software, with the libraries of the package
	bash .ci/vulkan $(ARGS)

vllm-check: setup-test ## the tests of proxy-tuning inside vLLM, with its build for CPUs in an environment of its own
	bash .ci/vllm $(ARGS)

translations: setup-test ## bring the texts of the window into resources/translations, and compile them
	$(BIN)/pyside6-lupdate $$(find app/ui -name '*.py') -locations none -no-obsolete \
		-source-language en -target-language ko -ts resources/translations/tuneshift_ko.ts
	$(BIN)/pyside6-lrelease resources/translations/tuneshift_ko.ts

clean: ## forget the environment and everything built
	rm -rf $(VENV) dist build/package build/llama build/clean-root .mypy_cache .ruff_cache .pytest_cache .hypothesis

package: setup-package ## dist/: the program without Python, as a folder, a tar.zst and a .deb
	bash .ci/package/build

package-check: ## use dist/*.deb in a clean root of Debian, as root
	bash .ci/package/check

lock: ## after a change of dependencies: checksums of all their files, by uv
	bash .ci/lock/renew

setup:
	@PYTHON="$(PYTHON)" sh .ci/install run

setup-test:
	@PYTHON="$(PYTHON)" sh .ci/install test

setup-package:
	@PYTHON="$(PYTHON)" sh .ci/install package
