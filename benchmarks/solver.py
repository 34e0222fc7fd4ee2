"""What two choices of the solver of logistic regression save, and what they cost.

A fit that is delivered starts from nothing, not from the solution of a penalty ten times as strong. Fits that
only say how well their like do end at a looser tolerance than they might. On the features of every depth of
data sets cut to a few hundred images, under weak to strong penalties; both sides in turns, one thread.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ratios import in_turns, mean_difference
from benchmarks.search_task import NETWORK, SearchTask, small_tasks
from regraft.backbones import load
from regraft.core.threads import single_threaded_blas
from regraft.features import Representation, fit_affine
from regraft.heads.ballots import Ballots, present_only
from regraft.heads.logistic import softmax_loss
from regraft.heads.loss import Posed
from regraft.heads.prepared.dealt import LeftOut
from regraft.heads.reduced import Reduction
from regraft.heads.selection import held_out_loss
from regraft.heads.solver import HELD_OUT_TOLERANCE, Problem, solve
from regraft.heads.solver import _solved as solved
from regraft.search.held_out import Task

PENALTIES = (1e-3, 1e-2, 1e-1)
LOSS = softmax_loss(smoothing=0.03)
STRICTER, STRICTEST = 1e-7, 1e-9


def run(data: Path | None, quick: bool) -> dict[str, Any]:
    """How many times as fast, over sets; and the most by which values and log-losses differ."""
    if data is None:
        return {"skipped": "needs the data sets"}
    rows = []
    for name, task in small_tasks(data, quick=quick):
        with single_threaded_blas():
            rows += [{"set": name, "penalty": p, **row_of(task, p, 1 if quick else 3)} for p in PENALTIES]
        print("   ", rows[-1], flush=True)
    sets = sorted({row["set"] for row in rows})
    found: dict[str, Any] = {"n": len(sets), "tolerances": [HELD_OUT_TOLERANCE, STRICTER, STRICTEST]}
    for name in ("from nothing, ratio", "looser, ratio"):
        means = [float(np.mean([row[name] for row in rows if row["set"] == each])) for each in sets]
        found[name] = mean_difference(means, np.zeros(len(sets)))
    for name in ("value higher by", "log-loss differs by"):
        found[f"{name}, at most"] = max(row[name] for row in rows)
    return found | {"rows": rows}


def row_of(task: SearchTask, penalty: float, repetitions: int) -> dict[str, float]:
    """Medians of seconds of both sides, as ratios, and how far apart the results are."""
    raw, one = task.features("all"), Representation((NETWORK,), "all", "depth")
    features = np.asarray(fit_affine(one, [load(NETWORK).card], raw)(raw), np.float32)
    prepared = Task(features, task.labels, task.class_count, (task.folds,)).prepared
    every = prepared.dealt.gathered
    targets = present_only(every.labels, every.class_count)
    whole = Reduction.decomposed(every.side, every.whole, targets, LOSS)
    absolute = penalty * every.whole.spread(every.weights)
    solutions: dict[str, np.ndarray] = {}

    def fit(*, from_nothing: bool) -> Callable[[], None]:
        def work() -> None:
            start = whole.problem.nothing
            if not from_nothing:
                start = solve(whole.problem, 10 * absolute, start=start)
            single = solve(whole.problem, absolute, start=start)
            solutions["ours" if from_nothing else "theirs"] = solve(whole.precise, absolute, start=single)

        return work

    fits = in_turns(
        {"ours": _timed(fit(from_nothing=True)), "theirs": _timed(fit(from_nothing=False))}, repetitions
    )
    ours, theirs = (_value(whole.precise, solutions[side], absolute) for side in ("ours", "theirs"))

    keys = prepared.dealt.keys
    left = prepared.dealt.left_out(keys)
    problems = [_problem(each, task) for each in left]
    penalties = [penalty * each.spectrum.spread(each.weights) for each in left]
    starts = [problem.nothing for problem in problems]
    held: dict[float, list[np.ndarray]] = {}

    def judge(tolerance: float) -> Callable[[], None]:
        def work() -> None:
            held[tolerance] = solved(problems, penalties, starts, tolerance=tolerance)

        return work

    looks = in_turns(
        {"ours": _timed(judge(HELD_OUT_TOLERANCE)), "theirs": _timed(judge(STRICTER))}, repetitions
    )
    judge(STRICTEST)()
    losses = {}
    for tolerance, found in held.items():
        scores = [each.held @ one[:-1] + one[-1] for each, one in zip(left, found, strict=True)]
        said = prepared.dealt.mean(zip(keys, scores, strict=True))
        losses[tolerance] = held_out_loss(said, task.labels)
    return {
        "from nothing, ratio": _ratio(fits),
        "value higher by": ours / theirs - 1,
        "looser, ratio": _ratio(looks),
        "log-loss differs by": abs(losses[HELD_OUT_TOLERANCE] / losses[STRICTEST] - 1),
    }


def _problem(left: LeftOut, task: SearchTask) -> Problem:
    """Every class has examples outside each fold."""
    ballots = Ballots(task.labels[left.kept], task.class_count)
    return Problem(left.spectrum.values, Posed(left.rows, ballots, left.weights), LOSS)


def _timed(work: Callable[[], None]) -> Callable[[], float]:
    def measure() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return measure


def _ratio(sides: dict[str, list[float]]) -> float:
    return statistics.median(sides["theirs"]) / statistics.median(sides["ours"])


def _value(problem: Problem, solution: np.ndarray, penalty: float) -> float:
    value, _ = problem.posed.gradient(problem.loss, lambda part: problem.posed.rows[part] @ solution)
    return value + 0.5 * penalty * float((solution[:-1] ** 2).sum())
