"""Sums over examples, gathered once, from which any part of them is decomposed or solved.

With X as in `spectrum`, they are of whichever symmetric matrix is smaller,

    X X'  [n, n]  = U S^2 U'      (`Gram`, n <= d)
    X' X  [d, d]  = V S^2 V'      (`Covariance`, n > d)

in float64, in blocks, about the plain mean, so that rounding stays relative to how far examples lie apart.
Leaving rows out is then a sub-matrix of the first or a subtraction from the second: no fold reads the other
folds' features again.
"""

from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Features, Weights
from regraft.core.threads import in_parallel
from regraft.heads.ballots import Ballots
from regraft.heads.blocks import Part, Rows, column_means, parts, read_rows, summed
from regraft.heads.spectrum import OnRows, Spectrum, positive, solved

COLUMNS_AT_ONCE = 512
# Squared relative rounding of float32: a spread below it, against the mean's own length, is no spread.
ABSOLUTE_FLOOR = float(np.finfo(np.float32).eps) ** 2

NO_ROWS = np.empty(0, np.int64)


@runtime_checkable
class Moments(Protocol):
    """Sums over examples from which any subset of them can be decomposed."""

    weights: Weights
    targets: Ballots
    centre: Float[Array, " d"]

    def rows(self, index: Part) -> Float[Array, "i q"]:
        """The representation z of some examples."""
        ...

    def without(self, held_out: Rows) -> Spectrum:
        """Decompose everything but these rows."""
        ...

    def solved(self, penalty: float) -> OnRows:
        """The ridge solution on all examples for one penalty, in units of the spread; needs no spectrum."""
        ...

    def coordinates(self, whole: Spectrum, index: Part) -> Float[Array, "i r"]:
        """Rows of X = U S V' in its axes, U S, for a spectrum of all examples."""
        ...

    def lift(self, coefficients: Float[Array, "q k"]) -> Float[Array, "d k"]:
        """Weights on features that do what these coefficients do on z."""
        ...


def moments(features: Features, targets: Ballots, weights: Weights) -> Moments:
    """The cheaper of the two. Cost: n d min(n, d) multiplications and min(n, d)^2 numbers, in float64.

    Of features in a mapped file no more than some thousand rows are in memory at a time where n > d.
    """
    return (Gram if len(features) <= features.shape[1] else Covariance)(features, targets, weights)


class Gram:
    """The n <= d side: z of an example is its inner products with all examples, about the plain mean."""

    def __init__(self, features: Features, targets: Ballots, weights: Weights) -> None:
        self.features, self.targets, self.weights = features, targets, weights
        self.centre = column_means(features)
        self.products = np.zeros((len(features), len(features)))
        for part in _slices(features.shape[1], COLUMNS_AT_ONCE):
            self._add_products(features[:, part] - self.centre[part])
        for rows in _slices(len(features), COLUMNS_AT_ONCE):
            # What lies above a block on the diagonal mirrors what lies left of it; the block itself is whole.
            self.products[: rows.start, rows] = self.products[rows, : rows.start].T

    def _add_products(self, columns: Float[Array, "n c"]) -> None:
        """Inner products over some columns, in blocks up to the diagonal; blocks of rows in parallel."""

        def add(rows: slice) -> None:
            self.products[rows, : rows.stop] += columns[rows] @ columns[: rows.stop].T

        in_parallel(add, _slices(len(columns), COLUMNS_AT_ONCE))

    def rows(self, index: Part) -> Float[Array, "i n"]:
        """Rows of the matrix of inner products."""
        return self.products[index]

    def without(self, held_out: Rows) -> Spectrum:
        """Centre the sub-matrix at the kept examples' own weighted mean and decompose it."""
        kept = np.delete(np.arange(len(self.weights)), held_out)
        root, share = np.sqrt(self.weights[kept]), self.weights[kept] / self.weights[kept].sum()
        inner, means = self._about_mean(kept if len(held_out) else slice(None), root, share)
        values, axes = positive(inner, floor=self._floor(len(kept)))
        # Rounding mixes the null direction, sqrt(w), into axes of tiny eigenvalues. It must not stay there:
        # the inner products of rows with the mean come back through it.
        axes -= np.outer(root, root @ axes / self.weights[kept].sum())
        basis, offset = np.zeros((len(self.weights), len(values))), np.zeros(len(self.weights))
        basis[kept], offset[kept] = root[:, None] * (axes / np.sqrt(values)), means
        ballots = self.targets[kept]
        intercept = share @ ballots
        targets = values[:, None] * (basis[kept].T @ (ballots - intercept))
        return Spectrum(values, basis, offset, targets, intercept)

    def solved(self, penalty: float) -> OnRows:
        """In the dual: with a = (X X' + penalty)^-1 of the targets, sqrt(w) a on inner products."""
        root, share = np.sqrt(self.weights), self.weights / self.weights.sum()
        inner, means = self._about_mean(slice(None), root, share)
        ballots = self.targets[:]
        intercept = share @ ballots
        unit, floor = float(np.trace(inner)) / float(self.weights.sum()), self._floor(len(root))
        solution = solved(inner, root[:, None] * (ballots - intercept), penalty * unit, floor=floor)
        # The null direction is in none of the targets; see above.
        solution -= np.outer(root, root @ solution / self.weights.sum())
        return OnRows(root[:, None] * solution, means, intercept)

    def _about_mean(
        self, kept: Part, root: Float[Array, " m"], share: Float[Array, " m"]
    ) -> tuple[Float[Array, "m m"], Float[Array, " m"]]:
        """X X' of some examples, and their inner products with the mean."""
        inner = self.products.copy() if isinstance(kept, slice) else self.products[np.ix_(kept, kept)]
        means = inner @ share
        inner -= means
        inner -= (means - share @ means)[:, None]
        inner *= root
        inner *= root[:, None]
        return inner, means

    def _floor(self, count: int) -> float:
        return ABSOLUTE_FLOOR * float(self.centre @ self.centre) * count

    def coordinates(self, whole: Spectrum, index: Part) -> Float[Array, "i r"]:
        """U S, read off the basis sqrt(w) U / S."""
        return np.asarray(whole.basis[index] * whole.values / np.sqrt(self.weights[index])[:, None])

    def lift(self, coefficients: Float[Array, "n k"]) -> Float[Array, "d k"]:
        """A sum of centred examples."""
        lifted = np.zeros((self.features.shape[1], coefficients.shape[1]))
        for part in parts(len(self.features)):
            lifted += (read_rows(self.features, part) - self.centre).T @ coefficients[part]
        return lifted


