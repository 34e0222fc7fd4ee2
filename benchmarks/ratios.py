"""Two sides measured in turns, and how sure their ratio or difference is."""

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
    """With the 95 % interval of a percentile bootstrap over repetitions, which hold one turn of each side."""
    turns = np.random.default_rng(0).integers(0, len(ours), (draws, len(ours)))
    medians = [np.median(np.asarray(side)[turns], axis=1) for side in (ours, theirs)]
    low, high = np.quantile(medians[0] / medians[1], (0.025, 0.975))
    value = statistics.median(ours) / statistics.median(theirs)
    return {"ratio": value, "low": float(low), "high": float(high), "n": len(ours)}


def mean_difference(ours: Sequence[float], theirs: Sequence[float], *, draws: int = 10_000) -> dict:
    """Ours less theirs, with the 95 % interval of a percentile bootstrap over pairs."""
    differences = np.subtract(ours, theirs)
    drawn = np.random.default_rng(0).integers(0, len(differences), (draws, len(differences)))
    low, high = np.quantile(differences[drawn].mean(1), (0.025, 0.975))
    return {"mean": float(differences.mean()), "low": float(low), "high": float(high), "n": len(differences)}
