"""The best trial of a search against the blend of its trials, on images that neither had any part in.

The folds of each data set's images for learning take turns: a search of 60 trials (TPE, without the rules of
thumb) runs on the others, each trial cross-validated, and what it delivers, the best linear head or the blend
where that is taken, is judged on the fold left out. Test parts are not read.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ratios import mean_difference
from benchmarks.search_samplers import space_searched
from benchmarks.search_task import NETWORK, SearchTask, small_tasks
from regraft.backbones import load
from regraft.evaluation import Answers, softmax
from regraft.features import Representation, fit_affine
from regraft.heads.selection import tempered_log_loss
from regraft.pipeline.tuning.averaging import best_alone, drawn, is_worse, judged_by_others
from regraft.pipeline.tuning.blending import parts_of
from regraft.search.held_out import Task, steps
from regraft.search.study import Settings, open_study
from regraft.search.trial import Asked, Outcome, Trial
from regraft.search.work import Report, work

TRIALS, TURNS = 60, 3


def run(data: Path | None, quick: bool) -> dict[str, Any]:
    """Accuracy and log-loss of both, and how often the blend was taken."""
    if data is None:
        return {"skipped": "needs the data sets"}
    rows = []
    for name, task in small_tasks(data, quick=quick):
        rows += [{"set": name, "turn": turn, **row_of(task, turn)} for turn in range(1 if quick else TURNS)]
        print("   ", rows[-1], flush=True)
    return {"trials": TRIALS, **summary(rows), "rows": rows}


def row_of(task: SearchTask, turn: int) -> dict[str, Any]:
    """One search, and what came of it."""
    out = task.folds == turn
    known, folds, truth = ~out, task.folds[~out], task.labels[~out]

    @cache
    def features(depths: Any, scaling: Any) -> np.ndarray:
        raw = task.features(depths)
        one = Representation((NETWORK,), depths, scaling)
        return np.asarray(fit_affine(one, [load(NETWORK).card], raw[known])(raw), np.float32)

    space = space_searched()
    study = open_study(space, name="b", storage=None, settings=Settings("tpe", seed=300 + turn))
    said: dict[int, np.ndarray] = {}

    def evaluate(asked: Asked, report: Report) -> Outcome:
        rows = features(asked.values["depths"], asked.values["scaling"])[known]
        *_, scores = steps(space.head(asked.values), Task(rows, truth, task.class_count, (folds,)))
        loss, temperature = tempered_log_loss(scores, truth)
        said[asked.number] = np.log(np.clip(softmax(scores.astype(np.float64), temperature), 1e-7, 1))
        return Outcome(loss, {"temperature": temperature})

    work(study, evaluate, should_stop=lambda: False, most=TRIALS)
    best = min((t for t in study.trials if t.value is not None), key=lambda trial: trial.value)
    pool = parts_of(study.trials, best)
    logits = np.stack([said[trial.number] for trial in pool])

    def answered(trial: Trial) -> np.ndarray:
        rows = features(trial.values["depths"], trial.values["scaling"])
        fitted = space.head(trial.values).fit(rows[known], truth, class_count=task.class_count)
        return np.asarray(fitted.scores(rows[out]) / trial.details["temperature"], np.float64)

    shares = drawn(logits, truth, None)
    loss, temperature = tempered_log_loss(np.tensordot(shares, logits, 1), truth)
    chosen = [(share, answered(trial)) for share, trial in zip(shares, pool, strict=True) if share]
    blend = sum(share * scores for share, scores in chosen) / temperature
    single = answered(best)
    average, alone = (
        judged_by_others(choose, logits, truth, None, groups=[""] * len(truth), seed=0)
        for choose in (drawn, best_alone)
    )
    harms = is_worse(average, alone, groups=[""] * len(truth), seed=0)
    is_better = bool(np.count_nonzero(shares) > 1 and loss < best.value)
    taken = is_better and not harms
    # What a stricter rule would have taken: where images that had no say speak for it, be it by chance.
    spoken_for = is_better and bool(average.mean() < alone.mean())
    row: dict[str, Any] = {
        "taken": taken,
        "parts": int(np.count_nonzero(shares)),
        "best": best.values["head.kind"],
    }
    chosen_by = {"delivered": taken, "spoken for": spoken_for}
    answered_by = {name: blend if is_taken else single for name, is_taken in chosen_by.items()}
    for name, scores in ({"single": single, "blend": blend} | answered_by).items():
        answers = Answers(softmax(scores), task.labels[out])
        row |= {f"{name} accuracy": float(answers.right.mean()), f"{name} loss": float(answers.losses.mean())}
    return row


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Differences of the means of sets, with intervals over sets."""
    sets = sorted({row["set"] for row in rows})

    def means(name: str) -> list[float]:
        return [float(np.mean([row[name] for row in rows if row["set"] == each])) for each in sets]

    found: dict[str, Any] = {"taken": float(np.mean([row["taken"] for row in rows])), "n": len(sets)}
    for name in ("blend", "delivered", "spoken for"):
        relative = np.divide(means(f"{name} loss"), means("single loss"))
        found[name] = {
            "accuracy gained": mean_difference(means(f"{name} accuracy"), means("single accuracy")),
            "log-loss, relative": mean_difference(relative, np.ones(len(sets))),
            "sets of lower log-loss": int((relative < 1).sum()),
        }
    return found
