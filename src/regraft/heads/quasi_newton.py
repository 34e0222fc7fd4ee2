"""L-BFGS on several smooth convex problems at once: the calls that one of them costs are made for all.

Each problem takes its own steps and ends when it is done. They only share the calls that evaluate them, and
the arithmetic on their coordinates.

Source: L-BFGS, Liu & Nocedal 1989, 10.1007/BF01589116; updates of little curvature are skipped as in Li &
    Fukushima 2001, 10.1137/S1052623499354242.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from regraft.core.arrays import Array

MEMORY = 10
"""Steps that shape the next one."""

ENOUGH = 1e-4
"""Of the decrease that the slope promises: a step that brings so much is taken (Armijo)."""

SHORTER = (0.1, 0.5)
"""The least and the most of a step that is left after it was too long."""

PATIENCE = 2
"""Steps in a row that may hardly bring anything: one alone may have been a bad step."""

TRIES = 20
"""Lengths of one step; after so many the rest is rounding."""

Points = Float[Array, "a v"]
Which = Int[Array, " a"]
Objective = Callable[[Points, Which], tuple[Float[Array, " a"], Points]]
"""Values and slopes of some of the problems, at a point of each."""


class _Memory:
    """The last steps of the problems that still move, and how their slopes changed."""

    def __init__(self) -> None:
        self.steps: list[Points] = []
        self.changes: list[Points] = []
        self.scales: list[Float[Array, " a"]] = []

    def add(self, step: Points, change: Points) -> None:
        """One more step, the oldest one leaving; of little curvature it counts for nothing."""
        along = _dots(step, change)
        counts = along > 1e-10 * np.sqrt(_dots(step, step) * _dots(change, change))
        self.steps.append(step)
        self.changes.append(change)
        self.scales.append(np.where(counts, 1 / np.where(counts, along, 1), 0))
        if len(self.steps) > MEMORY:
            del self.steps[0], self.changes[0], self.scales[0]

    def keep(self, chosen: Bool[Array, " a"]) -> None:
        """Go on with some of the problems."""
        for kept in (self.steps, self.changes, self.scales):
            kept[:] = [each[chosen] for each in kept]

    def direction(self, slopes: Points) -> Points:
        """Where to go: the slopes turned by the inverse curvature that the steps met, downhill."""
        found, shares = -slopes, []
        recent = [*zip(self.steps, self.changes, self.scales, strict=True)]
        for step, change, scale in reversed(recent):
            shares.append(scale * _dots(step, found))
            found -= shares[-1][:, None] * change
        if recent:
            _, change, scale = recent[-1]
            squares = scale * _dots(change, change)
            found *= np.where(squares > 0, 1 / np.where(squares > 0, squares, 1), 1)[:, None]
        for (step, change, scale), share in zip(recent, reversed(shares), strict=True):
            found += (share - scale * _dots(change, found))[:, None] * step
        return found


@np.errstate(invalid="ignore")  # Where a value is no number, a problem stays where it is.
def minimise(
    objective: Objective,
    start: Float[Array, "f v"],
    *,
    tolerance: float,
    flat: Float[Array, " f"],
    iterations: int,
) -> Float[Array, "f v"]:
    """Points at which no problem falls much further.

    Args:
        objective: evaluates some of the problems.
        start: of each problem.
        tolerance: a problem ends once two steps in a row lower its value by less than this share of it each,
        flat: or where no entry of its slope is larger than this.
        iterations: at most.
    """
    found, which = start.copy(), np.arange(len(start))
    state = _State(which, found.copy(), *objective(found, which), np.zeros(len(start), np.int64))
    memory = _Memory()
    for _ in range(iterations):
        after = _step(objective, state, memory.direction(state.slopes), tolerance)
        memory.add(after.points - state.points, after.slopes - state.slopes)
        fell = state.values - after.values
        after = after._replace(idle=np.where(fell > tolerance * after.scale, 0, state.idle + 1))
        moves = (fell > 0) & (after.idle < PATIENCE) & (np.abs(after.slopes).max(axis=1) > flat[after.which])
        state = after
        if not moves.all():
            found[state.which] = state.points
            memory.keep(moves)
            state = state.some(moves)
        if not len(state.which):
            break
    found[state.which] = state.points
    return found


class _State(NamedTuple):
    """Where some of the problems are."""

    which: Which
    points: Points
    values: Float[Array, " a"]
    slopes: Points
    idle: Int[Array, " a"]
    """Steps in a row that hardly brought anything."""

    @property
    def scale(self) -> Float[Array, " a"]:
        """What shares of a value are of."""
        return np.asarray(np.maximum(np.abs(self.values), 1))

    def some(self, chosen: Which | Bool[Array, " a"]) -> "_State":
        """Some of them."""
        return _State(*(each[chosen] for each in self))


def _step(objective: Objective, state: _State, directions: Points, tolerance: float) -> _State:
    """Go along directions as far as values fall by enough; where they do not at all, stay."""
    along = _dots(directions, state.slopes)
    # Rounding may leave a direction that leads nowhere.
    astray = along >= 0
    directions[astray], along[astray] = -state.slopes[astray], -_dots(state.slopes, state.slopes)[astray]
    lengths, open_ = np.ones(len(along)), np.arange(len(along))
    after = _State(*(each.copy() for each in state))
    for _ in range(TRIES):
        points = state.points[open_] + lengths[open_, None] * directions[open_]
        values, slopes = objective(points, state.which[open_])
        promised = lengths[open_] * along[open_]
        falls = np.isfinite(values) & (values <= state.values[open_] + ENOUGH * promised)
        for kept, new in zip(after[1:4], (points, values, slopes), strict=True):
            kept[open_[falls]] = new[falls]
        # What promises less than would end it is not looked for any longer.
        rest = ~falls & (-promised > tolerance * state.scale[open_])
        if not rest.any():
            break
        rise = values[rest] - state.values[open_[rest]] - promised[rest]
        shorter = np.clip(-promised[rest] / (2 * rise), *SHORTER)
        open_ = open_[rest]
        lengths[open_] *= np.where(np.isfinite(shorter), shorter, SHORTER[0])
    return after


def _dots(first: Points, second: Points) -> Float[Array, " a"]:
    return np.asarray(np.einsum("av,av->a", first, second))
