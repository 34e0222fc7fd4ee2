"""Groups that cameras' clocks tell of: photographs taken within seconds of one another."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from regraft.core.arrays import Features
from regraft.data.copies.exposures import Exposure
from regraft.data.copies.suspected import LARGEST_SHARE, SuspectedGroups, borne_out
from regraft.data.dataset import Dataset
from regraft.data.names import part_of_name

LONGEST_GAP_S = 3.0
"""Between two shots of one burst. A camera that is kept pressed takes at least one picture a second, and one
that notes whole seconds may tell a gap of 1.1 seconds as 2; who presses again at once, at the same thing,
needs two or three seconds; who turns to something else needs more."""

RULE = f"the camera's clock (shots of one camera at most {LONGEST_GAP_S:g} seconds apart)"

Series = tuple[str, tuple[str, ...]]
"""A camera and a folder: what was taken one after the other."""


def bursts(dataset: Dataset, features: Features, exposures: Mapping[str, Exposure]) -> SuspectedGroups | None:
    """Photographs of one camera, in one folder, taken one right after the other; None if pictures deny it.

    Args:
        dataset: the examples.
        features: [n, d] of a network, any scale.
        exposures: by SHA-256, for files that tell of one.
    """
    names = _names(dataset, exposures)
    return borne_out(names, RULE, dataset=dataset, features=features) if any(names) else None


def _names(dataset: Dataset, exposures: Mapping[str, Exposure]) -> tuple[str, ...]:
    """The burst of every example, "" for none.

    One that holds a third of all images is none: somebody set the camera to press its own button, or its
    clock stands still.
    """
    series: dict[Series, list[tuple[float, int]]] = defaultdict(list)
    for place, example in enumerate(dataset.examples):
        exposure = exposures.get(example.sha256)
        if exposure:
            series[exposure.camera, _folder(example.path)].append((exposure.taken_s, place))
    names = [""] * len(dataset)
    for number, shots in enumerate(series.values()):
        for first, burst in enumerate(_runs(sorted(shots))):
            if 1 < len(burst) <= LARGEST_SHARE * len(dataset):
                for place in burst:
                    names[place] = f"{number} {first}"
    return tuple(names)


def _folder(path: Path) -> tuple[str, ...]:
    """Without folders that are parts: a burst torn into train and test is what is looked for."""
    return tuple(name for name in path.parent.parts if part_of_name(name) is None)


def _runs(shots: list[tuple[float, int]]) -> list[list[int]]:
    """Places of shots, in the order of time, with no long gap inside."""
    runs: list[list[int]] = []
    last = float("-inf")
    for taken_s, place in shots:
        if taken_s - last > LONGEST_GAP_S:
            runs.append([])
        runs[-1].append(place)
        last = taken_s
    return runs
