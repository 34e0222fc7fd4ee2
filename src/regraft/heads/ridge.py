"""Ridge regression on indicators of classes: closed form, whole penalty paths, exact held-out scores.

    minimise  sum_i w_i |y_i - b - W'x_i|^2 + penalty * spread * |W|^2

over W [d, k] and the unpenalised b [k], with y_i 1 in the columns of its classes and 0 elsewhere, and
`spread` the weighted mean squared distance of the features from their mean. Under the spread a penalty means
the same for features of any scale. Each class is a problem of its own: an image may have several, or none.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Features, Folds, Scores, Truth, Weights
from regraft.core.errors import DataError
from regraft.core.seeds import generator
from regraft.core.settings import Knob, check
from regraft.core.threads import in_parallel, single_threaded_blas
from regraft.heads.ballots import Ballots
from regraft.heads.blocks import Rows
from regraft.heads.classifier import Linear
from regraft.heads.leaving_out import Held, cheaper_to_refit, leave_folds_out, leave_one_out
from regraft.heads.moments import NO_ROWS, Moments, moments
from regraft.heads.selection import PenaltyPath, held_out_loss, lowest
from regraft.heads.spectrum import OnRows, Spectrum
from regraft.heads.weighting import check_folds, checked

PENALTIES = np.logspace(-4, 4, 25)
MOST_SCORES, LEAST_JUDGED = 10**8, 1000
"""Scores of all penalties together, 0.4 GB: where there are more, penalties are compared on as many examples
as have so many, though at least on a thousand."""


@dataclass(frozen=True)
class Ridge:
    """Ridge regression on indicators; without a penalty, the best by exact leave-one-out."""

    penalty: Annotated[float | None, Knob("penalty on squared weights", low=1e-6, high=1e6, log=True)] = None

    def __post_init__(self) -> None:
        check(self)

    def fit(
        self, features: Features, labels: Truth, *, class_count: int, weights: Weights | None = None
    ) -> Linear:
        """Fit by one Cholesky factor, n d r + r^3 / 3 multiplications; without a penalty see `ridge_path`."""
        if self.penalty is None:
            path = ridge_path(features, labels, class_count=class_count, folds=None, weights=weights)
            return path.classifier(path.best)
        weights = checked(features, labels, class_count=class_count, weights=weights)
        with single_threaded_blas():
            side = moments(features, Ballots(labels, class_count), weights)
            return linear(side, side.solved(self.penalty))

    def held_out(
        self,
        features: Features,
        labels: Truth,
        *,
        class_count: int,
        folds: Folds | None,
        weights: Weights | None = None,
    ) -> Scores:
        """Exact held-out scores; without a penalty, those of the best of the path."""
        if self.penalty is None:
            path = best_of_path(features, labels, class_count=class_count, folds=folds, weights=weights)
            return path.scores(path.best)
        path = ridge_path(
            features,
            labels,
            class_count=class_count,
            folds=folds,
            weights=weights,
            penalties=np.array([self.penalty]),
        )
        return path.scores(0)


def ridge_path(
    features: Features,
    labels: Truth,
    *,
    class_count: int,
    folds: Folds | None,
    weights: Weights | None = None,
    penalties: Float[Array, " p"] = PENALTIES,
) -> PenaltyPath:
    """Fit every penalty and score every example by fits that did not see it.

    Args:
        features: any float type, in memory or in a mapped file (`np.memmap`), of which, where n > d, some
            thousand rows are read at a time; sums are taken in float64.
        labels: 0 .. class_count - 1, or a matrix of which classes each example has. Classes without
            examples are allowed and never win.
        class_count: how many classes the scores have.
        folds: fold number per example, -1 for examples always trained on; None leaves each example out alone.
        weights: positive example weights; 2 means: as if the example stood there twice.
        penalties: in units of the features' mean squared distance from their mean.

    Source: Hoerl & Kennard 1970, 10.1080/00401706.1970.10488634; held out as in `leaving_out`.
    Differs: where all penalties together have more than 1e8 held-out scores, they are compared on as many
        examples, drawn by lot, as have so many, and scores are computed when they are asked for.
    Cost: n d r + 4 r^3 multiplications with r = min(n, d), about 4 (r - r / f)^3 more for each of f large
        folds, and 4 p n k bytes of held-out scores, at most 0.4 GB up to 4000 classes.

    Raises:
        DataError: features, labels, weights or folds cannot be used; see `checked` and `check_folds`.
    """
    decomposed = _decomposed(features, labels, class_count=class_count, folds=folds, weights=weights)
    return decomposed_path(*decomposed, labels, folds=folds, penalties=penalties)


def best_of_path(
    features: Features,
    labels: Truth,
    *,
    class_count: int,
    folds: Folds | None,
    weights: Weights | None = None,
) -> PenaltyPath:
    """The best of `ridge_path` among some of its penalties, where losses fall to it from both sides.

    Cost: of `ridge_path`, with eleven penalties in place of 25 where every penalty has its own price; where
        examples are left out alone, or folds are decomposed, further ones cost next to nothing.
    """
    decomposed = _decomposed(features, labels, class_count=class_count, folds=folds, weights=weights)
    if folds is None or _decomposes(folds, rank=len(decomposed[1].values)):
        return decomposed_path(*decomposed, labels, folds=folds)
    strongest_first, found = PENALTIES[::-1], list[PenaltyPath]()

    def look(asked: list[int]) -> Array:
        some = np.sort(strongest_first[asked])
        count = len(PENALTIES)
        found.append(decomposed_path(*decomposed, labels, folds=folds, penalties=some, compared=count))
        return found[-1].losses[::-1]

    best = strongest_first[lowest(len(PENALTIES), look)]
    return next(path for path in found if best in path.penalties)


def _decomposes(folds: Folds, *, rank: int) -> bool:
    """Whether any fold is left out by decomposing the others, which is done once for all penalties."""
    sizes = np.unique(folds[folds >= 0], return_counts=True)[1].tolist()
    return any(cheaper_to_refit(one, len(folds), rank=rank, penalties=len(PENALTIES)) for one in sizes)


def _decomposed(
    features: Features, labels: Truth, *, class_count: int, folds: Folds | None, weights: Weights | None
) -> tuple[Moments, Spectrum]:
    """Sums over the examples, once they are checked, and their spectrum."""
    weights = checked(features, labels, class_count=class_count, weights=weights)
    if len(labels) < 2:
        raise DataError("Held-out scores need at least two examples.")
    if folds is not None:
        check_folds(folds, len(labels))
    with single_threaded_blas():
        side = moments(features, Ballots(labels, class_count), weights)
        return side, side.without(NO_ROWS)


def decomposed_path(
    side: Moments,
    whole: Spectrum,
    labels: Truth,
    *,
    folds: Folds | None,
    penalties: Float[Array, " p"] = PENALTIES,
    compared: int | None = None,
) -> PenaltyPath:
    """`ridge_path` for whoever has the decomposition of all examples already, and checked what it is of.

    `compared` is how many penalties there are in all, where these are some of those to be compared.
    """
    weights = side.weights
    absolute = penalties * whole.spread(weights)

    def held_out(some: Float[Array, " s"], asked: Rows | None = None) -> Held:
        with single_threaded_blas():
            if folds is None:
                return leave_one_out(side, whole, some, asked=asked)
            return leave_folds_out(side, whole, some, folds=folds, asked=asked)

    judged = _judged(side, folds, compared or len(penalties))
    scores = held_out(absolute, judged)
    of = slice(None) if judged is None else judged
    losses = in_parallel(lambda each: held_out_loss(each, labels[of], weights=weights[of]), scores)
    given = scores.__getitem__ if judged is None else lambda at: held_out(absolute[[at]])[0]
    return PenaltyPath(
        penalties, np.array(losses), given, lambda at: linear(side, whole.on_rows(float(absolute[at])))
    )


def _judged(side: Moments, folds: Folds | None, penalties: int) -> Rows | None:
    """The examples that penalties are compared on: None, all, unless their scores would take too much memory.

    They are drawn from those held out, so that classes are represented as they are.
    """
    count, classes = side.targets.shape
    most = max(LEAST_JUDGED, MOST_SCORES // (penalties * classes))
    if count <= most:
        return None
    candidates = np.arange(count) if folds is None else np.flatnonzero(folds >= 0)
    drawn = generator(0, "judged").permutation(candidates)[:most]
    return np.sort(drawn)


def linear(side: Moments, solved: OnRows) -> Linear:
    """A ridge solution as weights on features: lift its coefficients; the bias undoes both centrings."""
    weights = side.lift(solved.coefficients)
    bias = solved.intercept - solved.offset @ solved.coefficients - side.centre @ weights
    return Linear(weights.astype(np.float32), bias.astype(np.float32))
