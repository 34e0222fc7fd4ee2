"""Shots of one scene, a second apart, and scenes a minute apart; features tell the scene or do not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from regraft.data import Dataset, Example, Exposure, Relatives, bursts, keep_together, leaks, untangled

CLASSES, SCENES, SHOTS = 3, 12, 4
COUNT = CLASSES * SCENES * SHOTS


def taken(*, alike: bool = True, gap_s: float = 1.0) -> tuple[Dataset, np.ndarray, dict[str, Exposure]]:
    """Images in the order of time; each class in a folder, each with a camera."""
    random = np.random.default_rng(0)
    examples, rows, exposures = [], [], {}
    for label in range(CLASSES):
        for scene in range(SCENES):
            centre = random.normal(size=16) if alike else np.zeros(16)
            for shot in range(SHOTS):
                sha256 = f"{label} {scene} {shot}"
                examples.append(Example(Path(f"/set/{label}/{random.integers(1e9)}.jpg"), label, sha256))
                rows.append(centre + 0.3 * random.normal(size=16))
                exposures[sha256] = Exposure(f"camera {label}", 60 * scene + gap_s * shot)
    return Dataset(Path("/set"), ("a", "b", "c"), tuple(examples)), np.array(rows, np.float32), exposures


def test_shots_within_seconds_of_one_another_are_a_burst() -> None:
    dataset, features, exposures = taken()
    found = bursts(dataset, features, exposures)
    assert found is not None
    assert len(set(found.names)) == CLASSES * SCENES
    assert len({*found.names[:4]}) == 1
    assert found.names[3] != found.names[4]
    assert found.observed_fraction > 0.9
    assert found.expected_fraction == pytest.approx(3 / 47)


def test_the_order_of_files_does_not_matter() -> None:
    dataset, features, exposures = taken()
    order = np.random.default_rng(1).permutation(COUNT)
    found = bursts(dataset.select(order), features[order], exposures)
    assert found is not None
    scenes = {
        name: {i // SHOTS for i, n in zip(order, found.names, strict=True) if n == name}
        for name in found.names
    }
    assert all(len(of_one) == 1 for of_one in scenes.values())


def test_a_burst_that_the_pictures_deny_is_none() -> None:
    assert bursts(*taken(alike=False)) is None


@pytest.mark.parametrize(("gap_s", "is_one"), [(0.0, True), (3.0, True), (3.2, False), (10.0, False)])
def test_a_long_gap_ends_a_burst(gap_s: float, is_one: bool) -> None:
    assert (bursts(*taken(gap_s=gap_s)) is not None) == is_one


def test_two_cameras_are_two_series() -> None:
    """Shots that alternate between two cameras at one event, each with scenes of its own."""
    dataset, features, exposures = taken()
    shared = {sha: replace(one, camera=f"{sha[0]} {i % 2}") for i, (sha, one) in enumerate(exposures.items())}
    found = bursts(dataset, features, shared)
    assert found is not None
    assert found.names[0] == found.names[2] != found.names[1] == found.names[3]


def test_folders_are_series_of_their_own_unless_they_are_parts() -> None:
    dataset, features, exposures = taken()

    def placed(*folders: str) -> Dataset:
        moved = [
            replace(e, path=Path(f"/set/{folders[i % len(folders)]}/{e.label}/{i}.jpg"))
            for i, e in enumerate(dataset.examples)
        ]
        return replace(dataset, examples=tuple(moved))

    apart, parts = (
        bursts(placed(*of), features, exposures) for of in (("day 1", "day 2"), ("train", "test"))
    )
    assert apart is not None
    assert apart.names[0] != apart.names[1]
    assert parts is not None
    assert parts.names[0] == parts.names[1]


def test_a_camera_that_never_stops_tells_nothing() -> None:
    dataset, features, exposures = taken()
    running = {sha: Exposure("one", 2.0 * i) for i, sha in enumerate(exposures)}
    flat = tuple(replace(e, path=Path("/set") / e.path.name) for e in dataset.examples)
    assert bursts(replace(dataset, examples=flat), features, running) is None


def test_too_few_scenes_in_a_class_are_none() -> None:
    dataset, features, exposures = taken()
    few = np.flatnonzero((dataset.labels > 0) | (np.arange(COUNT) < 4 * SHOTS))
    assert bursts(dataset.select(few), features[few], exposures) is None


def test_without_times_there_is_nothing() -> None:
    dataset, features, _ = taken()
    assert bursts(dataset, features, {}) is None


def test_bursts_are_kept_together_and_leak_across_parts() -> None:
    dataset, features, exposures = taken()
    dataset = replace(
        dataset,
        examples=tuple(
            replace(e, part="test" if i % 3 == 0 else "train") for i, e in enumerate(dataset.examples)
        ),
    )
    relatives = Relatives(bursts=bursts(dataset, features, exposures))
    related = keep_together(dataset, relatives)
    groups = [e.group for e in related.examples]
    assert [len(set(groups[i : i + SHOTS])) for i in range(0, COUNT, SHOTS)] == [1] * (COUNT // SHOTS)
    assert len(set(groups)) == COUNT // SHOTS
    assert leaks(dataset) == ()
    assert len(leaks(related)) == COUNT // SHOTS


def test_bursts_that_chain_given_groups_are_left_out() -> None:
    """Each group has shots of all scenes: both cannot be true, and the user's word counts for more."""
    dataset, features, exposures = taken()
    found = bursts(dataset, features, exposures)
    given = tuple(replace(e, group=f"g{i % 7}") for i, e in enumerate(dataset.examples))
    _, used = untangled(replace(dataset, examples=given), Relatives(bursts=found))
    assert found is not None
    assert used.bursts is None
    assert untangled(dataset, Relatives(bursts=found))[1].bursts is found
