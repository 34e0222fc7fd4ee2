"""Examples dealt to folds, decomposed once for every kind of head that wants it.

Ridge, logistic regression, linear support vectors and discriminant analysis all read the examples outside a
fold in the axes of their own spectrum. Decomposing them is most of the work that a search over few hundred
or thousand examples does, so it is done once for each fold, and the sums it takes once for all folds.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from regraft.core.arrays import Array, Features, Folds, Mask, Truth, Weights
from regraft.core.threads import in_parallel, single_threaded_blas
from regraft.heads.ballots import Ballots
from regraft.heads.blocks import Part, Rows, parts
from regraft.heads.kernel_machine import squared_distances
from regraft.heads.leaving_out import cheaper_to_refit
from regraft.heads.moments import NO_ROWS, Gram, Moments, moments
from regraft.heads.spectrum import Spectrum
from regraft.heads.weighting import check_folds, checked, fold_numbers

Key = tuple[int, int]
"""Of a fold: which round, and its number there."""

EXPECTED = 20
"""Settings that will be asked for: what is cheaper for so many of them is computed for the first."""


@dataclass(frozen=True, eq=False)
class LeftOut:
    """The examples outside a fold in the axes of their spectrum, and the fold's in the same axes.

    Attributes:
        spectrum: of the examples outside; its basis is kept only where `rows` are still to be read off it.
        held: coordinates of the fold's examples.
        kept: which examples are outside.
        side: sums over all examples.
    """

    spectrum: Spectrum
    held: Float[Array, "h r"]
    kept: Int[Array, " t"]
    side: Moments = field(repr=False)

    @classmethod
    def of(cls, side: Moments, rows: Rows) -> "LeftOut":
        """Decompose all but these rows, and project them."""
        spectrum = side.without(rows)
        held = (side.rows(rows) - spectrum.offset) @ spectrum.basis
        found = cls(spectrum, held, np.delete(np.arange(len(side.weights)), rows), side)
        if not isinstance(side, Gram):
            return found
        # On this side coordinates are the basis in other units: one of the two is enough.
        nothing = np.empty((0, len(spectrum.values)))
        light = replace(found, spectrum=replace(spectrum, basis=nothing, offset=np.empty(0)))
        vars(light)["rows"] = found.rows
        return light

    @cached_property
    def rows(self) -> Float[Array, "t s"]:
        """Coordinates of the examples outside, and a column of ones."""
        rows = np.ones((len(self.kept), len(self.spectrum.values) + 1), np.float32)
        for part in parts(len(rows)):
            index = self.kept[part]
            root = np.sqrt(self.side.weights[index])[:, None]
            rows[part, :-1] = self.side.coordinates(self.spectrum, index) / root
        return rows

    @property
    def weights(self) -> Weights:
        """Of the examples outside."""
        return self.side.weights[self.kept]

    @property
    def nbytes(self) -> int:
        """Of coordinates and axes."""
        rows = vars(self)["rows"].nbytes if "rows" in vars(self) else 0
        return int(rows + self.held.nbytes + self.spectrum.basis.nbytes + self.spectrum.targets.nbytes)


class Gathered:
    """Checked examples, and what is gathered over all of them once, however they are dealt to folds."""

    def __init__(
        self, features: Features, labels: Truth, *, class_count: int, weights: Weights | None = None
    ) -> None:
        """Check the examples, as every fit does.

        Raises:
            DataError: features, labels or weights cannot be used; see `checked`.
        """
        self.weights = checked(features, labels, class_count=class_count, weights=weights)
        self.features, self.labels, self.class_count = features, labels, class_count

    @cached_property
    def side(self) -> Moments:
        """Sums from which any part of the examples is decomposed."""
        with single_threaded_blas():
            return moments(self.features, Ballots(self.labels, self.class_count), self.weights)

    @cached_property
    def whole(self) -> Spectrum:
        """Of all examples."""
        with single_threaded_blas():
            return self.side.without(NO_ROWS)

    @cached_property
    def coordinates(self) -> Float[Array, "n r"]:
        """Of all examples in the axes of their spectrum."""
        found = np.empty((len(self.labels), len(self.whole.values)))

        def read(part: Part) -> None:
            root = np.sqrt(self.weights[part])[:, None]
            np.divide(self.side.coordinates(self.whole, part), root, out=found[part])

        in_parallel(read, parts(len(found)))
        return found

    @property
    def is_decomposed(self) -> bool:
        """Whether anybody has asked for the spectrum of all examples."""
        return "whole" in vars(self)

    @cached_property
    def squares(self) -> Float[Array, "n n"]:
        """Squared distances between all examples."""
        if len(self.features) > self.features.shape[1] or not isinstance(self.side, Gram):
            centred = self.features - self.features.mean(axis=0, dtype=np.float64)
            with single_threaded_blas():
                return squared_distances(centred, centred)
        lengths = np.diag(self.side.products)
        squares = lengths[:, None] + lengths - 2 * self.side.products
        return np.asarray(np.maximum(squares, 0, out=squares))

    @property
    def nbytes(self) -> int:
        """Of what was gathered by now."""
        known, side = vars(self), min(self.features.shape) ** 2 * np.dtype(np.float64).itemsize
        spectrum = known.get("whole")
        size = 0 if spectrum is None else spectrum.basis.nbytes + spectrum.targets.nbytes
        size += sum(known[name].nbytes for name in ("squares", "coordinates") if name in known)
        return int(size + ("side" in known) * side)


class Dealt:
    """Examples and the ways to deal them to folds, called rounds; without any each is left out alone."""

    def __init__(self, gathered: Gathered, rounds: Sequence[Folds] = ()) -> None:
        """Check the folds.

        Raises:
            DataError: they cannot be used; see `check_folds`.
        """
        for folds in rounds:
            check_folds(folds, len(gathered.labels))
        self.gathered, self.rounds = gathered, (*rounds,)
        self.pause: Callable[[], None] = lambda: None
        self._left_out: dict[Key, LeftOut] = {}

    @contextmanager
    def pausing(self, pause: Callable[[], None]) -> Iterator[None]:
        """Meanwhile call this on the way through long work; it may raise, and what is not done is left."""
        before, self.pause = self.pause, pause
        try:
            yield
        finally:
            self.pause = before

    @property
    def keys(self) -> tuple[Key, ...]:
        """Of all folds."""
        return tuple((at, int(n)) for at, folds in enumerate(self.rounds) for n in fold_numbers(folds))

    def fold(self, key: Key) -> Mask:
        """Which examples are in a fold."""
        at, number = key
        return np.asarray(self.rounds[at] == number)

    def has_own_axes(self, key: Key) -> bool:
        """Whether the examples without a fold are decomposed, or are worth it: the fold is a large one.

        What a smaller one changes in the spectrum of all examples is cheaper to take away.
        """
        if key in self._left_out:
            return True
        held, count = int(np.count_nonzero(self.fold(key))), len(self.gathered.labels)
        rank = min(self.gathered.features.shape)
        return cheaper_to_refit(held, count, rank=rank, penalties=EXPECTED)

    def left_out(self, keys: Sequence[Key]) -> list[LeftOut]:
        """What is left without each of some folds. Those that are new are decomposed side by side."""
        side = self.gathered.side  # Before there are threads, so that they share one.
        new = [key for key in keys if key not in self._left_out]

        def leave_out(key: Key) -> None:
            self.pause()
            self._left_out[key] = LeftOut.of(side, np.flatnonzero(self.fold(key)))

        in_parallel(leave_out, new)
        return [self._left_out[key] for key in keys]

    def mean(self, of_folds: Iterable[tuple[Key, Float[Array, "*p _ k"]]]) -> Float[Array, "*p n k"]:
        """Scores of all examples from those of folds, averaged over rounds; NaN where there are none."""
        count = np.zeros(len(self.gathered.labels))
        total: Array = np.zeros(0)
        for key, scores in of_folds:
            if not total.size:
                total = np.zeros((*scores.shape[:-2], len(count), scores.shape[-1]))
            total[..., self.fold(key), :] += scores
            count[self.fold(key)] += 1
        with np.errstate(invalid="ignore"):
            return np.asarray(total / count[:, None], np.float32)

    @property
    def nbytes(self) -> int:
        """Of what is left without folds."""
        return sum(each.nbytes for each in self._left_out.values())