class Sums(NamedTuple):
    """Weighted sums of 1, x, x x', y and x y'."""

    weight: float
    rows: Float[Array, " d"]
    squares: Float[Array, "d d"]
    targets: Float[Array, " k"]
    products: Float[Array, "d k"]

    @classmethod
    def zero(cls, width: int, classes: int) -> "Sums":
        """Of no examples. Products are laid out class by class, as they are added."""
        products = np.zeros((classes, width)).T
        return cls(0.0, np.zeros(width), np.zeros((width, width)), np.zeros(classes), products)

    def plus(self, other: "Sums", sign: int = 1) -> "Sums":
        """Both together, or with sign -1 the examples of one without those of the other."""
        return Sums(
            self.weight + sign * other.weight,
            self.rows + sign * other.rows,
            self.squares + sign * other.squares,
            self.targets + sign * other.targets,
            self.products + sign * other.products,
        )

    @property
    def mean(self) -> Float[Array, " d"]:
        """Of the rows, by weight."""
        return self.rows / self.weight

    @property
    def intercept(self) -> Float[Array, " k"]:
        """The mean of the targets, by weight."""
        return self.targets / self.weight

    def about_mean(self) -> tuple[Float[Array, "d d"], Float[Array, "d k"]]:
        """X'X and X'Y of the centred examples and targets."""
        inner = self.squares - np.outer(self.rows, self.mean)
        return inner, self.products - np.outer(self.rows, self.intercept)


class Covariance:
    """The n > d side: z of an example is its features about the plain mean."""

    def __init__(self, features: Features, targets: Ballots, weights: Weights) -> None:
        self.features, self.targets, self.weights = features, targets, weights
        self.centre = column_means(features)
        self.all = self.sums(len(features))

    def rows(self, index: Part) -> Float[Array, "i d"]:
        """Centred features, in float64."""
        return np.asarray(read_rows(self.features, index) - self.centre)

    def without(self, held_out: Rows) -> Spectrum:
        """Subtract the held-out sums, centre at the kept examples' weighted mean, decompose."""
        kept = self.all.plus(self.sums(held_out), -1)
        inner, products = kept.about_mean()
        values, basis = positive(inner, floor=self._floor(kept.weight))
        return Spectrum(values, basis, kept.mean, basis.T @ products, kept.intercept)

    def solved(self, penalty: float) -> OnRows:
        """(X'X + penalty)^-1 X'Y."""
        inner, products = self.all.about_mean()
        unit, floor = float(np.trace(inner)) / self.all.weight, self._floor(self.all.weight)
        solution = solved(inner, products, penalty * unit, floor=floor)
        return OnRows(solution, self.all.mean, self.all.intercept)

    def _floor(self, weight: float) -> float:
        return ABSOLUTE_FLOOR * float(self.centre @ self.centre) * weight

    def coordinates(self, whole: Spectrum, index: Part) -> Float[Array, "i r"]:
        """Centred rows times V."""
        root = np.sqrt(self.weights[index])[:, None]
        return np.asarray(root * ((self.rows(index) - whole.offset) @ whole.basis))

    def lift(self, coefficients: Float[Array, "d k"]) -> Float[Array, "d k"]:
        """They are weights on features already."""
        return coefficients

    def sums(self, rows: int | Rows) -> Sums:
        """Sums over so many rows from the first, or over these rows."""

        def over(stretch: Sequence[Part]) -> Sums:
            total = Sums.zero(self.features.shape[1], self.targets.shape[1])
            for part in stretch:
                self._add(total, part)
            return total

        found = reduce(Sums.plus, summed(over, rows))
        of = slice(0, rows) if isinstance(rows, int) else rows
        return found._replace(
            weight=float(self.weights[of].sum()), targets=self.targets.totals(self.weights, of)
        )

    def _add(self, total: Sums, part: Part) -> None:
        """Add some rows to what is summed in arrays, in place."""
        root = np.sqrt(self.weights[part])[:, None]
        rows = root * self.rows(part)
        total.rows[:] += root[:, 0] @ rows
        total.squares[:] += rows.T @ rows
        self.targets.add_sums(total.products.T, root * rows, part)


def _slices(count: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]
