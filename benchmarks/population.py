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
from torch.nn.functional import cross_entropy

from regraft.heads import Examples, Linear, Member, Ridge, Schedule, sample_members, train_population
from regraft.heads.block import first_weights, order

TARGET, HALVING_TARGET = 8.0, 40.0
TEST_EXAMPLES = 2000
T = TypeVar("T")
HALVINGS = (1, 2, 4, 8, 16)


def made_features(count: int, width: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Classes that overlap, in standardised features whose variances fall off as those of networks do."""
    random = np.random.default_rng(seed)
    rank = 64
    labels = random.integers(0, classes, count)
    means = random.standard_normal((classes, rank)) * 0.45
    latent = means[labels] + random.standard_normal((count, rank))
    mixing = random.standard_normal((rank, width)) * np.logspace(0, -1, rank)[:, None]
    features = np.maximum(latent @ mixing + 1.0 * random.standard_normal((count, width)), -0.5)
    return ((features - features.mean(0)) / features.std(0)).astype(np.float32), labels


def train_alone(member: Member, examples: Examples, schedule: Schedule) -> float:
    """An ordinary training loop; the best held-out accuracy over its epochs."""
    features, labels = torch.from_numpy(examples.features), torch.from_numpy(examples.labels)
    trained, judged = (
        np.flatnonzero(examples.folds < 0),
        torch.from_numpy(np.flatnonzero(examples.folds >= 0)),
    )
    width = features.shape[1]
    net = torch.nn.Linear(width, examples.class_count)
    with torch.no_grad():
        first = torch.from_numpy(first_weights(member, examples.class_count, width))
        net.weight.copy_(first[:, :width])
        net.bias.copy_(first[:, width])
    optimizer = as_optimizer(member, list(net.parameters()))
    best = 0.0
    for epoch in range(schedule.epochs):
        for group in optimizer.param_groups:
            group["lr"] = member.learning_rate * schedule.rate(epoch)
        net.train()
        for batch in torch.from_numpy(order(trained, schedule, epoch)).split(member.batch_size):
            rows = features[batch]
            if member.dropout:
                rows = torch.nn.functional.dropout(rows, member.dropout)
            loss = cross_entropy(net(rows), labels[batch], label_smoothing=member.smoothing)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            right = net(features[judged]).argmax(1) == labels[judged]
        best = max(best, right.float().mean().item())
    return best


def as_optimizer(member: Member, parameters: list[torch.nn.Parameter]) -> torch.optim.Optimizer:
    rate, decay = member.learning_rate, member.weight_decay
    if member.optimizer == "adam":
        return torch.optim.Adam(parameters, rate, weight_decay=decay)
    if member.optimizer == "adamw":
        return torch.optim.AdamW(parameters, rate, weight_decay=decay)
    nesterov = member.optimizer == "nesterov"
    return torch.optim.SGD(parameters, rate, momentum=member.momentum, weight_decay=decay, nesterov=nesterov)


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
    train_alone(members[0], examples, Schedule(epochs=2))
    population, together_s, together_cpu_s = timed(lambda: train_population(members, examples, schedule=full))
    survivors, halving_s, halving_cpu_s = timed(lambda: train_population(members, examples, schedule=halved))
    some = [members[i] for i in np.random.default_rng(0).permutation(len(members))[: arguments.timed]]
    alone, alone_s, alone_cpu_s = timed(lambda: [train_alone(member, examples, full) for member in some])
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
