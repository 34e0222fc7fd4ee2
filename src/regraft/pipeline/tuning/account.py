"""The account of a search: every trial, what the best is worth without its luck, and what to do next."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Probabilities, Truth, Weights
from regraft.core.hashing import plain
from regraft.evaluation import Selection, corrected_best
from regraft.pipeline.tuning.analysis import analysed
from regraft.pipeline.tuning.answers import image_losses
from regraft.pipeline.tuning.asked import Search
from regraft.pipeline.tuning.tries import Tries
from regraft.search import Trial
from regraft.search.held_out import Objective
from regraft.search.objectives import affordable, front

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
        where: the study's storage, without a password.
    """
    climb, counts = tries.climb, Counter(trial.state for trial in trials)
    costs = search.objectives.costs
    # Others may have searched wider ranges under the same name: what may not be chosen is no candidate.
    within = [trial for trial in trials if tries.space.keeps_to_asked(trial.values)]
    return {
        "sampler": search.sampler,
        "pruner": search.pruner,
        "objective": search.objectives.score,
        "costs": [*costs],
        "limits": {cost: search.limits[cost] for cost in costs},
        "front": [trial.number for trial in front(within)] if costs else [],
        "storage": where,
        "space": {name: str(axis) for name, axis in tries.space.axes.items()},
        "counts": {state: counts[state] for state in ("complete", "pruned", "failed", "running")},
        "trials": [plain(trial) for trial in trials],
        "best": None if best is None else best.number,
        "weighted": climb.weights is not None,
        "corrected": corrected(
            candidates(affordable(within, costs, search.limits), best, tries),
            climb.truth[climb.held_out],
            groups=climb.held_out_groups,
            objective=search.objectives.score,
            seed=climb.asked.seed,
            weights=climb.held_out_weights,
        ),
        **analysed(trials, best, tries, search),
    }


def corrected(
    said: Iterable[Probabilities],
    truth: Truth,
    *,
    groups: Sequence[str],
    objective: Objective,
    seed: int,
    weights: Weights | None = None,
) -> dict[str, Any] | None:
    """The winner's score on the images that chose it, and what it will be on others; see `corrected_best`.

    None with less than two to choose from. Where a head chose a penalty on its own, that choice is not among
    the candidates.

    Args:
        said: what each trial said of the held-out images.
        truth: of these images.
        groups: of these images, all empty where there are none.
        objective: by which the best was chosen.
        seed: of the resamples.
        weights: of these images.
    """
    is_loss = objective == "loss"
    # One number of every image: what all trials said of many classes would fill the memory.
    scores = [_score(each, truth, is_loss=is_loss) for each in said]
    if len(scores) < 2:
        return None
    found: Selection = corrected_best(
        np.stack(scores),
        groups=list(groups) if any(groups) else None,
        lower_is_better=is_loss,
        seed=seed,
        weights=weights,
    )
    return {"naive": plain(found.naive), "corrected": plain(found.corrected), "candidates": len(scores)}


def candidates(trials: Sequence[Trial], best: Trial | None, tries: Tries) -> Iterator[Probabilities]:
    """Of the best complete trials what they said, as far as it was kept here; of none without the chosen one.

    The best of those that are here would pass for the one that is delivered.
    """
    if best is not None and tries.predictions(best.number) is None:
        return
    complete = sorted((t for t in trials if t.state == "complete"), key=lambda trial: trial.value or 0.0)
    shape = (int(tries.climb.held_out.sum()), tries.climb.class_count)
    found = (tries.predictions(trial.number) for trial in complete[:MOST_COMPARED])
    yield from (said for said in found if said is not None and said.shape == shape)


def _score(said: Probabilities, truth: Truth, *, is_loss: bool) -> Float[Array, " n"]:
    """Of every image its log-loss, or 1 for a right answer."""
    if is_loss:
        return image_losses(said, truth)
    return np.asarray(said.argmax(axis=1) == truth, np.float64)
