"""The account of a search: every trial, what the best is worth without its luck, and what to do next."""

from collections import Counter
from typing import Any

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Probabilities, Truth
from regraft.core.hashing import plain
from regraft.evaluation import Selection, corrected_best
from regraft.pipeline.tuning.plan import Search
from regraft.pipeline.tuning.tries import Tries, image_losses
from regraft.search import Trial
from regraft.search.findings import advice, importance
from regraft.search.space import KIND

MOST_COMPARED = 200
"""Of many trials the best: the others never win a resample."""


def described(
    trials: tuple[Trial, ...], best: Trial | None, tries: Tries, search: Search, where: str
) -> dict[str, Any]:
    """A search as plain data; see `report.tune_text`.

    Args:
        trials: of the study.
        best: the one that was chosen.
        tries: with the held-out predictions of the trials that were made here.
        search: how it was searched.
        where: the study's storage.
    """
    counts = Counter(trial.state for trial in trials)
    return {
        "sampler": search.sampler,
        "pruner": search.pruner,
        "objective": search.objective,
        "storage": where,
        "space": {name: str(axis) for name, axis in tries.space.axes.items()},
        "counts": {state: counts[state] for state in ("complete", "pruned", "failed", "running")},
        "trials": [plain(trial) for trial in trials],
        "best": None if best is None else best.number,
        "corrected": corrected(trials, tries),
        "importance": {} if best is None else importance(trials, tries.space, best.values[KIND]),
        "advice": advice(trials, tries.space),
    }


def corrected(trials: tuple[Trial, ...], tries: Tries) -> dict[str, Any] | None:
    """The winner's score on the images that chose it, and what it will be on others; see `corrected_best`.

    None with less than two trials to choose from. Where a head chose a penalty on its own, that choice is not
    among the candidates.
    """
    complete = sorted((t for t in trials if t.state == "complete"), key=lambda trial: trial.value or 0.0)
    climb = tries.climb
    truth = climb.truth[climb.held_out]
    scores = []
    for trial in complete[:MOST_COMPARED]:
        said = tries.predictions(trial.number)
        if said is not None and said.shape == (len(truth), climb.class_count):
            scores.append(_score(said, truth, is_loss=tries.objective == "loss"))
    if len(scores) < 2:
        return None
    found: Selection = corrected_best(
        np.stack(scores),
        groups=climb.held_out_groups if any(climb.held_out_groups) else None,
        lower_is_better=tries.objective == "loss",
        seed=climb.asked.seed,
    )
    return {"naive": plain(found.naive), "corrected": plain(found.corrected), "candidates": len(scores)}


def _score(said: Probabilities, truth: Truth, *, is_loss: bool) -> Float[Array, " n"]:
    """Of every image its log-loss, or 1 for a right answer."""
    if is_loss:
        return image_losses(said, truth)
    return np.asarray(said.argmax(axis=1) == truth, np.float64)
