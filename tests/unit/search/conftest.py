"""A small space, and studies of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pytest

from regraft.core.settings import Knob
from regraft.search import Choice, Space, parse_changes, space_of
from regraft.search.study import Settings, Study, open_study


@dataclass(frozen=True)
class Smooth:
    rate: Annotated[float | None, Knob("step size", low=1e-4, high=1, log=True)] = None
    shape: Literal["a", "b"] = "b"


@dataclass(frozen=True)
class Rough:
    size: Annotated[int, Knob("how many", low=1, high=4)] = 2


SpaceOf = Callable[..., Space]
Opened = Callable[..., Study]


@pytest.fixture
def space_with() -> SpaceOf:
    """The space of two heads and one axis beside them, with changes as on the command line."""

    def make(*changes: str) -> Space:
        return space_of(
            {"smooth": Smooth, "rough": Rough},
            others={"depths": Choice(("last", "all"))},
            defaults={"depths": "all"},
            changes=parse_changes(changes),
        )

    return make


@pytest.fixture
def opened(tmp_path: Path, space_with: SpaceOf) -> Opened:
    """Opens the study of this test, which may have been begun."""

    def make(*changes: str, file: str = "study.log", **settings: object) -> Study:
        return open_study(
            space_with(*changes), name="test", storage=tmp_path / file, settings=Settings(**settings)
        )

    return make
