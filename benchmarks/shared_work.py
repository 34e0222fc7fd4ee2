"""What the first trial of every kind of head takes where kinds share their work, and where none does.

On the features of every depth of a data set cut to a few hundred images: one setting each of logistic
regression, discriminant analysis, ridge and kernel ridge, cross-validated. Ours decomposes the examples
without a fold once for all of them; the other side prepares each kind on its own. Then the fits of logistic
regression to all folds side by side, against one after another by SciPy, both to the same tolerance and both,
like all else here, with as many threads as there are cores. And three discriminants after ridge, whose
spectrum of all examples ours takes folds from; the other side decomposes what is left without each fold. So
it does for logistic regression after ridge on half as many features as images, the first of all depths, where
ours solves all folds in the axes of all examples. A Gaussian process, last: ours settles its noise once, the
other side for every round of folds and for the fit to all examples.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

from benchmarks.ratios import in_turns, mean_difference
from benchmarks.search_task import NETWORK, SearchTask, small_tasks
from regraft.backbones import load
from regraft.core.threads import in_parallel
from regraft.features import Representation, fit_affine
from regraft.heads import Head, KernelRidge, Lda, Logistic, Ridge, held_out
from regraft.heads.ballots import present_only
from regraft.heads.logistic import softmax_loss
from regraft.heads.loss import Posed
from regraft.heads.prepared import Dealt, Gathered, Prepared
from regraft.heads.prepared.dealt import Key, LeftOut
from regraft.heads.solver import FLAT, HELD_OUT_TOLERANCE, ITERATIONS, Problem, solve_all
from regraft.heads.solver import _curvature as curvature
from regraft.heads.solver import _units as units_of
from regraft.pipeline.climb import MOST_REPEATED, ROUNDS

MEASURED = ("kinds", "fits", "discriminants", "many examples", "process")
PENALTY = 0.1
HEADS = (Logistic(PENALTY), Lda(0.3), Ridge(1.0), KernelRidge(0.1))
PROCESS = KernelRidge()
DISCRIMINANTS = (Lda(), Lda(0.1), Lda(0.5))
LOSS = softmax_loss(smoothing=0.03)


class EachOnItsOwn(Dealt):
    """Folds that are all decomposed."""

    def has_own_axes(self, key: Key) -> bool:
        """Of every fold there is."""
        return key in self.keys


def run(data: Path | None, quick: bool) -> dict[str, Any]:
    """Seconds of both sides on every data set, and the mean ratio over sets."""
    if data is None:
        return {"skipped": "needs the data sets"}
    rows = []
    for name, task in small_tasks(data, quick=quick):
        rows.append({"set": name, "images": len(task.labels), **row_of(task, 1 if quick else 3)})
        print("   ", rows[-1], flush=True)
    return {
        "n": len(rows),
        **{f"{name}, ratio": _mean_ratio([row[f"{name}, ratio"] for row in rows]) for name in MEASURED},
        "rows": rows,
    }


def row_of(task: SearchTask, repetitions: int) -> dict[str, float]:
    """Medians of the seconds of both sides; and by how much what they say differs at most."""
    raw, one = task.features("all"), Representation((NETWORK,), "all", "depth")
    features = np.asarray(fit_affine(one, [load(NETWORK).card], raw)(raw), np.float32)
    # As often as a search deals them.
    rounds = (task.folds, *task.fresh)[: ROUNDS if len(task.labels) <= MOST_REPEATED else 1]

    def dealt() -> Dealt:
        return Dealt(Gathered(features, task.labels, class_count=task.class_count), rounds)

    def prepare(heads: Sequence[Head]) -> None:
        shared = Prepared(dealt())
        for head in heads:
            prepared = shared.of(head)
            assert prepared is not None, "all of these share their work"
            prepared.held_out(head, shared.dealt.keys)

    def share() -> None:
        prepare(HEADS)

    def prepare_each() -> None:
        for head in HEADS:
            prepare([head])

    def discriminate(make: type[Dealt]) -> float:
        shared = Prepared(make(dealt().gathered, rounds))
        assert len(shared.dealt.gathered.whole.values), "ridge has paid for it"
        prepared = shared.of(DISCRIMINANTS[0])
        assert prepared is not None, "they share their work"
        began = time.perf_counter()
        said[make] = [prepared.held_out(head, shared.dealt.keys) for head in DISCRIMINANTS]
        return time.perf_counter() - began

    said: dict[type[Dealt], list[np.ndarray]] = {}
    known = dealt()
    left = known.left_out(known.keys)
    problems = [_problem(each, task) for each in left]
    penalties = [PENALTY * each.spectrum.spread(each.weights) for each in left]
    starts = [problem.nothing for problem in problems]
    found: dict[str, list[np.ndarray]] = {}

    def side_by_side() -> None:
        found["ours"] = solve_all(problems, penalties, starts=starts)

    def one_by_one() -> None:
        found["theirs"] = in_parallel(
            lambda pair: _by_scipy(*pair), list(zip(problems, penalties, strict=True))
        )

    kinds = in_turns({"ours": _timed(share), "theirs": _timed(prepare_each)}, repetitions)
    fits = in_turns({"ours": _timed(side_by_side), "theirs": _timed(one_by_one)}, repetitions)
    own = in_turns(
        {"ours": lambda: discriminate(Dealt), "theirs": lambda: discriminate(EachOnItsOwn)}, repetitions
    )
    narrow = np.ascontiguousarray(features[:, : len(task.labels) // 2])
    many = in_turns(
        {
            "ours": lambda: _of_many(narrow, task, rounds),
            "theirs": lambda: _each_of_many(narrow, task, rounds),
        },
        repetitions,
    )
    process = in_turns(
        {
            "ours": lambda: _settled(features, task, rounds),
            "theirs": lambda: _unsettled(features, task, rounds),
        },
        repetitions,
    )
    apart = max(
        float(np.abs(mine - theirs).max() / np.abs(theirs).max())
        for mine, theirs in zip(said[Dealt], said[EachOnItsOwn], strict=True)
    )
    higher = [
        _value(problem, ours, penalty) / _value(problem, theirs, penalty) - 1
        for problem, penalty, ours, theirs in zip(
            problems, penalties, found["ours"], found["theirs"], strict=True
        )
    ]
    row: dict[str, float] = {}
    for name, sides in zip(MEASURED, (kinds, fits, own, many, process), strict=True):
        medians = {side: statistics.median(seconds) for side, seconds in sides.items()}
        row |= {f"{name}, shared s": medians["ours"], f"{name}, alone s": medians["theirs"]}
        row[f"{name}, ratio"] = medians["theirs"] / medians["ours"]
    differences = {"objective higher by": max(higher), "discriminants apart": apart}
    return {name: round(value, 4) for name, value in row.items()} | differences


def _of_many(features: np.ndarray, task: SearchTask, rounds: Sequence[np.ndarray]) -> float:
    """Seconds of logistic regression after ridge, as a search makes it."""
    shared = Prepared(Dealt(Gathered(features, task.labels, class_count=task.class_count), rounds))
    assert len(shared.dealt.gathered.whole.values), "ridge has paid for it"
    prepared = shared.of(HEADS[0])
    assert prepared is not None, "it shares its work"
    return _timed(lambda: prepared.held_out(HEADS[0], shared.dealt.keys))()


def _each_of_many(features: np.ndarray, task: SearchTask, rounds: Sequence[np.ndarray]) -> float:
    """The same, where what is left without each fold is decomposed."""
    dealt = Dealt(Gathered(features, task.labels, class_count=task.class_count), rounds)
    assert len(dealt.gathered.whole.values), "ridge has paid for it"

    def solve() -> None:
        left = dealt.left_out(dealt.keys)
        problems = [_problem(each, task) for each in left]
        penalties = [PENALTY * each.spectrum.spread(each.weights) for each in left]
        solve_all(problems, penalties, starts=[problem.nothing for problem in problems])

    return _timed(solve)()


def _settled(features: np.ndarray, task: SearchTask, rounds: Sequence[np.ndarray]) -> float:
    """Seconds of a Gaussian process held out and fitted to all, as a search makes it."""
    shared = Prepared(Dealt(Gathered(features, task.labels, class_count=task.class_count), rounds))

    def make() -> None:
        head = shared.settled(PROCESS)
        prepared = shared.of(head)
        assert prepared is not None, "it shares its work"
        prepared.held_out(head, shared.dealt.keys)
        prepared.fit(head)

    return _timed(make)()


def _unsettled(features: np.ndarray, task: SearchTask, rounds: Sequence[np.ndarray]) -> float:
    """The same, where its noise is found each time."""

    def make() -> None:
        for folds in rounds:
            held_out(PROCESS, features, task.labels, class_count=task.class_count, folds=folds)
        PROCESS.fit(features, task.labels, class_count=task.class_count)

    return _timed(make)()


def _timed(work: Callable[[], None]) -> Callable[[], float]:
    def measure() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return measure


def _problem(left: LeftOut, task: SearchTask) -> Problem:
    ballots, _ = present_only(task.labels[left.kept], task.class_count)
    return Problem(left.spectrum.values, Posed(left.rows, ballots, left.weights), LOSS)


def _by_scipy(problem: Problem, penalty: float) -> np.ndarray:
    """The same fit, alone."""
    start = problem.nothing
    units = units_of(problem, curvature(problem, start.astype(np.float32)), penalty)
    shrinkage = np.append(np.full(len(units) - 1, penalty), 0.0)[:, None]

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        solution = flat.reshape(start.shape) * units
        single = solution.astype(np.float32)
        value, slope = problem.posed.gradient(LOSS, lambda part: problem.posed.rows[part] @ single)
        shrunken = shrinkage * solution
        return value + 0.5 * float((shrunken * solution).sum()), (units * (slope + shrunken)).ravel()

    options = {"maxiter": ITERATIONS, "ftol": HELD_OUT_TOLERANCE, "gtol": FLAT * problem.posed.weights.sum()}
    ended = minimize(objective, (start / units).ravel(), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(ended.x.reshape(start.shape) * units)


def _value(problem: Problem, solution: np.ndarray, penalty: float) -> float:
    single = solution.astype(np.float32)
    value, _ = problem.posed.gradient(LOSS, lambda part: problem.posed.rows[part] @ single)
    return value + 0.5 * penalty * float((solution[:-1] ** 2).sum())


def _mean_ratio(ratios: Sequence[float]) -> dict[str, float]:
    """The geometric mean, with the interval over sets."""
    found = mean_difference(np.log(ratios), np.zeros(len(ratios)))
    return {name: float(np.exp(found[name])) for name in ("mean", "low", "high")} | {"n": found["n"]}
