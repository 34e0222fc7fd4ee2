"""Fits of a smooth loss in reduced axes, one or many side by side; see `reduced` for what is minimised.

A fit of a few hundred examples is some fifty products that take less time than the calls around them. Fits of
one loss, such as those to the folds of a cross-validation, therefore share these calls: their scores stand
one after another, and `quasi_newton` moves all of them at once.
"""

from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from regraft.core.arrays import Array
from regraft.core.cores import usable_cores
from regraft.core.threads import in_parallel
from regraft.heads.ballots import Ballots
from regraft.heads.blocks import side_by_side
from regraft.heads.loss import SCORES_AT_ONCE, Loss, Posed
from regraft.heads.quasi_newton import MEMORY, minimise

ITERATIONS = 300
LAST_TOLERANCE, TOLERANCE, HELD_OUT_TOLERANCE = 1e-12, 1e-9, 3e-7
"""Of a fit that is delivered, in double and in single precision, and of one that only says how well its like
do: for fewer passes its log-loss is within two thousandths of the optimum's, to which a test holds it. Below
1e-9 lies the rounding of single precision, in which line searches are lost."""

FLAT = 1e-7
"""Slopes, for a weight of one, that are none."""

MOST_BYTES = 1 << 28
"""Of what the fits that are made side by side remember."""

LEAST_WORK = 5e6
"""Multiplications of one look at all examples of a thread: with less, threads mostly wait for each other."""

Solution = Float[Array, "s k"]
Units = Float[Array, "s #k"]


class Problem(NamedTuple):
    """What a solver needs: examples in the axes of a spectrum, and its squared singular values."""

    values: Float[Array, " r"]
    posed: Posed
    loss: Loss

    @property
    def nothing(self) -> Solution:
        """The start of all paths: every score zero."""
        return np.zeros((self.posed.rows.shape[1], self.posed.ballots.class_count))


def solve(problem: Problem, penalty: float, *, start: Solution) -> Solution:
    """Minimise to the end, as far as the rounding of the examples lets."""
    is_double = problem.posed.rows.dtype == np.float64
    return _solved([problem], [penalty], [start], tolerance=LAST_TOLERANCE if is_double else TOLERANCE)[0]


def solve_all(
    problems: Sequence[Problem],
    penalties: Sequence[float],
    *,
    starts: Sequence[Float[Array, "_ _"]],
    pause: Callable[[], None] = lambda: None,
) -> list[Float[Array, "_ _"]]:
    """Minimise several problems, as far as it takes to judge them; those of one loss side by side.

    `pause` is called before each look at the examples; it may raise.
    """
    alike: dict[Hashable, list[int]] = {}
    for at, problem in enumerate(problems):
        alike.setdefault((id(problem.loss), problem.posed.ballots.class_count), []).append(at)
    groups = [group for members in alike.values() for group in _groups(problems, members, starts)]

    def solve_group(group: Sequence[int]) -> list[Float[Array, "_ _"]]:
        chosen = [(problems[at], penalties[at], starts[at]) for at in group]
        return _solved(*map(list, zip(*chosen, strict=True)), tolerance=HELD_OUT_TOLERANCE, pause=pause)

    found: dict[int, Float[Array, "_ _"]] = {}
    for group, solutions in zip(groups, in_parallel(solve_group, groups), strict=True):
        found |= dict(zip(group, solutions, strict=True))
    return [found[at] for at in range(len(problems))]


