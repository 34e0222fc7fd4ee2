"""Samplers at equal trials: heads, their knobs, depths and scaling on stored features, one held-out fold.

Without the rules of thumb that a search begins with: they would be the same for all, and good. A set counts
for a sampler where the mean over seeds of its lowest log-loss is below that of random search at equal trials.
"""

import tempfile
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.accuracy import small_table
from benchmarks.ratios import mean_difference
from benchmarks.search_task import NETWORK, SearchTask, make_task
from regraft import Recipe
from regraft.backbones import load
from regraft.features import FeatureStore, Representation, fit_affine
from regraft.heads import HEADS
from regraft.pipeline.tuning.plan import KINDS, SEARCHED
from regraft.search import Choice, Space, axes_of, space_of
from regraft.search.held_out import Task
from regraft.search.study import Settings, Study, open_study
from regraft.search.trial import Asked, Outcome
from regraft.search.tuning import judged
from regraft.search.work import Report, work

SAMPLERS = ("tpe", "gp", "random")
TRIALS, SEEDS = 60, {"tpe": 10, "gp": 3, "random": 10}
"""A Gaussian process takes many times as long between the trials."""

STANDS = (20, 40, 60)
"""Trials after which samplers are compared."""

ENOUGH_SHARE = 0.7
"""Of the sets, on which Bayesian search is to be better than random."""


def run(data: Path | None, quick: bool) -> dict[str, Any]:
    """Every sampler on every set with every seed, how often each beats random, and whether a grid is one."""
    import torch

    if data is None:
        return {"skipped": "needs the data sets"}
    # Optuna's Gaussian process: with two threads, beside other work, it took twenty times as long.
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            return _compared(sorted(path for path in data.iterdir() if path.is_dir()), Path(folder), quick)
    finally:
        torch.set_num_threads(before)


def _compared(sets: Sequence[Path], folder: Path, quick: bool) -> dict[str, Any]:
    trials, seeds = (20, dict.fromkeys(SEEDS, 1)) if quick else (TRIALS, SEEDS)
    rows = []
    for source in sets[:2] if quick else sets:
        task, named = _task(source, folder / source.name), {"set": source.name}
        for name in SAMPLERS:
            rows += [named | _run(task, name, trials, seed) for seed in range(seeds[name])]
        print("   ", source.name, *_means_of(rows, source.name).items(), flush=True)
    against = {name: _against_random(rows, name) for name in SAMPLERS if name != "random"}
    grid = grid_is_a_grid(_task(sets[0], folder / sets[0].name))
    last = f"after {trials}"
    return {
        "trials": trials,
        "seeds": seeds,
        "n": len({row["set"] for row in rows}),
        **against,
        "grid": grid,
        "target": f"TPE better than random on {ENOUGH_SHARE:.0%} of the sets; a grid is exactly the grid",
        "reached": bool(against["tpe"][last]["share of sets"] >= ENOUGH_SHARE and grid["equal"]),
        "rows": rows,
    }


def _task(source: Path, folder: Path) -> SearchTask:
    folder.mkdir(parents=True, exist_ok=True)
    return make_task(small_table(source, folder), folder / "task", FeatureStore(folder))


def space_searched() -> Space:
    """Heads and their knobs, depths and scaling."""
    others = axes_of(Recipe, names=SEARCHED)
    return space_of(HEADS, kinds=KINDS, others=others, defaults={"depths": "last", "scaling": "depth"})


