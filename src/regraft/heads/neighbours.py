"""Nearest neighbours: the head that keeps its examples."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from regraft.core.arrays import Features, Folds, Scores, Truth, Weights
from regraft.core.settings import Knob, check
from regraft.heads.classifier import Neighbours, unit_rows
from regraft.heads.weighting import check_folds, checked, one_each


@dataclass(frozen=True)
class NearestNeighbours:
    """A vote among the nearest examples; by number, or each by how similar it is.

    Source: Cover & Hart 1967, 10.1109/TIT.1967.1053964; weighted as Hechenbichler & Schliep 2004,
        10.5282/ubm/epub.1769, with a Gaussian kernel of half the reach of the votes, so that it means the
        same for features of any scale.
    Cost: nothing to fit; each prediction n x d multiplications.
    """

    neighbours: Annotated[int, Knob("how many examples vote", low=1, high=1000, log=True)] = 10
    metric: Literal["cosine", "euclidean"] = "cosine"
    votes_by: Literal["number", "similarity"] = "number"

    def __post_init__(self) -> None:
        check(self)

    def fit(
        self, features: Features, labels: Truth, *, class_count: int, weights: Weights | None = None
    ) -> Neighbours:
        """Keep the examples, at unit length for the cosine."""
        weights = checked(features, labels, class_count=class_count, weights=weights)
        examples = unit_rows(features) if self.metric == "cosine" else features
        voters = (examples.astype(np.float32), one_each(labels), weights)
        return Neighbours(*voters, class_count, self.neighbours, self.metric, self.votes_by)

    def held_out(
        self,
        features: Features,
        labels: Truth,
        *,
        class_count: int,
        folds: Folds | None,
        weights: Weights | None = None,
    ) -> Scores:
        """Votes of other folds' examples, or of all other examples: one pass, nothing is fitted again."""
        fitted = self.fit(features, labels, class_count=class_count, weights=weights)
        alone = np.arange(len(labels))
        if folds is not None:
            check_folds(folds, len(labels))
        own = alone if folds is None else folds
        scores = np.full((len(labels), class_count), np.nan, np.float32)
        asked = np.flatnonzero(own >= 0)
        for part in fitted.blocks(len(asked)):
            rows = asked[part]
            scores[rows] = fitted.votes(features[rows], excluded=own[rows][:, None] == own)
        return scores
