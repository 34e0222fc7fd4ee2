"""Our search against Optuna's TPE and random search over scikit-learn's heads.

All sides have the same stored features of every depth, of which the peers leave the grid alone (see
`search_peers`), the same images for learning, and a process and a core each: the peers run side by side where
there are two cores, ours after them. What a side has found by some second is judged by the common yardstick
of `search_task`, beside its accuracy on the test part, which no side saw, and its log-loss on folds dealt
anew: the peers when their time is over and as they stood at the second when ours was done. Regret: of a
side's log-loss, to the lowest that was found.

`python -m benchmarks.search DATA --seconds 120 --ours 10 60` takes other times than `run` does.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.accuracy import write_table
from benchmarks.search_peers import delivered
from benchmarks.search_task import (
    SearchTask,
    fresh_ours,
    incumbents,
    judged_ours,
    make_task,
    read_lines,
    tried,
)
from regraft import Recipe
from regraft.backbones import load
from regraft.core.cores import usable_cores
from regraft.core.files import CACHE_VARIABLE, cache_folder
from regraft.features import FeatureStore

PEER_SECONDS, OUR_SECONDS = 600.0, (10.0, 60.0)
PEERS = ("tpe", "random")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
IMPORT_S, GRACE_S = 20.0, 90.0
"""Until a peer's clock starts, and for what follows our search. What ends later does not count for a peer."""

MEASURED = ("loss", "fresh", "validation", "test")
JUDGED = ("loss", "fresh", "test")
ENOUGH_S = 10.0


def run(data: Path | None, quick: bool) -> dict[str, Any]:
    """One row per data set, and curves."""
    if data is None:
        return {"skipped": "needs the data sets"}
    return measure(
        data, 20.0 if quick else PEER_SECONDS, OUR_SECONDS[:1] if quick else OUR_SECONDS, quick=quick
    )


def measure(data: Path, seconds: float, ours: Sequence[float], *, quick: bool) -> dict[str, Any]:
    """The contest over the data sets in a folder."""
    sets = sorted(path for path in data.iterdir() if path.is_dir())
    with tempfile.TemporaryDirectory() as folder:
        load("lite0")  # Converted once per machine.
        rows, curves = [], []
        for source in sets[:2] if quick else sets:
            row, curve = contest(source, Path(folder) / source.name, seconds, ours)
            rows.append(row)
            curves += curve
            print("   ", row, flush=True)
    return summary(rows, seconds, ours) | {"rows": rows, "curves": curves}


def contest(
    source: Path, work: Path, seconds: float, ours: Sequence[float]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """One data set: the peers side by side, then ours with each budget, each in a fresh process."""
    work.mkdir(parents=True, exist_ok=True)
    table = write_table(source, work / "table.csv", 0)
    task = make_task(table, work / "task", FeatureStore(work))
    sides = run_peers(task, seconds, work)
    for budget in ours:
        sides[f"ours {budget:g} s"] = run_ours(task, table, budget, work / f"ours-{budget:g}.jsonl")
    curve = [
        {"set": source.name, "side": side, **point} for side, points in sides.items() for point in points
    ]
    row = {"set": source.name, "load": round(os.getloadavg()[2], 1), **described(task, sides, ours)}
    for budget in ours:
        for peer in PEERS:
            stood = by_then(task, sides[peer], row[f"ours {budget:g} s seconds"])
            row |= {f"{peer} at {budget:g} s {name}": value for name, value in stood.items()}
    return row, curve


def run_peers(task: SearchTask, seconds: float, work: Path) -> dict[str, list[dict[str, Any]]]:
    """The best so far of each peer over time."""
    cores = usable_cores()

    def run_one(number: int) -> None:
        log = work / f"{PEERS[number]}.jsonl"
        log.unlink(missing_ok=True)
        words = ["benchmarks.search_peers", task.folder, PEERS[number], seconds, log]
        _process(words, seconds + IMPORT_S, {}, core=number % cores)

    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(run_one, range(len(PEERS))))
    return {name: _curve(task, read_lines(work / f"{name}.jsonl"), seconds) for name in PEERS}


def _curve(task: SearchTask, trials: list[dict[str, Any]], seconds: float) -> list[dict[str, Any]]:
    ended = [trial for trial in trials if trial["at_s"] <= seconds]
    points = [
        {"seconds": one["at_s"], "trials": len(ended), "loss": one["value"], "validation": one["validation"]}
        | {"point": one["point"]}
        for one in incumbents(trials, until_s=seconds)
    ]
    if points:
        points[-1] |= {**delivered(task, points[-1]["point"]), "cpu_s": ended[-1]["cpu_s"]}
    return points


def by_then(task: SearchTask, points: Sequence[dict[str, Any]], seconds: float) -> dict[str, float | None]:
    """What a peer would have delivered by some second; None where it had nothing yet."""
    known = [point for point in points if point["seconds"] <= seconds]
    found = known[-1] if known else {}
    if known and "fresh" not in found:
        # All but what it ended with have not been fitted yet.
        found = found | delivered(task, found["point"])
    return {name: round(found[name], 4) if name in found else None for name in JUDGED}


