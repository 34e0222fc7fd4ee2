"""The best of a population against averages of its best heads, on images that chose none of them.

256 heads of the product's own draws on the last depth of lite0, standardised, of each data set. The folds
take turns: one is held out to choose by, another to judge by, the rest train. Test parts are not read.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ratios import mean_difference
from benchmarks.search_task import NETWORK, SearchTask, small_tasks
from regraft.backbones import load
from regraft.evaluation import Answers, fit_temperature, softmax
from regraft.features import Representation, fit_affine
from regraft.heads import Examples, Linear, Schedule, sample_members, train_population
from regraft.heads.member import Criterion

MEMBERS, EPOCHS, HALVINGS = 256, 30, (1, 2, 4, 8, 16)
TURNS = 5
CRITERIA: tuple[Criterion, ...] = ("accuracy", "loss")


def run(data: Path | None, quick: bool) -> dict[str, Any]:
    """Accuracy and calibrated log-loss of both, by what the best is chosen by."""
    if data is None:
        return {"skipped": "needs the data sets"}
    rows = []
    for name, task in small_tasks(data, quick=quick):
        rows += [{"set": name, **row} for row in rows_of(task, quick)]
    return {"members": MEMBERS, "turns": 1 if quick else TURNS} | summary(rows) | {"rows": rows}


def rows_of(task: SearchTask, quick: bool) -> list[dict[str, Any]]:
    """One row for every turn and criterion."""
    raw = task.features("last")
    one = Representation((NETWORK,), "last", "feature")
    features = np.asarray(fit_affine(one, [load(NETWORK).card], raw)(raw), np.float32)
    return [
        {"turn": turn, "criterion": criterion, **row_of(task, features, turn, criterion)}
        for turn in range(1 if quick else TURNS)
        for criterion in CRITERIA
    ]


def row_of(task: SearchTask, features: np.ndarray, turn: int, criterion: Criterion) -> dict[str, float]:
    judged, chosen_by = task.folds == turn, task.folds == (turn + 1) % (task.folds.max() + 1)
    folds = np.where(chosen_by, 0, -1)[~judged]
    examples = Examples(features[~judged], task.labels[~judged], task.class_count, folds)
    schedule = Schedule(EPOCHS, HALVINGS, criterion=criterion, seed=100 + turn)
    population = train_population(sample_members(MEMBERS, 100 + turn), examples, schedule=schedule)
    row: dict[str, float] = {"trained on": int((folds < 0).sum()), "judged on": int(judged.sum())}
    chosen = features[chosen_by], task.labels[chosen_by]
    heads = {
        "best": population.classifier(population.best),
        "soup": population.soup(),
        "greedy": population.greedy_soup(*chosen),
    }
    for name, head in heads.items():
        answers = answers_of(head, features, task.labels, chosen_by, judged)
        row |= {f"{name} accuracy": float(answers.right.mean()), f"{name} loss": float(answers.losses.mean())}
    return row


def answers_of(
    head: Linear, features: np.ndarray, labels: np.ndarray, chosen_by: np.ndarray, judged: np.ndarray
) -> Answers:
    """Of the images judged by, calibrated on those chosen by."""
    temperature = fit_temperature(head.scores(features[chosen_by]), labels[chosen_by])
    return Answers(softmax(head.scores(features[judged]), temperature), labels[judged])


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Differences of the means of sets, with intervals over sets."""
    found: dict[str, Any] = {}
    for criterion in CRITERIA:
        means = means_of_sets([row for row in rows if row["criterion"] == criterion])
        found[f"by {criterion}"] = {
            **{name: float(means[name].mean()) for name in ("best accuracy", "best loss")},
            **{soup: against_best(means, soup) for soup in ("soup", "greedy")},
        }
    return found


def means_of_sets(rows: Sequence[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Of every accuracy and loss, the mean of each set's rows."""
    sets = [[row for row in rows if row["set"] == each] for each in sorted({row["set"] for row in rows})]
    names = [name for name in rows[0] if name.endswith(("accuracy", "loss"))]
    return {name: np.array([np.mean([row[name] for row in own]) for own in sets]) for name in names}


def against_best(means: Mapping[str, np.ndarray], soup: str) -> dict[str, Any]:
    """An average of heads less the best alone: means of sets."""
    relative = means[f"{soup} loss"] / means["best loss"]
    return {
        "accuracy": float(means[f"{soup} accuracy"].mean()),
        "loss": float(means[f"{soup} loss"].mean()),
        "accuracy gained": mean_difference(means[f"{soup} accuracy"], means["best accuracy"]),
        "loss, relative": mean_difference(relative, np.ones(len(relative))),
        "sets of lower loss": int((relative < 1).sum()),
    }
