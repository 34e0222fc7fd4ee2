"""What every sampler keeps to, on a space with conditions."""

import math
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import optuna
import pytest

from regraft.core.settings import Knob
from regraft.search import SAMPLERS, Choice, Space, sampler, space_of
from regraft.search.numbered import distributions
from regraft.search.storage import open_storage

TRIALS = 16
STARTED = 11
"""From then on no sampler draws at random any more."""

GP_SLOWLY = [pytest.param(name, marks=pytest.mark.slow if name == "gp" else ()) for name in SAMPLERS]


@dataclass(frozen=True)
class Smooth:
    rate: Annotated[float, Knob("step size", low=1e-4, high=1, log=True)] = 0.1
    size: Annotated[int, Knob("how many", low=1, high=64, log=True)] = 8


@dataclass(frozen=True)
class Rough:
    rate: Annotated[float, Knob("step size", low=0, high=1)] = 0.5
    shape: Literal["a", "b", "c"] = "a"
    is_soft: bool = False


@pytest.fixture
def space() -> Space:
    return space_of({"smooth": Smooth, "rough": Rough}, others={"depths": Choice(("last", "all"))})


def drawn(
    name: str,
    space: Space,
    *,
    seed: int,
    split_at: int | None = None,
    trials: int = TRIALS,
    storage: object = None,
) -> list[dict[str, object]]:
    """The first points of a study; after `split_at` trials another process goes on."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = storage or optuna.storages.InMemoryStorage()
    points = []
    first = trials if split_at is None else split_at
    for count in (first, trials - first):
        made = sampler(name, space.axes, seed=seed)
        study = optuna.create_study(storage=storage, study_name="s", sampler=made, load_if_exists=True)
        for _ in range(count):
            trial = study.ask(fixed_distributions=distributions(space.axes))
            points.append(trial.params)
            study.tell(trial, score(trial.params))
    return points


def score(point: dict[str, object]) -> float:
    if point["head.kind"] == "rough":
        return 1 + point["head.rough.rate"]
    return abs(math.log10(point["head.smooth.rate"]) + 2)


@pytest.mark.parametrize("name", SAMPLERS)
def test_points_lie_in_the_space(name: str, space: Space) -> None:
    for point in drawn(name, space, seed=0, trials=STARTED + 2):
        assert point.keys() == space.axes.keys()
        assert all(axis.contains(point[axis_name]) for axis_name, axis in space.axes.items())
        assert space.head(point)


@pytest.mark.parametrize("name", GP_SLOWLY)
def test_equal_seeds_give_equal_points_also_across_processes(name: str, space: Space) -> None:
    whole = drawn(name, space, seed=3)
    assert drawn(name, space, seed=3, split_at=7) == whole
    assert drawn(name, space, seed=4, trials=4) != whole[:4]


@pytest.mark.parametrize("name", SAMPLERS)
def test_no_point_is_proposed_again_after_a_break(name: str, space: Space) -> None:
    rates = [point["head.smooth.rate"] for point in drawn(name, space, seed=0, split_at=8)]
    assert len(set(rates[:8]) & set(rates[8:])) == 0


def test_sobol_covers_choices_and_numbers_evenly(space: Space) -> None:
    points = drawn("sobol", space, seed=1)
    assert sum(point["head.kind"] == "rough" for point in points) == TRIALS / 2
    fourths = [int(-math.log10(point["head.smooth.rate"])) for point in points]
    assert sorted(fourths) == sorted([0, 1, 2, 3] * (TRIALS // 4))


@pytest.mark.parametrize("name", GP_SLOWLY)
def test_nothing_that_could_be_executed_is_kept_or_read(
    name: str, space: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a pickle")

    drawn(name, space, seed=0, trials=STARTED)  # What is imported on the way may be made of pickles.
    for function in ("dumps", "loads", "dump", "load"):
        monkeypatch.setattr(pickle, function, forbidden)
    points = drawn(name, space, seed=0, split_at=9, storage=open_storage(tmp_path / "s.log"))
    assert len(points) == TRIALS
