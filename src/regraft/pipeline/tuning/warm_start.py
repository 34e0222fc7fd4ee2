"""What earlier searches found, tried early in a new one; and what this one found, kept for later ones."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from regraft.core.files import cache_folder
from regraft.core.hashing import fingerprint
from regraft.features import width
from regraft.pipeline.climb import Climb
from regraft.search import Trial
from regraft.search.past import About, Past, marks_of, proposals, remember, remembered

if TYPE_CHECKING:
    from regraft.search.study import Study

MOST_PROPOSED = 5
MOST_SHARE = 0.25
"""Of the trials, where their number is given."""

ORIGIN = "past search"


def record_of(climb: Climb, study: str, *, score: str) -> Past:
    """A record without any point yet: the search's name, and its data as far as others may know it.

    Args:
        climb: with the baselines, and nothing else, tried.
        study: its name.
        score: what is made small.
    """
    truth, best, nothing = climb.truth, climb.best, climb.judge_majority()
    counts = truth.sum(axis=0) if truth.ndim == 2 else np.bincount(truth, minlength=climb.class_count)
    shares = counts[counts > 0] / max(counts.sum(), 1)
    evenness = -(shares * np.log(shares)).sum() / max(np.log(len(counts)), 1e-9)
    about = About(
        images=len(climb.dataset),
        classes=climb.class_count,
        width=width([climb.trunk.backbone(climb.asked.backbones[0]).card], climb.asked.depths or "last"),
        balance=round(float(evenness), 4),
        probe=1.0 if best is None else round(best.loss / max(nothing.loss, 1e-9), 4),
        several=truth.ndim == 2,
    )
    # However they are split: what was chosen on images that are sealed by now is not to be begun with.
    marks = marks_of(example.sha256 for example in climb.trunk.images.examples)
    return Past(study, marks, score, about, ())


def propose_past(study: "Study", new: Past, trials: int | None) -> list[dict[str, Any]]:
    """Ask early for what was best on the most alike data sets; returns the points, and where each came from.

    What the first process found worth it stays so for the whole study, whatever is searched meanwhile.
    """
    if study.settings.sampler == "grid":
        return []
    count = MOST_PROPOSED if trials is None else min(MOST_PROPOSED, int(MOST_SHARE * trials))
    found: list[dict[str, Any]] = study.agree("past", lambda: _found(study, new, count))
    for each in found:
        study.propose(each["values"], origin=f"{ORIGIN} {each['study']}")
    return found


def keep_for_later(new: Past, trials: Sequence[Trial]) -> None:
    """Keep what this search found."""
    remember(new, trials, _folder())


def told(proposed: Sequence[dict[str, Any]], trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """Where points came from, with the numbers of the trials they became; None if not asked for yet."""
    numbers = {trial.key: trial.number for trial in trials}
    return [
        {name: value for name, value in each.items() if name != "values"}
        | {"trial": numbers.get(fingerprint(each["values"]))}
        for each in proposed
    ]


def _found(study: "Study", new: Past, count: int) -> list[dict[str, Any]]:
    return [
        {
            "study": one.past.study,
            "about": asdict(one.past.about),
            "distance": round(one.distance, 3),
            "values": one.values,
        }
        for one in proposals(remembered(_folder()), new, study.space, count=count)
    ]


def _folder() -> Path:
    return cache_folder() / "searches"
