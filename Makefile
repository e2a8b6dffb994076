# Everything a fresh machine needs is made here: an environment in .venv, from the locked versions.
# Python 3.11 or later is expected; uv is used where it is installed, pip otherwise.

BIN := .venv/bin
LOCK := requirements/dev.txt

# The environment is made again when what is in these files changes, not when their dates do.
READY := .venv/ready-$(shell cat $(LOCK) pyproject.toml | cksum | cut -d ' ' -f 1)

.PHONY: demo test lint bench bench-kernels lock clean

demo: $(READY)
	@mkdir -p build
	$(BIN)/thumbclock compare --precisions w8a8,w4a8,w4a4,w2a2,w1a1,w8a8-winograd,w8a8-skip25,w8a8-skip50 \
	    --shape 32x32x16-16 --kernel 3x3 --profile nucleo-h743zi --chart build/demo.svg

test: $(READY)
	$(BIN)/python -m pytest -n 2

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python tests/bench/engine.py
	$(BIN)/python tests/bench/engine.py --profile nucleo-h743zi \
	    --place code=flash,constants=flash,weights=flash,data=axi_sram,stack=axi_sram

# Every kernel on the layers of published networks, beside what CMSIS-NN needs for them.
bench-kernels: $(READY)
	@mkdir -p build
	$(BIN)/thumbclock study layers reports/kernels/mlperf-tiny.toml \
	    --json build/kernels.json --markdown build/kernels.md --figure build/kernels.svg

# Looks up the newest versions that pyproject.toml allows; the result is to be reviewed as a diff.
LOCKING := --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-emit-find-links --no-header --quiet --upgrade
lock:
	uv pip compile $(LOCKING) pyproject.toml -o requirements/runtime.txt >/dev/null
	uv pip compile $(LOCKING) pyproject.toml --extra dev -c requirements/runtime.txt \
	    -o $(LOCK) >/dev/null

clean:
	rm -rf .venv build dist

# The project itself is installed last and without looking for anything: what builds it
# (hatchling) is in the lock, too.
$(READY):
	rm -rf .venv
	@set -e; if command -v uv >/dev/null; then \
	    set -x; \
	    uv venv --quiet --python '>=3.11' .venv; \
	    uv pip install --quiet --python $(BIN)/python --require-hashes -r $(LOCK); \
	    uv pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps -e .; \
	else \
	    for python in python3 python3.14 python3.13 python3.12 python3.11 none; do \
	        "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
	    done; \
	    if [ "$$python" = none ]; then \
	        echo 'found no python3 of version 3.11 or later on PATH; install one, or uv' >&2; \
	        exit 1; \
	    fi; \
	    set -x; \
	    "$$python" -m venv .venv; \
	    $(BIN)/python -m pip install --quiet --require-hashes -r $(LOCK); \
	    $(BIN)/python -m pip install --quiet --no-build-isolation --no-deps -e .; \
	fi
	@touch $@