def _run(task: SearchTask, name: Any, trials: int, seed: int) -> dict[str, Any]:
    """The lowest log-loss after some trials, seconds in all and those between the trials."""
    study, trying_s = (
        open_study(space_searched(), name="b", storage=None, settings=Settings(name, seed=seed)),
        [0.0],
    )
    tasks = _scaled(task)

    def evaluate(asked: Asked, report: Report) -> Outcome:
        began = time.perf_counter()
        one = tasks(asked.values["depths"], asked.values["scaling"])
        outcome = judged(study.space, asked, one, objective="loss", report=report)
        trying_s[0] += time.perf_counter() - began
        return outcome

    began = time.perf_counter()
    work(study, evaluate, should_stop=lambda: False, most=trials)
    lasted = time.perf_counter() - began
    return {
        "sampler": name,
        "seed": seed,
        **_lowest(study),
        "seconds": round(lasted, 1),
        "between": round(lasted - trying_s[0], 1),
    }


def _lowest(study: Study) -> dict[str, float]:
    values = [trial.value for trial in study.trials if trial.value is not None]
    return {f"after {count}": min(values[:count]) for count in STANDS if count <= len(study.trials)}


def _scaled(task: SearchTask) -> Any:
    """Tasks by depths and scaling, each made once. The first fold is held out."""
    folds = np.where(task.folds == 0, 0, -1)

    @cache
    def one(depths: Any, scaling: Any) -> Task:
        raw = task.features(depths)
        affine = fit_affine(Representation((NETWORK,), depths, scaling), [load(NETWORK).card], raw)
        return Task(affine(raw), task.labels, task.class_count, (folds,))

    return one


def _means_of(rows: Sequence[dict[str, Any]], name: str) -> dict[str, float]:
    own = [row for row in rows if row["set"] == name]
    last = [key for key in own[0] if key.startswith("after")][-1]
    return {
        sampler: round(float(np.mean([row[last] for row in own if row["sampler"] == sampler])), 4)
        for sampler in SAMPLERS
    }


def _against_random(rows: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    """On which share of sets a sampler's mean lies below random's, with the seeds that both ran, and how far.

    The interval of the mean relative difference is a percentile bootstrap over sets.
    """
    sets = sorted({row["set"] for row in rows})
    seeds = {row["seed"] for row in rows if row["sampler"] == name}
    found: dict[str, Any] = {}
    for stand in [key for key in rows[0] if key.startswith("after")]:
        means = np.array(
            [[_mean(rows, each, side, seeds, stand) for side in (name, "random")] for each in sets]
        )
        lower = 1 - means[:, 0] / means[:, 1]
        found[stand] = {
            "share of sets": float((lower > 0).mean()),
            "loss lower by": mean_difference(lower, np.zeros(len(lower))),
        }
    return found


def _mean(rows: Sequence[dict[str, Any]], name: str, sampler: str, seeds: set[int], stand: str) -> float:
    """Of the lowest log-loss after so many trials."""
    own = [row for row in rows if row["set"] == name and row["sampler"] == sampler and row["seed"] in seeds]
    return float(np.mean([row[stand] for row in own]))


def grid_is_a_grid(task: SearchTask) -> dict[str, Any]:
    """Whether what a grid tries is every combination once, and nothing else."""
    changes = {
        "head.kind": Choice(("ridge", "nearest_neighbours")),
        "head.ridge.penalty": Choice((0.01, 0.1, 1.0, 10.0)),
        "head.nearest_neighbours.neighbours": Choice((1, 5, 10)),
    }
    others = axes_of(Recipe, names=("scaling",))
    space = space_of(HEADS, kinds=KINDS, others=others, defaults={"depths": "last"}, changes=changes)
    study = open_study(space, name="grid", storage=None, settings=Settings("grid"))
    tasks = _scaled(task)

    def evaluate(asked: Asked, report: Report) -> Outcome:
        one = tasks("last", asked.values["scaling"])
        return judged(space, asked, one, objective="loss", report=report)

    work(study, evaluate, should_stop=lambda: False)
    tried = [frozenset(trial.values.items()) for trial in study.trials]
    wanted = {frozenset(point.items()) for point in space.grid()}
    return {
        "points": len(wanted),
        "tried": len(tried),
        "equal": len(tried) == len(wanted) and set(tried) == wanted,
    }
