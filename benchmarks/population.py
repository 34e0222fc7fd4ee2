"""256 linear heads, trained as one computation and one after the other with a plain torch loop.

Both sides run in one process on the same features, settings, mini-batches and epochs. The plain loop is timed
on some members in full and scaled to all of them; how many is part of the result.

    python benchmarks/population.py --members 256 --timed 32
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from benchmarks.population_optuna import made_features, train_alone
from regraft.heads import Examples, Linear, Ridge, Schedule, sample_members, train_population
from regraft.heads.member import Course

TARGET, HALVING_TARGET = 8.0, 40.0
TEST_EXAMPLES = 2000
T = TypeVar("T")
HALVINGS = (1, 2, 4, 8, 16)


def cross_validated(examples: Examples) -> Linear:
    """scikit-learn's LogisticRegressionCV, fitted to the same rows and judged on the same held-out rows."""
    from sklearn.linear_model import LogisticRegressionCV

    parts = [(np.flatnonzero(examples.folds < 0), np.flatnonzero(examples.folds >= 0))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        head = LogisticRegressionCV(Cs=np.logspace(-6, 0, 13), cv=parts, max_iter=300, refit=False)
        head.fit(examples.features, examples.labels)
    return Linear(head.coef_.T, head.intercept_)


def run(data: Path | None, quick: bool) -> dict[str, object]:
    """Both sides with three seeds, on made features; the data sets are not needed."""
    return measure(
        parse(["--seeds", "1", "--timed", "4", "--epochs", "6", "--no-reference"] if quick else [])
    )


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Time both sides and report accuracies on held-out and on test rows."""
    results = [run_seed(arguments, seed) for seed in range(arguments.seeds)]
    means = {name: float(np.mean([result[name] for result in results])) for name in results[0]}
    return {
        "threads": torch.get_num_threads(),
        "members": arguments.members,
        "timed_alone": arguments.timed,
        "n": arguments.seeds,
        **means,
        "ratios": [result["ratio"] for result in results],
        "halving_ratios": [result["halving_ratio"] for result in results],
        "target": f"{TARGET:g} times as fast, {HALVING_TARGET:g} times with halving; the best as accurate",
        "reached": means["ratio"] >= TARGET
        and means["halving_ratio"] >= HALVING_TARGET
        and means["halving_best_held_out"] >= means["alone_best_held_out"]
        and not means["halving_best_held_out"] < means["logistic_regression_cv_held_out"],
    }


def timed(work: Callable[[], T]) -> tuple[T, float, float]:
    """A result, seconds by the clock, and seconds of processor time."""
    started, used = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - started, time.process_time() - used


def run_seed(arguments: argparse.Namespace, seed: int) -> dict[str, float]:
    count, held = arguments.examples, arguments.examples // 4
    features, labels = made_features(count + TEST_EXAMPLES, arguments.width, arguments.classes, seed)
    given = (features[:count], labels[:count])
    test, test_labels = features[count:], labels[count:]
    folds = np.where(np.arange(count) < held, 0, -1)
    trained = (features[held:count], labels[held:count])
    examples = Examples(*given, arguments.classes, folds)
    members = sample_members(arguments.members, seed, batch_size=arguments.batch_size)
    full = Schedule(epochs=arguments.epochs, seed=seed)
    halved = Schedule(
        epochs=arguments.epochs, halvings=tuple(h for h in HALVINGS if h < arguments.epochs), seed=seed
    )

    train_population(members[:8], examples, schedule=Schedule(epochs=2))
    train_alone(Course(members[0], 2, seed), examples)
    population, together_s, together_cpu_s = timed(lambda: train_population(members, examples, schedule=full))
    survivors, halving_s, halving_cpu_s = timed(lambda: train_population(members, examples, schedule=halved))
    some = [members[i] for i in np.random.default_rng(0).permutation(len(members))[: arguments.timed]]
    alone, alone_s, alone_cpu_s = timed(
        lambda: [train_alone(Course(member, full.epochs, seed), examples)[0] for member in some]
    )
    scale = len(members) / len(some)

    replicas = Examples(*given, arguments.classes, np.arange(count) % 4)
    bagged = train_population(members, replicas, schedule=halved)

    cross = cross_validated(examples) if arguments.reference else None

    def reference(rows: np.ndarray, truth: np.ndarray) -> float:
        return float((cross.scores(rows).argmax(1) == truth).mean()) if cross else float("nan")

    def tested(head: Linear) -> float:
        return float((head.scores(test).argmax(1) == test_labels).mean())

    return {
        "together_s": together_s,
        "halving_s": halving_s,
        "alone_s": alone_s * scale,
        "ratio": alone_s * scale / together_s,
        "halving_ratio": alone_s * scale / halving_s,
        # Processor time, for machines that others use as well.
        "cpu_ratio": alone_cpu_s * scale / together_cpu_s,
        "halving_cpu_ratio": alone_cpu_s * scale / halving_cpu_s,
        "alone_best_held_out": max(alone),
        "together_best_held_out": float(np.nanmax(population.accuracies)),
        "halving_best_held_out": float(np.nanmax(survivors.accuracies)),
        "together_test": tested(population.classifier(population.best)),
        "halving_test": tested(survivors.classifier(survivors.best)),
        "halving_in_4_folds_test": tested(bagged.classifier(bagged.best)),
        "ridge_test": tested(Ridge().fit(*trained, class_count=arguments.classes)),
        "ridge_on_all_test": tested(Ridge().fit(*given, class_count=arguments.classes)),
        "logistic_regression_cv_held_out": reference(features[:held], labels[:held]),
        "logistic_regression_cv_test": reference(test, test_labels),
    }


def parse(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    sizes = {"examples": 2000, "width": 1280, "classes": 10, "members": 256, "timed": 32, "seeds": 3}
    for name, default in {**sizes, "epochs": 30, "batch-size": 64}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--no-reference", dest="reference", action="store_false")
    return parser.parse_args(given)


if __name__ == "__main__":
    print(json.dumps(measure(parse()), indent=2))
