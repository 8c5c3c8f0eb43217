# Set-up happens once, into .venv, with the versions in constraints.txt.
PYTHON ?= python3
BIN := .venv/bin
PICTURE := examples/garden.png
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile

.PHONY: venv demo test coverage lint types docs docs-check bench bench-full bench-check speed clean

venv: .venv/.installed

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,bench]'
	touch $@

demo: venv
	$(BIN)/inrcodec encode $(PICTURE) --bpp 0.5 --effort 3 --output-dir demo --force
	$(BIN)/inrcodec decode demo/garden.inr --output-dir demo --force
	$(BIN)/inrcodec info demo/garden.inr
	$(BIN)/inrcodec compare $(PICTURE) demo/garden.png
	@echo "The original is $(PICTURE), the coded file demo/garden.inr, the decoded picture demo/garden.png."

test: lint types
	$(PYTEST) --durations=25

# The same tests in twice the time, which tracing takes.
coverage: venv
	$(PYTEST) --cov --cov-report=term --cov-fail-under=95

lint: venv
	$(BIN)/ruff check .

types: venv
	$(BIN)/mypy

docs: venv
	$(BIN)/python -m benchmarks.tables
	$(BIN)/python -m docs.make_cli

docs-check: venv
	$(BIN)/python -m benchmarks.tables --check
	$(BIN)/python -m docs.make_cli --check

# About 15 minutes on two cores; the report is bench/report.html.
bench: venv
	$(BIN)/python -m benchmarks.sweep

# Hours; goes on where it stopped. One part: make bench-full PARTS=kodak
bench-full: venv
	$(BIN)/python -m benchmarks.full $(PARTS)

# At most 3 minutes; fails where this commit is worse than benchmarks/results/check.json.
bench-check: venv
	$(BIN)/python -m benchmarks.check

speed: venv
	$(BIN)/python -m benchmarks.speed --json

clean:
	rm -rf .venv demo bench build .coverage .mypy_cache .pytest_cache .ruff_cache
