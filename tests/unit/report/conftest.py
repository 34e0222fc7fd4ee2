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


def interval(value):
    return {"value": value, "low": max(value - 0.1, 0), "high": min(value + 0.1, 1)}


def cue(name, kind="file", value=0.5, mark=0.5, **classes):
    """What is known of one family of cues; suspicious if it gives classes away."""
    return {
        "cue": name,
        "kind": kind,
        "balanced_accuracy": interval(value),
        "to_beat": mark,
        "permuted": None,
        "classes": {label: interval(share) for label, share in classes.items()},
        "is_suspicious": bool(classes),
    }


@pytest.fixture
def sound():
    """A look at five images with which nothing is wrong."""
    return {
        "root": "/photos",
        "images": 50,
        "classes": {"cat": 30, "dog": 20},
        "balance": {"largest": "cat", "smallest": "dog", "ratio": 1.5, "effective_classes": 1.96},
        "classes_alike": [],
        "parts": {"undecided": 50},
        "groups": 0,
        "domains": {},
        "skipped": 0,
        "skipped_files": [],
        "kinds": {"PNG RGB": 50},
        "bits": {"8": 50},
        "sizes": {"4 x 5": 50},
        "width_px": {"least": 1, "median": 2.5, "most": 4},
        "height_px": {"least": 5, "median": 6, "most": 7},
        "aspect_ratio": {"least": 0.5, "median": 0.5, "most": 0.5},
        "jpeg_quality": None,
        "file_bytes": {"least": 1000, "median": 2000, "most": 3000},
        "copies": [],
        "pixel_copies": [],
        "conflicts": [],
        "leaks": [],
        "extremes": {"tiny": [], "huge": [], "blank": [], "dark": []},
        "totals": {},
        "samples": {"cat": [], "dog": []},
        "near_copies": [],
        "near_conflicts": [],
        "near_leaks": [],
        "suspected_groups": [],
        "shortcuts": {"images": 50, "cues": [cue("dimensions"), cue("file date", "order", 1.0)]},
        "mentioned": {},
        "findings": [],
    }


@pytest.fixture
def faulty(sound):
    """The same with everything wrong with it that a look can find."""
    pair = ["/photos/cat/1.png", "/photos/dog/2.png"]
    return sound | {
        "classes": {"cat": 300, "Cat": 3, "dog": 1},
        "balance": {"largest": "cat", "smallest": "dog", "ratio": 300.0, "effective_classes": 1.1},
        "classes_alike": [["cat", "Cat"]],
        "skipped": 2,
        "skipped_files": [
            {"path": "/photos/cat/cut.png", "reason": "it is cut short"},
            {"path": "/photos/dog/<b>.png", "reason": "it is no image"},
        ],
        "copies": [pair, pair],
        "pixel_copies": [pair],
        "conflicts": [pair],
        "leaks": [pair],
        "extremes": {name: [pair[0]] for name in ("tiny", "huge", "blank", "dark")},
        "totals": {"copies": 2000, "tiny": 1, "huge": 1, "blank": 1, "dark": 1},
        "near_copies": [{"images": pair, "how": "mirrored"}],
        "near_conflicts": [{"images": pair, "how": "cropped"}],
        "near_leaks": [{"images": pair, "how": "rotated"}],
        "suspected_groups": [
            {"how": "the beginning of their names", "groups": 7, "images": 90, "evidence": "bursts of 12"}
        ],
        "shortcuts": {
            "images": 300,
            "cues": [
                cue("JPEG quality", value=0.7, mark=0.3, dog=0.97, cat=0.8),
                cue("EXIF", value=0.7, mark=0.3, Cat=0.9),
                cue("mean colour", "content", value=0.8, mark=0.3),
            ],
        },
        "mentioned": {pair[0]: {"class": "cat", "part": "train"}, pair[1]: {"class": "<i>dog</i>"}},
    }
