"""Two sides measured in turns, and how sure their ratio is."""

import statistics
from collections.abc import Callable, Mapping, Sequence

import numpy as np

Measure = Callable[[], float]


def in_turns(sides: Mapping[str, Measure], repetitions: int) -> dict[str, list[float]]:
    """Every side once, then every side again: whatever else the machine does meets all of them alike."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repetitions):
        for name, measure in sides.items():
            found[name].append(measure())
    return found


def ratio_of_medians(ours: Sequence[float], theirs: Sequence[float], *, draws: int = 10_000) -> dict:
    """With the 95 % interval of a percentile bootstrap over repetitions."""
    random = np.random.default_rng(0)
    resampled = [np.median(random.choice(side, (draws, len(side))), axis=1) for side in (ours, theirs)]
    low, high = np.quantile(resampled[0] / resampled[1], (0.025, 0.975))
    value = statistics.median(ours) / statistics.median(theirs)
    return {"ratio": value, "low": float(low), "high": float(high), "n": len(ours)}
