# Few targets, each one thing a person wants. `make demo` and `make test` need nothing but Python >= 3.11.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# What is imported is compiled once, and not by every process anew; what is not imported, never.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check format bench clean

demo: $(READY)  ## the main job on real images: scikit-learn's handwritten digits
	$(BIN)/regraft demo

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --num-workers 2
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY)  ## all measurements, or `make bench ONLY="extract refit"`
	$(BIN)/pip install --quiet --editable '.[bench]'
	$(BIN)/python -m benchmarks $(ONLY)

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache

$(READY): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-compile --editable '.[dev]'
	touch $@
