"""A search's plain data as its report holds it: two kinds of head, and something of everything."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

Trial = dict[str, Any]
SPACE = {
    "depths": "last,all,grid",
    "scaling": "depth,none",
    "head.kind": "ridge,<i>mine</i>",
    "head.ridge.penalty": "0.0001..10000:log",
    "head.<i>mine</i>.pull": "0..1",
}


def trial(number: int, kind: str, state: str = "complete", value: float | None = None, **more: Any) -> Trial:
    """One trial, one second after the last."""
    values = {"depths": ("last", "all", "grid")[number % 3], "scaling": "depth", "head.kind": kind}
    return {
        "number": number,
        "values": values | more.pop("values", {}),
        "state": state,
        "value": value,
        "reason": "it <b>diverged</b>" if state == "failed" else "",
        "seconds": 0.5 + 0.01 * number,
        "details": {"accuracy": 0.9},
        "started_s": 1e9 + number,
        "reports": [],
        "costs": [],
        **more,
    }


@pytest.fixture
def search() -> dict[str, Any]:
    penalties = np.geomspace(1e-3, 1e3, 24)
    trials = [
        trial(n, "ridge", value=0.2 + abs(np.log10(p)) / 10, values={"head.ridge.penalty": float(p)})
        for n, p in enumerate(penalties)
    ]
    mine = "<i>mine</i>"
    for n in range(24, 30):
        values = {f"head.{mine}.pull": (n - 24) / 6, "scaling": "none"}
        trials.append(trial(n, mine, value=0.5 + n / 100, values=values, reports=[0.9, 0.7, 0.5 + n / 100]))
    values = {f"head.{mine}.pull": 0.5}
    trials.append(trial(30, mine, "pruned", 0.95, values=values, reports=[0.97, 0.95]))
    trials.append(trial(31, mine, "failed", values=values))
    best = min(range(24), key=lambda n: trials[n]["value"])
    return {
        "sampler": "tpe",
        "pruner": "median",
        "objective": "loss",
        "costs": [],
        "storage": "runs/<x>/study/trials.log",
        "space": dict(SPACE),
        "counts": {"complete": 30, "pruned": 1, "failed": 1, "running": 0},
        "trials": trials,
        "best": best,
        "importance": {"head.ridge.penalty": 0.9, "depths": 0.1},
        "importance_for_best": {"head.ridge.penalty": 0.7, "depths": 0.3},
        "ablation": None,
        "advice": ["widen <script>alert(1)</script>"],
    }


@pytest.fixture
def ablation() -> list[dict[str, Any]]:
    def row(name: str, after: object, ends: tuple[float, float, float] | None, **more: str) -> dict[str, Any]:
        shown = None if ends is None else dict(zip(("low", "value", "high"), ends, strict=True))
        changed = {"name": name, "before": 1.23456, "after": after, "why": "not tuned", "seconds": 0.1}
        return {**changed, "refused": "", "difference": shown, "accuracy_difference": shown, **more}

    return [
        row("depths", "last", (0.1, 0.2, 0.3)),
        row("head.ridge.penalty", None, (-0.1, 0.01, 0.1)),
        row("scaling", "none", (-0.3, -0.2, -0.1)),
        row("head.kind", "<i>mine</i>", None, refused="it would take 9 s, 1 s are left"),
    ]


@pytest.fixture
def with_trials(search: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """The same search with other trials, the lowest value the best."""

    def make(trials: list[Trial], **more: Any) -> dict[str, Any]:
        done = [t for t in trials if t["state"] == "complete"]
        best = min(done, key=lambda t: t["value"])["number"] if done else None
        return search | {"trials": trials, "best": best, **more}

    return make
