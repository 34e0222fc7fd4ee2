"""Several linear heads, each on its own columns and scaling, whose scores are averaged: one linear head."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Annotated

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Features, Folds, Scores, Truth, Weights
from regraft.core.errors import RecipeError
from regraft.core.settings import Knob, check
from regraft.features import Affine, Scaling, affine_of
from regraft.heads.classifier import Classifier, Linear
from regraft.heads.selection import Head, held_out


@dataclass(frozen=True)
class Part:
    """One head of a blend: what it reads of the features, and how much its scores count.

    `columns` are beginnings and ends of the blocks that it reads, one for each depth; `scaling` is that of a
    `Representation`. The sum takes `share / temperature` of its scores.
    """

    head: Head
    share: Annotated[float, Knob("of the average", low=0, high=1)]
    temperature: Annotated[float, Knob("by which its scores are divided", low=1e-9, high=1e9)]
    columns: tuple[tuple[int, int], ...]
    scaling: Scaling

    def __post_init__(self) -> None:
        check(self)
        if not self.columns:
            raise RecipeError("A part of a blend needs columns to read.")

    @property
    def width(self) -> int:
        """How many columns it reads."""
        return sum(stop - start for start, stop in self.columns)

    def scaled(self, features: Features) -> tuple[Float[Array, "n b"], Affine]:
        """Its columns side by side, as the head wants them, and what scaled them."""
        own = np.concatenate([features[:, start:stop] for start, stop in self.columns], axis=1)
        ends = _ends(self.columns)
        blocks = [slice(*pair) for pair in pairwise(ends)]
        affine = affine_of(own, blocks, self.scaling)
        return affine(own), affine


@dataclass(frozen=True)
class Blend:
    """The average of linear heads' scores. As each is linear, so is the blend: it costs no more to use.

    Source: ensemble selection, Caruana et al. 2004, 10.1145/1015330.1015432 (`pipeline.tuning.blending`).
    Cost: the fits of its parts.
    """

    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        if not self.parts:
            raise RecipeError("A blend needs at least one part.")

    def fit(
        self, features: Features, labels: Truth, *, class_count: int, weights: Weights | None = None
    ) -> Linear:
        """Fit every part, and put their weights on the columns they are for.

        Raises:
            DataError: features, labels or weights cannot be used.
            RecipeError: a part reads columns that are not there, or is no linear head.
        """
        self._require(features)
        fits = list[Classifier]()
        for part in self.parts:
            scaled, affine = part.scaled(features)
            fitted = part.head.fit(scaled, labels, class_count=class_count, weights=weights)
            fits.append(fitted.fold(affine.shift, affine.scale) if isinstance(fitted, Linear) else fitted)
        return self.joined(fits, width=features.shape[1])

    def joined(self, fits: Sequence[Classifier], *, width: int) -> Linear:
        """Fits of its parts, each on its own columns as they are, as one fit on so many columns.

        Raises:
            RecipeError: a part is no linear head.
        """
        total = np.zeros((width, fits[0].class_count), np.float32)
        bias = np.zeros(fits[0].class_count, np.float32)
        for part, fitted in zip(self.parts, fits, strict=True):
            if not isinstance(fitted, Linear):
                raise RecipeError(f"Only linear heads can be blended; {type(part.head).__name__} is none.")
            factor = part.share / part.temperature
            for at, (start, stop) in zip(_ends(part.columns), part.columns, strict=False):
                total[start:stop] += factor * fitted.weights[at : at + stop - start]
            bias += np.asarray(factor * fitted.bias, np.float32)
        return Linear(total, bias)

    def held_out(
        self,
        features: Features,
        labels: Truth,
        *,
        class_count: int,
        folds: Folds | None,
        weights: Weights | None = None,
    ) -> Scores:
        """The average of what the parts say, each by the quickest way it has; see the function `held_out`."""
        self._require(features)
        scores = [
            held_out(
                part.head,
                part.scaled(features)[0],
                labels,
                class_count=class_count,
                folds=folds,
                weights=weights,
            )
            for part in self.parts
        ]
        total = sum(part.share / part.temperature * one for part, one in zip(self.parts, scores, strict=True))
        return np.asarray(total, np.float32)

    def _require(self, features: Features) -> None:
        last = max(stop for part in self.parts for _, stop in part.columns)
        if last > features.shape[1]:
            raise RecipeError(f"A blend reads {last} columns; the features have {features.shape[1]}.")


def _ends(columns: Sequence[tuple[int, int]]) -> list[int]:
    """Where blocks begin and end once they stand side by side."""
    return [*accumulate((stop - start for start, stop in columns), initial=0)]