def run_ours(task: SearchTask, table: Path, seconds: float, log: Path) -> list[dict[str, Any]]:
    """Its best so far over time; the last point is what it delivered, when its process was done."""
    with tempfile.TemporaryDirectory() as empty:
        # Networks and near copies are known, as after a first look; trials and earlier searches are not.
        for name in ("networks", "relatives", "hashes-1.sqlite"):
            if (known := cache_folder() / name).exists():
                (Path(empty) / name).symlink_to(known)
        shutil.rmtree(log.with_suffix(".run"), ignore_errors=True)
        words = ["benchmarks.search_ours", table, task.folder.parent, seconds, log, time.time()]
        _process(words, seconds + GRACE_S, {CACHE_VARIABLE: empty}, core=0)
    if not (lines := read_lines(log)):
        return []
    whole, *trials = lines
    points = [
        {
            "seconds": one["at_s"],
            "trials": len(trials),
            **judged_ours(task, tried(one["values"], one["settings"])),
        }
        | {"point": {**one["values"], "settings": one["settings"]}}
        for one in incumbents(trials, until_s=seconds)
    ]
    recipe = Recipe.from_json(whole["chosen"])
    last = {"seconds": whole["whole_s"], "trials": len(trials), **judged_ours(task, recipe)}
    last |= {"fresh": fresh_ours(task, recipe), "test": whole["test"], "cpu_s": whole["cpu_s"]}
    last["point"] = {"depths": recipe.depths, "scaling": recipe.scaling, "head": whole["chosen"]["head"]}
    return [*points, last]


def _process(words: list[Any], limit_s: float, variables: dict[str, str], *, core: int) -> None:
    """Run a module on one core and with one thread; the variables are set beside those of this process."""
    pinned = ["taskset", "--cpu-list", str(core)] if shutil.which("taskset") else []
    command = [*pinned, sys.executable, "-m", *map(str, words)]
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, "1") | variables
    try:
        subprocess.run(command, env=environment, timeout=limit_s, check=True)
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
        # What it wrote down until then counts.
        print("   ", error, flush=True)


def described(
    task: SearchTask, sides: dict[str, list[dict[str, Any]]], ours: Sequence[float]
) -> dict[str, Any]:
    """The ends of all sides, and when ours was as good as the best that a peer ended with."""
    ends = {side: points[-1] for side, points in sides.items() if points}
    lowest = min(point["loss"] for points in sides.values() for point in points)
    row: dict[str, Any] = {"images": len(task.labels), "classes": task.class_count, "lowest": lowest}
    for side, end in ends.items():
        row |= {f"{side} {name}": round(end[name], 4) for name in MEASURED}
        row |= {f"{side} regret": round(end["loss"] - lowest, 4), f"{side} trials": end["trials"]}
        row |= {f"{side} {name}": round(end[name], 1) for name in ("seconds", "cpu_s")}
    for peer in PEERS:
        for budget in ours:
            row[f"ours {budget:g} s reaches {peer}"] = reached_s(
                sides[f"ours {budget:g} s"], ends[peer]["loss"]
            )
    return row


def reached_s(points: Sequence[dict[str, Any]], loss: float) -> float | None:
    """When a curve came down to a loss for good; None if it ended above."""
    if not points or points[-1]["loss"] > loss:
        return None
    above = [index for index, point in enumerate(points) if point["loss"] > loss]
    return round(points[above[-1] + 1 if above else 0]["seconds"], 1)


def summary(rows: Sequence[dict[str, Any]], seconds: float, ours: Sequence[float]) -> dict[str, Any]:
    """Over data sets: how often, and how fast."""
    own = [f"ours {budget:g} s" for budget in ours]
    sides = [*PEERS, *own]
    means = {
        f"{side} {name}": _mean(rows, f"{side} {name}")
        for side in sides
        for name in ("regret", "fresh", "test")
    }
    for budget in ours:
        means |= {name: _mean(rows, name) for peer in PEERS if (name := f"{peer} at {budget:g} s test")}
    pairs = {f"{side} against {peer}": _against(rows, side, peer) for side in own for peer in PEERS}
    times = [row[f"{own[-1]} reaches {PEERS[0]}"] for row in rows]
    return {
        "n": len(rows),
        "peer_seconds": seconds,
        "pairs": pairs,
        "means": means,
        "target": f"the peers' result in less than {ENOUGH_S:g} s on every set",
        "reached": all(each is not None and each < ENOUGH_S for each in times),
    }


def _against(rows: Sequence[dict[str, Any]], side: str, peer: str) -> dict[str, Any]:
    """On how many sets one of ours ended no worse than a peer, and how soon it was there."""
    times = [each for row in rows if (each := row[f"{side} reaches {peer}"]) is not None]
    then = f"{peer} at {side.removeprefix('ours ')}"
    return {
        **_counts(rows, side, peer),
        "at equal seconds": _counts(rows, side, then),
        "median seconds": round(float(np.median(times)), 1) if times else None,
    }


def _counts(rows: Sequence[dict[str, Any]], side: str, other: str) -> dict[str, int]:
    """On how many sets one of ours is no worse than another; who has nothing yet is worse."""

    def count(name: str, sign: int) -> int:
        pairs = [(row[f"{side} {name}"], row[f"{other} {name}"]) for row in rows]
        return sum(theirs is None or sign * mine <= sign * theirs for mine, theirs in pairs)

    lower = {f"{name} no higher on": count(name, 1) for name in ("loss", "fresh")}
    return lower | {"test no lower on": count("test", -1)}


def _mean(rows: Sequence[dict[str, Any]], name: str) -> float | None:
    """Over the sets where there is one."""
    known = [value for row in rows if (value := row.get(name)) is not None]
    return round(float(np.mean(known)), 4) if known else None


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--seconds", type=float, default=PEER_SECONDS)
    parser.add_argument("--ours", type=float, nargs="+", default=OUR_SECONDS)
    asked = parser.parse_args()
    print(json.dumps(measure(asked.data, asked.seconds, asked.ours, quick=False), indent=2))
