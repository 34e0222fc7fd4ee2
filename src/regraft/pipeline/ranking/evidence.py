"""What else is known of a candidate: scores of transferability, and how alike its source is."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Int

from regraft.backbones import Backbone
from regraft.core.arrays import Array, Features, Probabilities
from regraft.core.hashing import plain
from regraft.data import Dataset, units
from regraft.evaluation import Interval, jackknife
from regraft.evaluation.resampling import mean_interval
from regraft.pipeline.ranking.contest import Contest
from regraft.pipeline.ranking.likeness import likeness, source_probabilities
from regraft.pipeline.ranking.tournament import Standing
from regraft.transferability import SCORES, Sample, Score

BLOCKS = 10
UNBOUNDED = (-np.inf, np.inf)
BOUNDS = {"ridge": (0.0, 1.0), "knn": (0.0, 1.0)}

Units = Int[Array, " n"]


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is in the store of a candidate, of the images that it was last judged on."""

    images: Dataset
    features: Features
    source: Probabilities | None
    backbone: Backbone


def gathered(standing: Standing, contest: Contest) -> Evidence:
    """Read what `described` needs; the store answers one thread."""
    images, backbone = contest.sample(standing.images), contest.backbone(standing.name)
    source = source_probabilities(backbone, contest.rows(standing.name, images))
    return Evidence(images, contest.features(standing.name, images, "last"), source, backbone)


def described(found: Evidence, *, with_shift: bool) -> dict[str, Any]:
    """`scores`, each with its interval, and `source`.

    The scores of the literature want one label per image; of several labels there are none. The
    shift costs a forward pass in torch, so it is asked for where it is needed.
    """
    return {
        "scores": {} if found.images.is_multilabel else _scores(found),
        "source": likeness(found.backbone, found.images, found.source, with_shift=with_shift),
    }


def _scores(found: Evidence) -> dict[str, Any]:
    images, source, together = found.images, found.source, units_of(found.images)
    sample = Sample(found.features, images.labels, len(images.classes), source, together)
    asked = [score for score in SCORES if source is not None or not score.needs_source]

    @cache  # The blocks are the same for every score, and so is what is computed from their images.
    def without_a_block(kept: bytes) -> Sample:
        return sample.select(np.frombuffer(kept, dtype=np.int64))

    def interval(score: Score) -> Interval:
        """By the images' own shares where a score is their mean; else by leaving blocks of them out."""
        measured = score.measure(sample)
        if measured.per_image is not None:
            return mean_interval(measured.per_image, together, within=BOUNDS.get(score.name, UNBOUNDED))
        return jackknife(
            lambda rows: score.measure(without_a_block(rows.tobytes())).value, together, blocks=BLOCKS
        )

    return {score.name: plain(interval(score)) for score in asked}


def units_of(images: Dataset) -> Units:
    """A number for each image; equal ones belong together."""
    numbers = np.empty(len(images), dtype=np.int64)
    for number, unit in enumerate(units(images)):
        numbers[list(unit.members)] = number
    return numbers