def _groups(
    problems: Sequence[Problem], members: Sequence[int], starts: Sequence[Float[Array, "_ _"]]
) -> list[list[int]]:
    """A group of problems for every core where there is work enough; more where they remember too much."""
    work = sum(problems[at].posed.rows.size * starts[at].shape[1] for at in members)
    remembered = sum(starts[at].nbytes for at in members) * 2 * MEMORY
    busy = min(usable_cores(), max(1, int(work / LEAST_WORK)))
    count = min(len(members), max(busy, -(-remembered // MOST_BYTES)))
    return [group.tolist() for group in np.array_split(members, count)]


def _solved(
    problems: Sequence[Problem],
    penalties: Sequence[float],
    starts: Sequence[Float[Array, "_ k"]],
    *,
    tolerance: float,
    pause: Callable[[], None] = lambda: None,
) -> list[Float[Array, "_ k"]]:
    """Solutions, over coordinates divided by `_units`, the inverse roots of the expected curvature.

    Problems of fewer coordinates than others have zeros in place of the rest.
    """
    shape = len(problems), max(map(len, starts)), starts[0].shape[1]
    units, begin, shrinkage = np.ones(shape), np.zeros(shape), np.zeros((*shape[:2], 1))
    for at, (problem, penalty, start) in enumerate(zip(problems, penalties, starts, strict=True)):
        units[at, : len(start)] = _units(problem, _curvature(problem, start.astype(np.float32)), penalty)
        begin[at, : len(start)] = start
        shrinkage[at, : len(start) - 1] = penalty
    seen = SideBySide([problem.posed for problem in problems], problems[0].loss)

    def objective(
        points: Float[Array, "a v"], which: Int[Array, " a"]
    ) -> tuple[Float[Array, " a"], Float[Array, "a v"]]:
        pause()
        solutions = points.reshape(len(which), *shape[1:]) * units[which]
        values, slopes = seen.gradients(which, solutions.astype(seen.dtype))
        shrunken = shrinkage[which] * solutions
        values += 0.5 * np.einsum("ask,ask->a", shrunken, solutions)
        return values, (units[which] * (slopes + shrunken)).reshape(points.shape)

    flat = np.array([FLAT * float(problem.posed.weights.sum()) for problem in problems])
    given = objective, (begin / units).reshape(len(problems), -1)
    found = minimise(*given, tolerance=tolerance, flat=flat, iterations=ITERATIONS)
    solutions = found.reshape(shape) * units
    return [solution[: len(start)] for solution, start in zip(solutions, starts, strict=True)]


class SideBySide:
    """Examples of several problems of one loss, looked at as if they stood one after another.

    Many scores are looked at problem by problem: then it costs no more, and takes less memory.
    """

    def __init__(self, posed: Sequence[Posed], loss: Loss) -> None:
        self.posed, self.loss = posed, loss
        self.dtype = posed[0].rows.dtype
        self._which: Int[Array, " a"] | None = None

    def gradients(
        self, which: Int[Array, " a"], solutions: Float[Array, "a s k"]
    ) -> tuple[Float[Array, " a"], Float[Array, "a s k"]]:
        """Summed losses of some problems, and their gradients."""
        some = [self.posed[at] for at in which]
        own = [solution[: posed.rows.shape[1]] for posed, solution in zip(some, solutions, strict=True)]
        slopes = np.zeros(solutions.shape, self.dtype)
        if len(some) > 1 and sum(len(posed.rows) for posed in some) * solutions.shape[2] <= SCORES_AT_ONCE:
            return self._stacked(which, some, own, slopes), slopes
        values = np.empty(len(some))
        for at, (posed, solution) in enumerate(zip(some, own, strict=True)):
            rows, single = posed.rows, solution
            found = posed.gradient(self.loss, lambda part, rows=rows, single=single: rows[part] @ single)
            values[at], slopes[at, : len(single)] = found
        return values, slopes

    def _stacked(
        self,
        which: Int[Array, " a"],
        some: Sequence[Posed],
        solutions: Sequence[Float[Array, "_ k"]],
        slopes: Float[Array, "a s k"],
    ) -> Float[Array, " a"]:
        """Losses, where scores of several problems are looked at as one; slopes are written."""
        if self._which is None or not np.array_equal(self._which, which):
            self._which = which
            self._ends = np.cumsum([0, *(len(posed.rows) for posed in some)])
            self._weights = np.concatenate([posed.weights for posed in some])
            truth = np.concatenate([posed.ballots.truth for posed in some])
            self._ballots = Ballots(truth, some[0].ballots.class_count)
        parts = [slice(*pair) for pair in pairwise(self._ends)]
        scores = np.empty((len(self._weights), slopes.shape[2]), self.dtype)
        for posed, solution, part in zip(some, solutions, parts, strict=True):
            np.matmul(posed.rows, solution, out=scores[part])
        losses, bent = self.loss.slopes(scores, self._ballots)
        bent *= self._weights[:, None]
        single = bent.astype(self.dtype)
        for posed, slope, part in zip(some, slopes, parts, strict=True):
            np.matmul(posed.rows.T, single[part], out=slope[: posed.rows.shape[1]])
        return np.asarray(np.add.reduceat(self._weights * losses, self._ends[:-1]))


def _curvature(problem: Problem, solution: Float[Array, "s k"]) -> Float[Array, " k"]:
    """How the mean loss of all examples is bent by the score of each class."""
    posed = problem.posed

    def over(stretch: Sequence[slice]) -> Float[Array, " k"]:
        total = np.zeros(posed.ballots.class_count)
        for part in stretch:
            total += problem.loss.curvature(posed.rows[part] @ solution, posed.ballots.some(part)).sum(axis=0)
        return total

    return np.asarray(sum(side_by_side(over, posed.blocks)) / len(posed.rows))


def _units(problem: Problem, curvature: Float[Array, " k"], penalty: float) -> Units:
    """What each coordinate is measured in, the bias last.

    Classes that share a softmax share their units: adding one number to all scores changes nothing, and no
    step may drift that way. Labels on their own each have theirs, rare ones longer.
    """
    if problem.loss.is_joint:
        curvature = curvature.mean(keepdims=True)
    # Of a label that no example has, nothing is curved; one example's worth keeps its steps finite.
    curvature = np.maximum(curvature, 1 / len(problem.posed.rows))
    curves = np.outer(np.append(problem.values, problem.posed.weights.sum()), curvature)
    curves[:-1] += penalty
    return np.asarray(1 / np.sqrt(curves))
