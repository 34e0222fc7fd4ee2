"""Earlier searches on other data sets, and which of their best points a new one should try early."""

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regraft.core.errors import ArtifactError
from regraft.core.files import read_json, write_json
from regraft.search.axis import Range
from regraft.search.space import HEAD, KIND, Space, Values
from regraft.search.trial import Trial

BEST_KEPT = 3
FEWEST_TRIALS = 5
"""Complete ones of a search; fewer have not found much."""

MOST_KEPT, MARKS = 300, 64
COUNTS = ("images", "classes", "width")
"""They are compared by their logarithms."""


@dataclass(frozen=True)
class About:
    """What is known of a data set without looking at an image of it.

    Attributes:
        images: for learning.
        classes: how many there are.
        width: of the features of one image.
        balance: entropy of the classes as a share of the most there could be.
        probe: log-loss of the plain probe as a share of that of the majority class.
        several: whether an image has several labels.
    """

    images: int
    classes: int
    width: int
    balance: float
    probe: float
    several: bool = False

    def coordinates(self) -> list[float]:
        """Numbers that can be subtracted."""
        return [*(math.log(max(getattr(self, name), 1)) for name in COUNTS), self.balance, self.probe]


@dataclass(frozen=True)
class Past:
    """One search: its name, marks of its data, what it made small, and its points, the best first.

    Data that share a mark have images in common; see `marks_of`.
    """

    study: str
    data: tuple[str, ...]
    objective: str
    about: About
    best: tuple[Values, ...]


@dataclass(frozen=True)
class Proposal:
    """A point worth trying, since a search found it on data at this distance."""

    values: Values
    past: Past
    distance: float


def marks_of(images: Iterable[str]) -> tuple[str, ...]:
    """The least of the images' hashes: of parts of the same data, even small ones, some are the same.

    Source: minwise hashing, Broder 1997, 10.1109/SEQUEN.1997.666900.
    """
    return tuple(sorted(set(images))[:MARKS])


def remember(past: Past, trials: Sequence[Trial], folder: Path) -> None:
    """Keep the best points of a search for others; the oldest records make room.

    Nothing is kept of one that found little, or on whose data a plain probe knew no more than the majority
    class, or where there is no place to write.
    """
    complete = [trial for trial in trials if trial.state == "complete"]
    if len(complete) < FEWEST_TRIALS or past.about.probe >= 1:
        return
    complete.sort(key=lambda trial: (trial.value or 0.0, trial.number))
    best = [trial.values for trial in complete[:BEST_KEPT]]
    with suppress(ArtifactError, OSError):
        write_json(folder / f"{past.study}.json", {**vars(past), "best": best})
        by_age = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime)
        for file in by_age[:-MOST_KEPT]:
            file.unlink(missing_ok=True)


def remembered(folder: Path) -> list[Past]:
    """All records that can be read, in the order of their names."""
    return [past for file in sorted(folder.glob("*.json")) if (past := _read(file)) is not None]


def proposals(known: Sequence[Past], new: Past, space: Space, *, count: int) -> list[Proposal]:
    """The best points of the most alike data sets that fit the space: of each its best first, nearest first.

    Searches on some of the same images are left out: what is run again is to give the same again, and split
    another way, some of them were chosen by images that are the test part now.

    Source: Feurer, Springenberg & Hutter 2015, 10.1609/aaai.v29i1.9354.
    Differs: five properties of a data set in place of 46, one of them how well the plain probe does; each
        counts by its share of the range over all data sets.
    Cost: nothing but comparing some numbers.
    """
    others = [
        past
        for past in known
        if set(past.data).isdisjoint(new.data)
        and (past.objective, past.about.several) == (new.objective, new.about.several)
    ]
    away = _distances([past.about.coordinates() for past in others], new.about.coordinates())
    nearest = sorted(zip(away, others, strict=True), key=lambda one: (one[0], one[1].study))
    found: list[Proposal] = []
    # Rules of thumb are asked for in any case.
    known_points = space.rules_of_thumb()
    for rank in range(BEST_KEPT):
        for distance, past in nearest:
            point = _fitting(past.best[rank], space) if rank < len(past.best) else None
            if point is not None and point not in known_points:
                known_points.append(point)
                found.append(Proposal(point, past, distance))
    return found[:count]


def _distances(others: Sequence[Sequence[float]], own: Sequence[float]) -> list[float]:
    """Sums of differences, each as a share of the most there is."""
    ranges = [max(column) - min(column) for column in zip(own, *others, strict=True)]
    return [
        sum(abs(a - b) / r for a, b, r in zip(each, own, ranges, strict=True) if r > 0) for each in others
    ]


def _fitting(values: Mapping[str, Any], space: Space) -> Values | None:
    """The point without axes that are not searched; None where it lacks one that is, or lies outside."""
    if not space.axes[KIND].contains(values.get(KIND)):
        return None
    # Who knew nothing of a switch had it as it is by default.
    off = {switch: space.defaults.get(switch) for switch in (space.switches or {}).values()}
    values, point = {**off, **values}, {}
    for name, axis in space.axes.items():
        if not space.is_active(name, values):
            continue
        value = values.get(name)
        may_be_left = name in values and isinstance(axis, Range) and name.startswith(HEAD)
        if not (axis.contains(value) or (value is None and may_be_left)):
            return None
        point[name] = value
    return point


def _read(file: Path) -> Past | None:
    """A record; None of what is none, of another version or damaged."""
    try:
        found = read_json(file)
        about, best = About(**found["about"]), tuple(dict(values) for values in found["best"])
        about.coordinates()
        if not isinstance(found["data"], list):
            return None
        marks = tuple(map(str, found["data"]))
        return Past(str(found["study"]), marks, str(found["objective"]), about, best)
    except (ArtifactError, KeyError, TypeError, ValueError):
        return None
