"""What a score of transferability is asked with, and what it answers.

A score looks at features of labelled images, as one pretrained network gives them, and says how well that
network would carry over, without training it: the higher, the better. Scores of different networks on the
same images can be compared; scores of different kinds, or on different images, cannot.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, wraps
from hashlib import blake2b

import numpy as np
from jaxtyping import Float, Int

from regraft.core.arrays import Array, Features, Folds, Labels, Probabilities
from regraft.core.errors import DataError
from regraft.heads.weighting import checked
from regraft.transferability.axes import Axes

SUM_TOLERANCE = 1e-2  # Probabilities in float16 miss 1 by that much.


@dataclass(frozen=True)
class Measured:
    """A score. Where it is a mean over images, `per_image` has what each one adds, in the order given."""

    value: float
    per_image: Float[Array, " n"] | None = None

    @classmethod
    def mean(cls, per_image: Float[Array, " n"]) -> "Measured":
        """A score that is a mean over images."""
        return cls(float(per_image.mean()), per_image)


@dataclass(frozen=True, eq=False)
class Sample:
    """Labelled images as one network sees them.

    Args:
        features: finite numbers of any float type; their scale does not matter.
        labels: 0 .. class_count - 1, of at least two classes. Classes without images do not count.
        class_count: how many classes there are.
        source: what the network's own head says, probabilities of its source classes.
        folds: a number for each image; images of equal numbers are never judged by each other. None: every
            image stands alone.
        seed: for what is drawn at random.

    Raises:
        DataError: shapes that disagree, numbers that are not finite (the rows are named), labels out of
            range or all of one class, rows of `source` that are not probabilities, one fold for all.
    """

    features: Features
    labels: Labels
    class_count: int
    source: Probabilities | None = None
    folds: Folds | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        checked(self.features, self.labels, class_count=self.class_count, weights=None)
        if len(np.unique(self.labels)) < 2:
            raise DataError(
                f"All {len(self.labels)} images are of class {self.labels[0]}; "
                f"a network can only be judged on two classes or more."
            )
        if self.source is not None:
            check_source(self.source, len(self.labels))
        if self.folds is not None:
            _check_units(self.folds, len(self.labels))

    def select(self, rows: Int[Array, " i"]) -> "Sample":
        """Some of the images, as for a jackknife; classes may run empty as long as two are left."""
        return replace(
            self,
            features=self.features[rows],
            labels=self.labels[rows],
            source=None if self.source is None else self.source[rows],
            folds=None if self.folds is None else self.folds[rows],
        )

    @cached_property
    def order(self) -> Int[Array, " n"]:
        """Rows sorted by what they hold, so that the order in which images are listed changes nothing.

        Where scores break ties or draw lots by position, this makes them draw by content. Float types of one
        value count as the same, so that how features were stored changes nothing either.
        """
        given = (self.features, self.source, self.labels[:, None], self.folds)
        columns = [each.reshape(len(self.labels), -1) for each in given if each is not None]
        rows = np.concatenate([each.astype(np.float64) for each in columns], axis=1)
        digests = [blake2b(row.tobytes(), digest_size=16).digest() for row in rows]
        return np.array(sorted(range(len(digests)), key=digests.__getitem__))

    @cached_property
    def canonical(self) -> "Sample":
        """The same images in `order`, at a largest feature between 1/2 and 1, without empty classes."""
        present, labels = np.unique(self.labels, return_inverse=True)
        wide = np.float32 if self.features.dtype == np.float16 else self.features.dtype
        features = self.features[self.order].astype(wide, copy=False)
        # A power of two changes no digit, and no square of a feature overflows or vanishes any more.
        _, exponent = np.frexp(np.abs(features).max())
        return replace(
            self,
            features=np.ldexp(features, -exponent),
            labels=labels[self.order],
            class_count=len(present),
            source=None if self.source is None else normalised(self.source[self.order]),
            folds=None if self.folds is None else _straddling(self.folds[self.order]),
        )

    @cached_property
    def axes(self) -> Axes:
        """The decomposition that most scores read from, computed once."""
        return Axes.of(self.features, self.labels, self.class_count)


Measure = Callable[[Sample], Measured]


@dataclass(frozen=True)
class Score:
    """A way to judge a network; higher is better.

    `needs_source` says that it reads `Sample.source`, which only networks with a head of their own have.
    """

    name: str
    title: str
    measure: Measure
    needs_source: bool


def order_free(measure: Measure) -> Measure:
    """Let a score see the canonical sample only, and put what it says of each image in the order given."""

    @wraps(measure)
    def measured(sample: Sample) -> Measured:
        found = measure(sample.canonical)
        if found.per_image is None:
            return found
        per_image = np.empty_like(found.per_image)
        per_image[sample.order] = found.per_image
        return replace(found, per_image=per_image)

    return measured


def source_of(sample: Sample) -> Probabilities:
    """What the network's own head says.

    Raises:
        DataError: the sample comes from a network without a head.
    """
    if sample.source is None:
        raise DataError(
            "This score compares labels with what the network's own head says, and the sample has no "
            "`source`. Give its probabilities, or take a score that needs features only."
        )
    return sample.source


def check_source(source: Probabilities, count: int) -> None:
    """Raise `DataError` unless there is a row of probabilities for each image."""
    if source.shape[0] != count or source.shape[1] == 0:
        raise DataError(f"There are {count} images and source probabilities of shape {source.shape}.")
    sums = source.sum(axis=1, dtype=np.float64)
    proper = (np.abs(sums - 1) < SUM_TOLERANCE) & (source.min(axis=1) >= 0)
    if not proper.all():
        row = int(np.flatnonzero(~proper)[0])
        raise DataError(
            f"{np.count_nonzero(~proper)} rows of `source` are not probabilities; "
            f"the first is row {row}, which sums to {sums[row]:.4g}. Apply a softmax to scores."
        )


def _check_units(folds: Folds, count: int) -> None:
    if len(folds) != count:
        raise DataError(f"There are {count} images and {len(folds)} fold numbers; they must match.")
    if folds.min() < 0 or folds.min() == folds.max():
        raise DataError(
            f"Fold numbers run from {folds.min()} to {folds.max()}; each image needs one, none below 0, "
            f"and there must be two different ones at least."
        )


def normalised(source: Probabilities) -> Float[Array, "n z"]:
    """Rows of probabilities in float64, summing to 1."""
    wide = source.astype(np.float64)
    return np.asarray(wide / wide.sum(axis=1, keepdims=True))


def _straddling(folds: Folds) -> Folds | None:
    """Folds renumbered, or None where each holds one image: leaving one out is cheaper than a fold."""
    numbers, renumbered = np.unique(folds, return_inverse=True)
    return None if len(numbers) == len(folds) else renumbered
