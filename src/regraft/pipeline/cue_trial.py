"""The images that cues are judged on, and what a small forest says of those it has not seen."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Features, Folds, Labels
from regraft.core.hashing import unit_interval
from regraft.core.seeds import generator
from regraft.core.threads import in_parallel
from regraft.data import Dataset, Example, Seen, folds, units
from regraft.evaluation import Answers
from regraft.pipeline.cues import Column, columns

MOST_IMAGES = 3000
MOST_CLASSES = 50
FEWEST_UNITS = 5
TREES = 16


@dataclass(frozen=True, eq=False)
class CueTrial:
    """The images that are judged: their cues, labels 0 .. k - 1, independent units, and folds."""

    cues: dict[str, Column]
    labels: Labels
    classes: tuple[str, ...]
    units: Labels
    folds: Folds


def cue_trial(dataset: Dataset, seen: Sequence[Seen]) -> CueTrial | None:
    """Choose images and deal them to folds; None where there are too few, or several labels per image."""
    if dataset.is_multilabel or not len(dataset):
        return None
    examples = tuple(
        # Equal pixels are one picture, and given parts have no say in how cues are judged.
        replace(example, sha256=one.pixels, part=None)
        for example, one in zip(dataset.examples, seen, strict=True)
    )
    chosen = _chosen(replace(dataset, examples=examples))
    if len({examples[i].label for i in chosen}) < 2:
        return None
    judged = replace(dataset, examples=tuple(examples[i] for i in chosen))
    present, labels = np.unique(judged.labels, return_inverse=True)
    unit = np.empty(len(judged), np.int64)
    for number, one in enumerate(units(judged)):
        unit[list(one.members)] = number
    return CueTrial(
        columns([seen[i] for i in chosen]),
        labels.astype(np.int64),
        tuple(dataset.classes[c] for c in present.tolist()),
        unit,
        folds(judged),
    )


def _chosen(dataset: Dataset) -> list[int]:
    """Which images are judged: equally many of each class, by a lot that does not depend on the others."""
    independent: dict[int, set[str]] = {}
    for example in dataset.examples:
        independent.setdefault(example.label, set()).add(example.group or example.sha256)
    able = [label for label, found in independent.items() if len(found) >= FEWEST_UNITS]
    kept = sorted(able, key=lambda label: (-len(independent[label]), label))[:MOST_CLASSES]
    left = dict.fromkeys(kept, MOST_IMAGES // max(len(kept), 1))
    chosen = []
    for i in sorted(range(len(dataset)), key=lambda i: _lot(dataset.examples[i])):
        label = dataset.examples[i].label
        if left.get(label, 0) > 0:
            left[label] -= 1
            chosen.append(i)
    return sorted(chosen)


def _lot(example: Example) -> tuple[float, str]:
    return unit_interval(f"shortcut:{example.sha256}"), str(example.path)


def held_out(trial: CueTrial, cues: Sequence[str]) -> Answers:
    """What a forest that has not seen an image, nor any of its group, says of it."""
    matrix = np.stack([trial.cues[cue] for cue in cues], axis=1).astype(np.float32)
    probabilities = np.zeros((len(trial.labels), len(trial.classes)))
    numbers = np.unique(trial.folds).tolist()
    parts = in_parallel(lambda fold: _answer(matrix, trial, fold), numbers)
    for fold, part in zip(numbers, parts, strict=True):
        probabilities[trial.folds == fold] = part
    return Answers(probabilities, trial.labels, trial.units.astype(str))


def _answer(matrix: Features, trial: CueTrial, fold: int) -> Float[Array, "held k"]:
    """The mean of trees, each grown on a resample in which every class weighs the same.

    scikit-learn's own forest swaps the warning filters of the whole process, which threads must not do. Its
    checks of what it is given take as long as growing a tree on some hundred images, and are left out.
    """
    from sklearn.tree import DecisionTreeClassifier

    held = trial.folds == fold
    labels, known = trial.labels[~held], matrix[~held]
    counts = np.bincount(labels)
    # A leaf that holds a few images cannot learn one of them by heart.
    leaf = int(np.clip(np.bincount(trial.labels).min() // 5, 2, 20))
    random = generator(fold, "cue trial")
    found = np.zeros((int(held.sum()), len(trial.classes)))
    for _ in range(TREES):
        drawn = np.bincount(random.integers(0, len(labels), len(labels)), minlength=len(labels))
        tree = DecisionTreeClassifier(min_samples_leaf=leaf, random_state=int(random.integers(2**31)))
        tree.fit(known, labels, sample_weight=drawn / counts[labels], check_input=False)
        found[:, tree.classes_] += tree.predict_proba(matrix[held], check_input=False) / TREES
    return found


def relabelled(trial: CueTrial, seed: int) -> CueTrial:
    """The same images with labels that mean nothing: those of whole units, dealt to other units."""
    firsts = np.unique(trial.units, return_index=True)[1]
    dealt = generator(seed, "shortcuts").permutation(trial.labels[firsts])
    return replace(trial, labels=dealt[np.unique(trial.units, return_inverse=True)[1]])
