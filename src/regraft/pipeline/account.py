"""The account of a run: every number, as plain data."""

from collections import Counter
from typing import Any

import numpy as np

from regraft.core.arrays import Probabilities
from regraft.core.hashing import plain
from regraft.data import Dataset
from regraft.evaluation import Evidence, Verdict, verdicts
from regraft.pipeline.climb import Climb
from regraft.pipeline.judging import Candidate
from regraft.pipeline.machine import machine, versions
from regraft.pipeline.model import Model
from regraft.pipeline.relatives_told import related
from regraft.pipeline.run import MOST_SKIPPED_LISTED, now
from regraft.pipeline.scoring import answers_of, details_of, scores_of
from regraft.pipeline.trunk import Trunk


def describe(
    climb: Climb,
    best: Candidate,
    tested: Probabilities | None,
    *,
    unreached: int,
    relatives: dict[str, Any],
) -> dict[str, Any]:
    """Every number of a run as plain data; the keys are documented in `regraft.report.summary`.

    Args:
        climb: with the data, and the time it took.
        best: the candidate that was chosen.
        tested: its probabilities on the test part.
        unreached: images that the budget left no time to look at.
        relatives: what `relatives.described` says of images that belong together.
    """
    images = climb.trunk.images
    validation = best.answers
    test = None if tested is None else answers_of(best.model, tested, images.part("test"))
    evidence = Evidence(
        classes=images.classes,
        train_counts=list(climb.dataset.class_counts.values()),
        validation=validation,
        test=test,
        skipped=len(images.skipped),
        seed=climb.asked.seed,
    )
    return {
        "created": now(),
        "seconds": round(climb.budget.spent_s, 2),
        "images": len(images),
        "skipped": len(images.skipped),
        "skipped_files": plain(images.skipped[:MOST_SKIPPED_LISTED]),
        "unreached": unreached,
        "forward_passes": climb.trunk.forward_passes,
        "classes": list(images.classes),
        "parts": dict(Counter(str(example.part) for example in images.examples)),
        "relatives": relatives,
        "chosen": best.recipe.to_json(),
        "validation": scores_of(validation),
        "test": None if test is None else scores_of(test),
        **details_of(test or validation, images.classes),
        "verdicts": plain([*out_of_time(len(images), unreached), *related(relatives), *verdicts(evidence)]),
        "machine": machine(),
        "versions": versions(),
    }


def predict_part(trunk: Trunk, model: Model, part: Dataset) -> Probabilities:
    """Calibrated probabilities of stored images."""
    if not model.cards:
        return model.probabilities(np.empty((len(part), 0), np.float32))
    if model.recipe.finetune:
        # Nobody has looked at images by a network that was trained only now.
        trunk.look_at(part, model.cards[0].name)
    return model.probabilities(trunk.read(model.representation, part))


def out_of_time(used: int, unreached: int) -> list[Verdict]:
    """What to say when some images were never looked at."""
    if not unreached:
        return []
    sentence = (
        f"The time was enough for {used:,} of {used + unreached:,} images; a larger budget uses more. "
        f"What was computed is kept."
    )
    return [Verdict("budget", "warning", sentence, {"used": used, "unreached": unreached})]
