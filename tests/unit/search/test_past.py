import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from regraft.core.hashing import sha256_of_bytes
from regraft.search import Space, Trial
from regraft.search.past import FEWEST_TRIALS, About, Past, marks_of, proposals, remember, remembered

SpaceOf = Callable[..., Space]
ABOUT = About(images=100, classes=3, width=64, balance=1.0, probe=0.5)
NEW = Past("new", ("data-new",), "loss", ABOUT, ())


def smooth(rate: float | None, **more: object) -> dict[str, object]:
    return {
        "depths": "all",
        "head.kind": "smooth",
        "head.smooth.rate": rate,
        "head.smooth.shape": "a",
        **more,
    }


def past(name: str, *best: dict[str, object], **about: object) -> Past:
    return Past(name, (f"data-{name}",), "loss", replace(ABOUT, **about), best)


def test_the_most_alike_data_comes_first_and_of_each_its_best(space_with: SpaceOf) -> None:
    known = [
        past("far", smooth(0.1), smooth(0.2), images=100_000, probe=0.05),
        past("near", smooth(0.3), smooth(0.4), images=120),
        past("other", smooth(0.5), classes=100),
    ]
    found = proposals(known, NEW, space_with(), count=4)
    assert [one.past.study for one in found] == ["near", "other", "far", "near"]
    assert [one.values["head.smooth.rate"] for one in found] == [0.3, 0.5, 0.1, 0.4]
    assert found[0].distance < found[1].distance < found[2].distance


def test_each_property_counts_by_its_range(space_with: SpaceOf) -> None:
    known = [past("a", smooth(0.1), images=200), past("b", smooth(0.2), images=10_000)]
    near, far = proposals(known, NEW, space_with(), count=2)
    assert far.distance == pytest.approx(1)
    assert near.distance == pytest.approx(0.1505, abs=1e-3)


def test_the_same_data_another_objective_and_other_labels_are_left_out(space_with: SpaceOf) -> None:
    known = [
        replace(past("same", smooth(0.1)), data=NEW.data),
        replace(past("accuracy", smooth(0.1)), objective="accuracy"),
        past("labels", smooth(0.1), several=True),
    ]
    assert proposals(known, NEW, space_with(), count=9) == []


def test_a_search_on_some_of_the_same_images_is_left_out(space_with: SpaceOf) -> None:
    """As where the time was enough for an eighth of them, or more were added."""
    images = [sha256_of_bytes(str(number).encode()) for number in range(840)]
    whole = replace(NEW, data=marks_of(images))
    assert len(whole.data) == 64
    few, more = images[100:205], images + [sha256_of_bytes(b"new %d" % number) for number in range(3000)]
    for seen, count in ((few, 0), (more, 0), (more[840:], 1)):
        known = [replace(past("one", smooth(0.1)), data=marks_of(seen))]
        assert len(proposals(known, whole, space_with(), count=9)) == count


@pytest.mark.parametrize(
    ("values", "fits"),
    [
        (smooth(0.5), True),
        (smooth(None), True),
        (smooth(0.5, scaling="depth"), True),
        (smooth(1.5), False),
        (smooth(0.5, **{"head.smooth.shape": "c"}), False),
        (smooth(0.5, depths=None), False),
        ({"depths": "all", "head.kind": "rough"}, False),
        ({"depths": "all", "head.kind": "unknown"}, False),
        ({}, False),
    ],
)
def test_only_points_that_fit_the_space_are_proposed(
    space_with: SpaceOf, values: dict[str, object], fits: bool
) -> None:
    found = proposals([past("one", values)], NEW, space_with(), count=9)
    assert len(found) == fits
    assert all("scaling" not in one.values for one in found)


def test_a_rule_of_thumb_is_no_proposal(space_with: SpaceOf) -> None:
    thumb, _ = space_with().rules_of_thumb()
    found = proposals([past("a", thumb, smooth(0.1))], NEW, space_with(), count=9)
    assert [one.values["head.smooth.rate"] for one in found] == [0.1]


def test_a_point_is_proposed_once(space_with: SpaceOf) -> None:
    known = [past("a", smooth(0.1)), past("b", smooth(0.1), smooth(0.2))]
    found = proposals(known, NEW, space_with(), count=9)
    assert [one.values["head.smooth.rate"] for one in found] == [0.1, 0.2]


def trials(count: int) -> list[Trial]:
    failed = Trial(99, smooth(0.9), "failed")
    return [failed, *(Trial(n, smooth(0.1 * n), "complete", 1.0 / (1 + n)) for n in range(count))]


def test_what_is_remembered_is_read_again(tmp_path: Path) -> None:
    remember(NEW, trials(6), tmp_path)
    (found,) = remembered(tmp_path)
    assert (found.study, found.data, found.objective, found.about) == ("new", ("data-new",), "loss", ABOUT)
    assert [values["head.smooth.rate"] for values in found.best] == pytest.approx([0.5, 0.4, 0.3])


def test_a_search_of_few_trials_is_not_remembered(tmp_path: Path) -> None:
    remember(NEW, trials(FEWEST_TRIALS - 1), tmp_path)
    assert remembered(tmp_path) == []


def test_where_nothing_can_be_written_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    remember(NEW, trials(6), tmp_path / "file" / "searches")
    assert remembered(tmp_path / "file" / "searches") == []


def test_the_oldest_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regraft.search.past.MOST_KEPT", 2)
    for name in "abc":
        remember(replace(NEW, study=name), trials(6), tmp_path)
    assert len(remembered(tmp_path)) == 2
    assert "c" in [one.study for one in remembered(tmp_path)]


@pytest.mark.parametrize(
    "change", [{"data": "of before"}, {"about": {}}, {"about": {"images": 1}}, {"best": [1]}, {"study": ...}]
)
def test_records_that_are_damaged_are_passed_over(tmp_path: Path, change: dict[str, object]) -> None:
    remember(NEW, trials(6), tmp_path)
    good = json.loads((tmp_path / "new.json").read_text())
    bad = {**good, **change}
    if change.get("study") is ...:
        del bad["study"]
    (tmp_path / "bad.json").write_text(json.dumps(bad))
    (tmp_path / "cut.json").write_text('{"study": ')
    assert [one.study for one in remembered(tmp_path)] == ["new"]


def test_nothing_is_kept_of_data_that_teach_nothing(tmp_path: Path) -> None:
    trials = [Trial(number, smooth(0.1 + number), "complete", float(number)) for number in range(20)]
    for name, probe in (("taught", 0.9), ("nothing", 1.0)):
        remember(Past(name, ("data",), "loss", replace(ABOUT, probe=probe), ()), trials, tmp_path)
    assert [file.stem for file in tmp_path.iterdir()] == ["taught"]
