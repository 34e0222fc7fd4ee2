"""Trials compared image by image, by the weights of the images."""

from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from regraft.evaluation.answers import Answers
from regraft.pipeline.climb import Climb
from regraft.pipeline.judging import Candidate
from regraft.pipeline.tuning.paired import Paired
from regraft.pipeline.tuning.tries import Tries

COUNT = 200
TRUTH = np.arange(COUNT) % 2
FEW = np.arange(COUNT) < COUNT // 5
HEAVY = np.where(FEW, 12.0, 1.0)


def said(sure: np.ndarray) -> np.ndarray:
    """Probabilities, so much of them on the right class of each image."""
    found = np.repeat(1 - sure[:, None], 2, axis=1)
    found[np.arange(len(sure)), TRUTH] = sure
    return found.astype(np.float32)


# The other is worse on the few images that weigh most, and better on the rest.
ONE = said(np.where(FEW, 0.9, 0.4))
OTHER = said(np.where(FEW, 0.2, 0.9))


def paired(objective: str, weights: np.ndarray | None, groups: list[str] | None = None) -> Paired:
    tries = Mock(spec=Tries)
    tries.objective, tries.predictions = objective, {0: ONE, 1: OTHER}.get
    about: dict[str, Any] = {"truth": TRUTH, "held_out": np.ones(COUNT, bool), "class_count": 2}
    about |= {"held_out_groups": groups or [""] * COUNT, "held_out_weights": weights, "asked": Mock(seed=0)}
    tries.climb = Mock(**about)
    return Paired(tries)


@pytest.mark.parametrize("objective", ["loss", "accuracy"])
def test_trials_are_compared_by_weight(objective: str) -> None:
    alike, weighted = (paired(objective, weights).difference(0, 1) for weights in (None, HEAVY))
    assert alike is not None
    assert weighted is not None
    assert alike.high < 0 < weighted.low


def test_weights_that_are_all_alike_change_nothing() -> None:
    groups = [str(at // 2) for at in range(COUNT)]
    found = paired("loss", np.full(COUNT, 3.0), groups).difference(0, 1)
    wanted = paired("loss", None, groups).difference(0, 1)
    assert found is not None
    assert wanted is not None
    for end in ("value", "low", "high"):
        assert getattr(found, end) == pytest.approx(getattr(wanted, end))


def test_of_answers_that_are_not_here_nothing_is_said() -> None:
    assert paired("loss", None).difference(0, 2) is None


def test_a_step_is_explained_by_weight() -> None:
    before, after = Mock(spec=Candidate), Mock(spec=Candidate)
    for candidate, probabilities in ((before, ONE), (after, OTHER)):
        candidate.loss, candidate.answers = 0.5, Answers(probabilities, TRUTH)
    said_of = [
        Climb.explain(Mock(spec=Climb, held_out_weights=weights), after, before) for weights in (None, HEAVY)
    ]
    assert said_of[0].endswith("lower in 100% of resamples")
    assert said_of[1].endswith("lower in 0% of resamples")
