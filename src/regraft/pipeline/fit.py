"""The main job: a folder of labelled images in, a tested classifier and an account of it out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from regraft.core.arrays import Probabilities
from regraft.core.errors import TrainingError
from regraft.core.hashing import plain, unit_interval
from regraft.data import Dataset, read, require_parts, require_trainable, split
from regraft.evaluation import Answers, Evidence, verdicts
from regraft.features import FeatureStore
from regraft.pipeline.budget import Budget, parse_duration, stop_on_signals
from regraft.pipeline.climb import Candidate, Climb
from regraft.pipeline.ladder import LADDER, Rung, Step, as_asked, climb_ladder
from regraft.pipeline.machine import machine, versions
from regraft.pipeline.model import Model
from regraft.pipeline.recipe import Recipe
from regraft.pipeline.run import MODEL, MOST_SKIPPED_LISTED, Report, Run, claim_folder, finish, now
from regraft.pipeline.scoring import details_of, scores_of
from regraft.pipeline.trials import Trials
from regraft.pipeline.trunk import Trunk

FIRST_LOOK_FRACTION = 0.6
"""Of the budget, for embedding images with the first network; what is not reached by then is left out."""

FINISH_FRACTION = 0.05
"""Of the budget, for what follows the climb: the test, the report, the run folder."""


def fit(
    source: Dataset | Path | str,
    *,
    budget: str | float = "10m",
    out: Path | str | None = None,
    recipe: Recipe | None = None,
    store: FeatureStore | None = None,
) -> Run:
    """Find the best classifier that the budget allows, test it once, and write it down.

    The first Ctrl-C or SIGTERM ends the search and keeps the best so far, tested and written as usual.

    Args:
        source: a folder of class folders, a CSV table, or a data set that was read before.
        budget: how long it may take, such as `90s` or `10m`; it ends earlier when nothing is left to try.
        out: the run folder; by default a new one below `runs/`.
        recipe: what to fix or restrict; what it leaves open is searched. A complete one is just fitted.
        store: where features are kept; by default in the cache folder.

    Raises:
        DataError: the images cannot be used.
        BackboneError: the first network cannot be had.
        ArtifactError: the run folder or the cache cannot be written.
        TrainingError: it was stopped before two classes had images enough.
    """
    clock = Budget(parse_duration(budget), reserve_fraction=FINISH_FRACTION)
    asked = recipe or Recipe()
    dataset = source if isinstance(source, Dataset) else read(source)
    require_trainable(dataset)
    require_parts(dataset)
    folder = claim_folder(dataset.root, out)
    store = store or FeatureStore()
    with stop_on_signals(clock):
        trunk = Trunk(in_random_order(dataset), store, asked.runtime)
        usable = look_first(trunk, asked.backbones[0], clock)
        parts = split(usable, test_fraction=asked.test_fraction, seed=asked.seed)
        trunk.images = parts
        climb = Climb(asked, parts, trunk, clock, trials=Trials())
        steps = [*ascend(climb, folder)]
        return conclude(climb, steps, folder)


def in_random_order(dataset: Dataset) -> Dataset:
    """Sorted by lots drawn from content: what an extraction reaches is a fair sample whenever it ends."""
    lots = [unit_interval(f"order:{example.sha256}") for example in dataset.examples]
    return dataset.select(sorted(range(len(dataset)), key=lots.__getitem__))


def look_first(trunk: Trunk, name: str, clock: Budget) -> Dataset:
    """Embed the images with the first network; returns those it reached and could decode, sorted by path."""
    enough = (1 - FIRST_LOOK_FRACTION) * clock.seconds
    complete, skipped = trunk.extract(name, lambda: not clock.affords(enough))
    usable = trunk.images.without(skipped) if complete else trunk.keep_embedded(name, skipped)
    if not complete:
        usable = drop_small_classes(usable)
    require_trainable(usable)
    return usable.select(sorted(range(len(usable)), key=lambda i: usable.paths[i]))


def drop_small_classes(dataset: Dataset) -> Dataset:
    """Take classes out that an early end left with a single image."""
    counts = dataset.class_counts
    kept = [name for name in dataset.classes if counts[name] > 1]
    if len(kept) < 2:
        raise TrainingError(
            f"The time was up after {len(dataset)} images, before two classes had two images each. What was "
            f"computed is kept: run it again, or with a larger budget."
        )
    numbers = {dataset.classes.index(name): number for number, name in enumerate(kept)}
    examples = [replace(e, label=numbers[e.label]) for e in dataset.examples if e.label in numbers]
    return replace(dataset, classes=tuple(kept), examples=tuple(examples))


def ascend(climb: Climb, folder: Path) -> Sequence[Step]:
    """Climb the ladder and save every model that is adopted: the best so far is always on disk."""
    majority = climb.judge_majority()
    climb.adopt_if_better(majority)
    steps = [
        Step("majority class", 0.0, majority.accuracy, adopted=True, reason=f"log-loss {majority.loss:.3f}")
    ]
    rungs = (Rung("recipe", as_asked),) if climb.asked.is_complete else LADDER
    for step in climb_ladder(climb, rungs):
        steps.append(step)
        if step.adopted and climb.best is not None:
            climb.best.model.save(folder / MODEL)
    return steps


def conclude(climb: Climb, steps: Sequence[Step], folder: Path) -> Run:
    """Open the test part, once, and write the run."""
    best = climb.best
    assert best is not None, "the majority class is always a candidate"
    best.model.save(folder / MODEL)
    test = climb.trunk.images.part("test")
    tested = predict_part(climb.trunk, best.model, test) if len(test) else None
    report = Report(describe(climb, best, tested) | {"run": str(folder), "ladder": plain(steps)})
    finish(folder, report=report, dataset=climb.trunk.images, tested=tested)
    return Run(folder, best.model, report)


def describe(climb: Climb, best: Candidate, tested: Probabilities | None) -> dict[str, Any]:
    """Every number of a run as plain data; the keys are documented in `regraft.report.summary`."""
    images = climb.trunk.images
    validation = Answers(best.probabilities, climb.held_out_labels, climb.held_out_groups)
    test = None
    if tested is not None:
        part = images.part("test")
        test = Answers(tested, part.labels, [example.group for example in part.examples])
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
        "forward_passes": climb.trunk.forward_passes,
        "classes": list(images.classes),
        "parts": dict(Counter(str(example.part) for example in images.examples)),
        "chosen": best.recipe.to_json(),
        "validation": scores_of(validation),
        "test": None if test is None else scores_of(test),
        **details_of(test or validation, images.classes),
        "verdicts": plain(verdicts(evidence)),
        "machine": machine(),
        "versions": versions(),
    }


def predict_part(trunk: Trunk, model: Model, part: Dataset) -> Probabilities:
    """Calibrated probabilities of stored images."""
    if not model.cards:
        return model.probabilities(np.empty((len(part), 0), np.float32))
    return model.probabilities(trunk.read(model.recipe.representation, part))
