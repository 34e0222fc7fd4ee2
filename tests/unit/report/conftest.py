"""A run's summary, made by the evaluation floor itself and taken through JSON as the run folder does."""

import json

import numpy as np
import pytest

from regraft.core.hashing import plain
from regraft.evaluation import Answers, Evidence, confusion, metrics, per_class, softmax, verdicts, wilson

NAMES = (
    "tabby",
    "tortoiseshell",
    "<script>alert(1)</script>",
    "lynx & bobcat",
    'puma "big"',
    "ocelot",
    "cheetah",
    "lion",
)


def make(names=NAMES, n=168, test=True):
    k = len(names)
    rng = np.random.default_rng(0)

    def draw():
        labels = rng.integers(0, k, n)
        scores = rng.normal(size=(n, k))
        scores[np.arange(n), labels] += 3.2
        return softmax(scores * 3), labels

    (p_val, y_val), (p, y) = draw(), draw()
    found = verdicts(
        Evidence(
            names, [7] + [60] * (k - 1), Answers(p_val, y_val), Answers(p, y) if test else None, skipped=3
        )
    )
    rungs = (
        ("majority class", 0.0, wilson(20, n), True, "the floor"),
        ("probe", 12.4, wilson(140, n), True, "71 points better"),
        ("two <b>backbones</b>", 0.0, None, False, "would take 3 min, 20 s are left"),
    )
    ladder = [
        dict(zip(("rung", "seconds", "validation", "adopted", "reason"), r, strict=True)) for r in rungs
    ]
    ladder[1]["images_per_s"] = 212.4
    summary = {
        "run": "runs/first cats",
        "created": "2026-03-01T10:22:31",
        "seconds": 41.3,
        "images": 843,
        "skipped": 3,
        "skipped_files": [{"path": "cats/<img src=x>.jpg", "reason": "the file is cut short"}],
        "forward_passes": 843,
        "classes": names,
        "parts": {"train": 507, "val": n, "test": n if test else 0},
        "chosen": {
            "backbone": "lite0",
            "head": {"kind": "logistic", "penalty": 0.31},
            "note": "</pre><script>",
        },
        "ladder": ladder,
        "validation": metrics(p_val, y_val),
        "test": metrics(p, y) if test else None,
        "per_class": per_class(p, y, names),
        "confusion": confusion(p, y).tolist(),
        "verdicts": found,
        "machine": {"cpu": "Example CPU", "cores": 2},
        "versions": {"regraft": "0.1.0"},
    }
    return json.loads(json.dumps(plain(summary)))


@pytest.fixture
def summary():
    return make()


@pytest.fixture
def without_test():
    return make(test=False)


@pytest.fixture
def many_classes():
    return make(tuple(f"species {c}" for c in range(60)), n=600)
