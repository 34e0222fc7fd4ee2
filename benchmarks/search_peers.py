"""The other side of `search`: Optuna over scikit-learn's heads, as somebody who knows both would write it.

Run as a process of its own: `python -m benchmarks.search_peers TASK SAMPLER SECONDS LOG`. One line of the log
per trial; their clock starts when everything is imported and loaded, ours when its process starts.
"""

import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.search_task import SearchTask, fresh_loss, open_task
from regraft.heads.selection import accuracy, held_out_loss

HEADS = ("logistic", "linear_svm", "svm", "neighbours", "ridge", "lda")
DEPTHS = ("last", "all")
"""Not the grid: with five thousand columns a linear support vector machine takes minutes for a trial."""

FIRST = {"head": "logistic", "depths": "last", "standardise": True, "logistic_c": 0.01}
"""What anybody would try first. Without it 43 classes had no answer after 90 s (support vectors)."""

LEAST_PROBABILITY = 1e-3
"""Votes of no neighbour at all: their logarithm has to be something."""


def main(words: list[str]) -> None:
    import optuna

    folder, name, seconds, log = words
    task = open_task(Path(folder))
    known = {depths: task.features(depths) for depths in DEPTHS}
    # Of equal seeds both would begin with the same ten points.
    samplers = {"tpe": optuna.samplers.TPESampler(seed=0), "random": optuna.samplers.RandomSampler(seed=1)}
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    study = optuna.create_study(sampler=samplers[name])
    study.enqueue_trial(FIRST)
    model({"head": "ridge", "own": {}, "standardise": True}, known["last"])  # What is imported on first use.
    started_s, used_s = time.monotonic(), time.process_time()

    def objective(trial: Any) -> float:
        point = suggested(trial)
        scores = cross_validated(task, known[point["depths"]], point, task.folds)
        loss, validation = held_out_loss(scores, task.labels), 100 * accuracy(scores, task.labels)
        line = {"at_s": time.monotonic() - started_s, "cpu_s": time.process_time() - used_s, "value": loss}
        line |= {"validation": validation, "point": point}
        with Path(log).open("a") as stream:
            stream.write(json.dumps(line) + "\n")
        return loss

    study.optimize(objective, timeout=float(seconds), catch=(ValueError, np.linalg.LinAlgError))


def suggested(trial: Any) -> dict[str, Any]:
    """A point of the usual space. Discriminant analysis gets the last depth: its matrices are [d, d]."""
    head = trial.suggest_categorical("head", HEADS)
    point = {"head": head, "depths": "last", "standardise": True}
    if head != "lda":
        point["depths"] = trial.suggest_categorical("depths", DEPTHS)
        point["standardise"] = trial.suggest_categorical("standardise", (True, False))
    match head:
        case "logistic":
            own = {"C": trial.suggest_float("logistic_c", 1e-5, 1e2, log=True)}
        case "linear_svm":
            own = {"C": trial.suggest_float("linear_svm_c", 1e-6, 1e1, log=True)}
        case "svm":
            own = {
                "C": trial.suggest_float("svm_c", 1e-1, 1e3, log=True),
                "gamma": trial.suggest_float("svm_gamma", 1e-2, 1e2, log=True),
            }
        case "neighbours":
            own = {
                "n_neighbors": trial.suggest_int("neighbours", 1, 50, log=True),
                "weights": trial.suggest_categorical("weights", ("uniform", "distance")),
                "metric": trial.suggest_categorical("metric", ("cosine", "euclidean")),
            }
        case "ridge":
            own = {"alpha": trial.suggest_float("alpha", 1e-2, 1e6, log=True)}
        case _:
            own = {"shrinkage": trial.suggest_float("shrinkage", 0.0, 1.0)}
    return {**point, "own": own}


def model(point: dict[str, Any], features: np.ndarray) -> Any:
    """A pipeline of scikit-learn. `gamma` is in units of its default, 1 / (d times the variance)."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.linear_model import LogisticRegression, RidgeClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC, LinearSVC

    own = dict(point["own"])
    if point["head"] == "svm":
        variance = 1.0 if point["standardise"] else float(features.var())
        own["gamma"] /= features.shape[1] * variance
    makers = {
        "logistic": lambda: LogisticRegression(**{"max_iter": 1000, **own}),
        "linear_svm": lambda: LinearSVC(**own, tol=1e-3, max_iter=300),
        "svm": lambda: SVC(**own),
        "neighbours": lambda: KNeighborsClassifier(**own),
        "ridge": lambda: RidgeClassifier(**own),
        "lda": lambda: LinearDiscriminantAnalysis(solver="lsqr", **own),
    }
    head = makers[point["head"]]()
    return make_pipeline(StandardScaler(), head) if point["standardise"] else head


def cross_validated(
    task: SearchTask, features: np.ndarray, point: dict[str, Any], folds: np.ndarray
) -> np.ndarray:
    """Held-out scores [n, k]."""
    scores = np.full((len(task.labels), task.class_count), np.nan, np.float32)
    for number in np.unique(folds[folds >= 0]):
        out = folds == number
        fitted = model(point, features[~out]).fit(features[~out], task.labels[~out])
        scores[out] = scores_of(fitted, features[out], task.class_count)
    return scores


def scores_of(fitted: Any, features: np.ndarray, class_count: int) -> np.ndarray:
    """Scores whose softmax, at some temperature, are probabilities; classes that were not seen never win."""
    if hasattr(fitted, "decision_function"):
        found = np.asarray(fitted.decision_function(features))
        if found.ndim == 1:
            found = np.stack([-found, found], axis=1) / 2
    else:
        found = np.log(np.maximum(fitted.predict_proba(features), LEAST_PROBABILITY))
    scores = np.full((len(features), class_count), found.min() - 1.0, np.float32)
    scores[:, fitted.classes_] = found
    return scores


def delivered(task: SearchTask, point: dict[str, Any]) -> dict[str, float]:
    """The test accuracy, in %, of a point fitted to all images for learning; its log-loss on fresh folds."""
    features, test = task.features(point["depths"]), task.features(point["depths"], "test")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = model(point, features).fit(features, task.labels)
        fresh = fresh_loss(task, lambda dealt: cross_validated(task, features, point, dealt))
    scores = scores_of(fitted, test, task.class_count)
    return {"test": 100 * accuracy(scores, task.test_labels), "fresh": fresh}


if __name__ == "__main__":
    main(sys.argv[1:])
