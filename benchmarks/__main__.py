"""Run benchmarks by name and keep what they print: `python -m benchmarks [NAMES] [--data DIR] [--quick]`.

Each module here has `run(data, quick) -> dict`. Results go to benchmarks/results/NAME.json with the machine,
the date and the versions; the table on the screen is made from the same dictionary.
"""

import argparse
import importlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from regraft.pipeline.machine import machine, versions

ROOT = Path(__file__).parent
NAMES = (
    *("startup", "store", "extract", "refit", "population", "accuracy", "memory"),
    *(
        "decode",
        "fuzz",
        "scan",
        "copies",
        "groups",
        "shortcuts",
        "ranking",
        "precision",
        "soup",
        "blend",
        "scaling",
    ),
)
LONG = (
    "copies_large",
    "large_head",
    "search",
    "search_samplers",
    "search_solved",
    "shared_work",
    "population_optuna",
    "finetune",
    "many_classes",
    "few_penalties",
    "solver",
)
"""Run only where they are named."""

SEVERAL = {"data": ("decode", "fuzz", "scan", "copies", "groups", "shortcuts")}
"""Names that stand for several."""


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument(
        "names", nargs="*", default=NAMES, metavar="NAME", help=f"of {', '.join((*SEVERAL, *NAMES))}"
    )
    parser.add_argument("--data", type=Path, default=ROOT.parent.parent / "shared" / "data")
    parser.add_argument(
        "--quick", action="store_true", help="fewer repetitions and images; not for reporting"
    )
    asked = parser.parse_args(words)
    names = [name for given in asked.names for name in SEVERAL.get(given, (given,))]
    unknown = set(names) - {*NAMES, *LONG}
    if unknown:
        known = ", ".join((*SEVERAL, *NAMES, *LONG))
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {known}")
    data = asked.data.resolve() if asked.data.is_dir() else None
    missed = 0
    for name in names:
        with tempfile.TemporaryDirectory(prefix="regraft-bench-") as cache:
            # Converted networks are kept across runs; features and trials always start empty.
            os.environ["REGRAFT_CACHE"] = cache
            print(f"== {name}", flush=True)
            started = time.time()
            found = importlib.import_module(f"benchmarks.{name}").run(data, asked.quick)
        record = {
            "benchmark": name,
            "date": time.strftime("%Y-%m-%d"),
            "machine": machine(),
            "versions": versions(),
            "seconds": round(time.time() - started, 1),
            "quick": asked.quick,
            **found,
        }
        (ROOT / "results").mkdir(exist_ok=True)
        (ROOT / "results" / f"{name}.json").write_text(json.dumps(record, indent=2) + "\n")
        show(found)
        missed += not found.get("reached", True)
    return 1 if missed else 0


def show(found: dict, indent: str = "  ") -> None:
    """Nested results as indented lines."""
    for key, value in found.items():
        if isinstance(value, dict):
            print(f"{indent}{key}:")
            show(value, indent + "  ")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            columns = list(value[0])
            print(indent + "  ".join(f"{column:>14}" for column in columns))
            for row in value:
                print(indent + "  ".join(f"{_cell(row.get(column)):>14}" for column in columns))
        else:
            print(f"{indent}{key}: {_cell(value)}")


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
