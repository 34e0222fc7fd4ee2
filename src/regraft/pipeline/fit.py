"""The main job: a folder of labelled images in, a tested classifier and an account of it out."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from regraft.core.artifact import MODEL
from regraft.core.errors import TrainingError
from regraft.core.hashing import plain, unit_interval
from regraft.data import (
    Dataset,
    DataSource,
    Relatives,
    keep_together,
    path_of,
    read,
    require_every_file,
    require_parts,
    require_trainable,
    split,
    untangled,
    without_leaks,
)
from regraft.features import FeatureStore
from regraft.pipeline.account import describe, predict_part
from regraft.pipeline.budget import Budget, parse_duration, stop_on_signals
from regraft.pipeline.climb import Climb
from regraft.pipeline.judging import require_suitable
from regraft.pipeline.ladder import Step, climb_ladder, rungs_for
from regraft.pipeline.model import kept
from regraft.pipeline.recipe import Recipe
from regraft.pipeline.relatives import find_relatives
from regraft.pipeline.relatives_told import described
from regraft.pipeline.run import Report, Run, claim_folder, finish
from regraft.pipeline.trials import Trials
from regraft.pipeline.trunk import Trunk

FIRST_LOOK_FRACTION = 0.6
"""Of the time left once the first network is loaded, for embedding images; the rest of them is left out."""

CLIMB_FRACTION = 0.15
"""Of the budget, that the search for near copies leaves for the climb, however slow the machine."""

FINISH_FRACTION = 0.05
"""Of the budget, for what follows the climb: the test, the report, the run folder."""


def fit(
    source: DataSource,
    *,
    budget: str | float = "10m",
    out: Path | str | None = None,
    recipe: Recipe | None = None,
    store: FeatureStore | None = None,
    strict: bool = False,
) -> Run:
    """Find the best classifier that the budget allows, test it once, and write it down.

    The first Ctrl-C or SIGTERM ends the search and keeps the best so far, tested and written as usual.

    Args:
        source: whatever `read` takes: a folder, a table, an archive, a data set.
        budget: how long it may take, such as `90s` or `10m`; it ends earlier when nothing is left to try.
        out: the run folder; by default a new one below `runs/`.
        recipe: what to fix or restrict; what it leaves open is searched. A complete one is just fitted.
        store: where features are kept; by default in the cache folder.
        strict: refuse to go on when a file cannot be used, in place of listing it as skipped.

    Raises:
        DataError: the images cannot be used; one of them, if `strict`.
        BackboneError: the first network cannot be had.
        ArtifactError: the run folder or the cache cannot be written.
        TrainingError: it was stopped before two classes had images enough.
    """
    clock = Budget(parse_duration(budget), reserve_fraction=FINISH_FRACTION)
    asked = recipe or Recipe()
    dataset = read(source)
    if strict:
        require_every_file(dataset)
    require_trainable(dataset)
    require_parts(dataset)
    require_suitable(asked, dataset)
    folder = claim_folder(path_of(source) or dataset, out)
    with stop_on_signals(clock):
        trunk = Trunk(in_random_order(dataset), store or FeatureStore(), asked.runtime)
        climb, found = begin(asked, trunk, clock, strict=strict)
        steps = [*ascend(climb, folder)]
        return conclude(climb, steps, folder, found)


def begin(
    asked: Recipe, trunk: Trunk, clock: Budget, *, strict: bool = False
) -> tuple[Climb, dict[str, Any]]:
    """Embed the images, join what belongs together, and split; returns the foot of a climb.

    Beside it stands what a report says of the images: those that were not reached, and relatives.

    Raises:
        DataError: a file cannot be used, if `strict`.
        TrainingError: it was stopped before two classes had images enough.
    """
    looked = looked_at(trunk.images)
    usable = look_first(trunk, asked.backbones[0], clock)
    if strict:
        require_every_file(usable)
    related, relatives = join_relatives(usable, trunk, asked, clock)
    parts = split(related, test_fraction=asked.test_fraction, by=asked.test_by, seed=asked.seed)
    trunk.images = parts
    climb = Climb(asked, parts, trunk, clock, trials=Trials())
    return climb, {"unreached": looked - looked_at(usable), "relatives": relatives}


def in_random_order(dataset: Dataset) -> Dataset:
    """Sorted by lots drawn from content: what an extraction reaches is a fair sample whenever it ends."""
    lots = [unit_interval(f"order:{example.sha256}") for example in dataset.examples]
    return dataset.select(sorted(range(len(dataset)), key=lots.__getitem__))


def look_first(trunk: Trunk, name: str, clock: Budget) -> Dataset:
    """Embed the images with the first network; returns those it reached and could decode, sorted by path."""
    trunk.backbone(name)  # Converting it, the first time on a machine, takes nothing from the images' share.
    enough = (1 - FIRST_LOOK_FRACTION) * clock.left_s
    complete, skipped = trunk.extract(name, lambda: not clock.affords(enough))
    usable = trunk.images.without(skipped) if complete else trunk.keep_embedded(name, skipped)
    if not complete:
        usable = drop_small_classes(usable)
    require_trainable(usable)
    return usable.select(sorted(range(len(usable)), key=lambda i: usable.paths[i]))


def join_relatives(
    usable: Dataset, trunk: Trunk, asked: Recipe, clock: Budget
) -> tuple[Dataset, dict[str, Any]]:
    """Put into one group what no split may tear apart; returns the data, and what was found."""
    relatives = Relatives(looked=False)
    if asked.together == "auto":
        backbone = trunk.backbone(asked.backbones[0])
        relatives = find_relatives(
            usable,
            trunk.store,
            backbone,
            budget_s=clock.seconds,
            should_stop=lambda: not clock.affords(CLIMB_FRACTION * clock.seconds),
        )
    untied, used = untangled(usable, relatives)
    regrouped = sum(
        e.group != before.group for e, before in zip(untied.examples, usable.examples, strict=True)
    )
    related = keep_together(untied, used)
    removed = 0
    if asked.fix_leaks:
        related, removed = without_leaks(related)
        require_trainable(related)
    told = described(used, related, leaks_removed=removed)
    tangled = len(relatives.copies) - len(used.copies)
    return related, told | {"tangled": tangled, "regrouped": regrouped}


def drop_small_classes(dataset: Dataset) -> Dataset:
    """Take classes out that an early end left with a single image, or labels that all but one image have."""
    counts = dataset.class_counts
    most = len(dataset) - 2 if dataset.is_multilabel else len(dataset)
    kept = [name for name in dataset.classes if 2 <= counts[name] <= most]
    if len(kept) < (1 if dataset.is_multilabel else 2):
        raise TrainingError(
            f"The time was up after {len(dataset)} images, before two classes had two images each. What was "
            f"computed is kept: run it again, or with a larger budget."
        )
    numbers = {dataset.classes.index(name): number for number, name in enumerate(kept)}
    numbers[-1] = -1  # The label of images that have several.
    examples = [
        replace(e, label=numbers[e.label], labels=tuple(numbers[c] for c in e.labels if c in numbers))
        for e in dataset.examples
        if e.label in numbers
    ]
    return replace(dataset, classes=tuple(kept), examples=tuple(examples))


def ascend(climb: Climb, folder: Path) -> Sequence[Step]:
    """Climb the ladder and save every model that is adopted: the best so far is always on disk."""
    name = "label frequencies" if climb.dataset.is_multilabel else "majority class"
    nothing = climb.judge_majority()
    climb.adopt_if_better(nothing)
    steps = [Step(name, 0.0, nothing.score, adopted=True, reason=f"log-loss {nothing.loss:.3f}")]
    for step in climb_ladder(climb, rungs_for(climb.asked)):
        steps.append(step)
        if step.adopted and climb.best is not None:
            climb.best = replace(climb.best, model=kept(climb.best.model, folder / MODEL))
    return steps


def looked_at(dataset: Dataset) -> int:
    """Images that were used or found to be unusable."""
    return len(dataset) + len(dataset.skipped)


def conclude(
    climb: Climb,
    steps: Sequence[Step],
    folder: Path,
    found: dict[str, Any],
    more: dict[str, Any] | None = None,
) -> Run:
    """Open the test part, once, and write the run.

    Args:
        climb: with its best.
        steps: what was tried.
        folder: as `claim_folder` gave it.
        found: what `begin` said of the images.
        more: what the report is to hold besides.
    """
    best = climb.best
    assert best is not None, "the majority class is always a candidate"
    best.model.save(folder / MODEL)
    test = climb.trunk.images.part("test")
    tested = predict_part(climb.trunk, best.model, test) if len(test) else None
    account = describe(climb, best, tested, **found)
    report = Report(account | {"run": str(folder), "ladder": plain(steps)} | (more or {}))
    said = None if tested is None else [*best.model.named(tested)]
    finish(folder, report=report, dataset=climb.trunk.images, tested=said)
    return Run(folder, best.model, report)
