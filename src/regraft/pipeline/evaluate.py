"""Measure a model on labelled images, and say so if it has seen some of them."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from regraft.core.errors import DataError, did_you_mean
from regraft.core.hashing import plain
from regraft.data import Dataset, DataSource, read
from regraft.features import FeatureStore, extract
from regraft.features import read as read_features
from regraft.pipeline.budget import Budget
from regraft.pipeline.model import Model, load
from regraft.pipeline.run import DATA, MOST_SKIPPED_LISTED
from regraft.pipeline.scoring import answers_of, details_of, scores_of

FOREVER_S = 1e12


def evaluate(
    model: Model | Path | str, source: DataSource, *, store: FeatureStore | None = None
) -> dict[str, Any]:
    """Every metric of a model on labelled images, as plain data.

    Args:
        model: a model, or a run's folder; a run also knows which images it was trained on.
        source: labelled images whose classes the model knows, maybe not all of them.
        store: where features are kept; by default in the cache folder.

    Returns:
        `images, skipped, skipped_files, forward_passes, seconds, seen_in_training, classes, metrics,
        per_class, confusion`. `seen_in_training` is None for a model that is no run.

    Raises:
        DataError: a class is unknown to the model, or no image can be used.
        ArtifactError: there is no model.
    """
    clock = Budget(FOREVER_S)
    fitted = model if isinstance(model, Model) else load(model)
    dataset = relabelled(read(source), fitted.classes)
    store = store or FeatureStore()
    passes = 0
    for backbone in fitted.backbones:
        done = extract(dataset, backbone, store)
        passes += done.forward_passes
        dataset = dataset.without(done.skipped)
    if not len(dataset):
        raise DataError(f"No image in {dataset.root} can be used.")
    hashes = [example.sha256 for example in dataset.examples]
    if fitted.cards:
        networks = dict(zip(fitted.representation.backbones, fitted.backbones, strict=True))
        features = read_features(fitted.representation, networks, store, hashes)
    else:
        features = np.empty((len(dataset), 0), np.float32)
    answers = answers_of(fitted, fitted.probabilities(features), dataset)
    seen = None if isinstance(model, Model) else _trained_on(Path(model))
    return {
        "images": len(dataset),
        "skipped": len(dataset.skipped),
        "skipped_files": plain(dataset.skipped[:MOST_SKIPPED_LISTED]),
        "forward_passes": passes,
        "seconds": round(clock.spent_s, 2),
        "seen_in_training": None if seen is None else sum(sha in seen for sha in hashes),
        "classes": list(fitted.classes),
        "metrics": scores_of(answers),
        **details_of(answers, fitted.classes),
    }


def relabelled(dataset: Dataset, classes: Sequence[str]) -> Dataset:
    """The same images with labels that count the model's classes.

    Raises:
        DataError: a class is not one of the model's.
    """
    numbers = {name: number for number, name in enumerate(classes)}
    unknown = [name for name, count in dataset.class_counts.items() if count and name not in numbers]
    if unknown:
        raise DataError(
            f"The model does not know the class {unknown[0]!r}, which {dataset.root} has"
            f"{f' (and {len(unknown) - 1} more such classes)' if len(unknown) > 1 else ''}. "
            f"{did_you_mean(unknown[0], classes)}"
        )

    def known(label: int) -> int:
        return numbers[dataset.classes[label]]

    examples = (
        replace(e, label=known(e.label) if e.label >= 0 else e.label, labels=(*sorted(map(known, e.labels)),))
        for e in dataset.examples
    )
    return replace(dataset, classes=tuple(classes), examples=tuple(examples))


def _trained_on(run: Path) -> set[str] | None:
    """SHA-256 of the images that a run learnt from, where it says so."""
    try:
        with (run / DATA).open(newline="", encoding="utf-8", errors="surrogateescape") as stream:
            return {row["sha256"] for row in csv.DictReader(stream) if row["split"] != "test"}
    except (OSError, KeyError):
        return None
