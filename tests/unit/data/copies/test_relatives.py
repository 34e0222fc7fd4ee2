from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from regraft.core.errors import DataError
from regraft.data import (
    Dataset,
    Example,
    NearCopy,
    Relatives,
    keep_together,
    name_groups,
    split,
    untangled,
    without_leaks,
)


def named(names: list[str], labels: list[int]) -> Dataset:
    examples = tuple(
        Example(Path("/set") / str(label) / name, label, f"sha{place}")
        for place, (name, label) in enumerate(zip(names, labels, strict=True))
    )
    return Dataset(Path("/set"), tuple(map(str, sorted(set(labels)))), examples)


def tracks(
    *, alike: bool, classes: int = 3, per_class: int = 12, frames: int = 4
) -> tuple[Dataset, np.ndarray]:
    """Images in tracks of several frames, of which the features tell the track or do not."""
    random = np.random.default_rng(0)
    names, labels, rows = [], [], []
    for label in range(3):
        for track in range(per_class):
            centre = random.normal(size=16) if alike else np.zeros(16)
            for frame in range(4):
                names.append(f"{track:03}_{frame:02}.png")
                labels.append(label)
                rows.append(centre + 0.3 * random.normal(size=16))
    return named(names, labels), np.array(rows, np.float32)


def pairs(*places: tuple[int, int]) -> tuple[NearCopy, ...]:
    return tuple(NearCopy(*pair, "turned", 0.99) for pair in places)


# Groups in file names


def test_names_that_the_pictures_bear_out_are_groups() -> None:
    dataset, features = tracks(alike=True)
    found = name_groups(dataset, features)
    assert found is not None
    assert len(set(found.names)) == 36  # within their folder: each class has a track 000
    assert found.names[0] == found.names[3] != found.names[4]
    assert found.observed_fraction > 0.9
    assert found.expected_fraction == pytest.approx(3 / 47)


def test_names_that_the_pictures_do_not_bear_out_are_none() -> None:
    assert name_groups(*tracks(alike=False)) is None


def test_a_beginning_that_all_names_share_says_nothing() -> None:
    dataset, features = tracks(alike=True)
    plain = tuple(replace(e, path=e.path.with_name(f"IMG_{i}.png")) for i, e in enumerate(dataset.examples))
    assert name_groups(replace(dataset, examples=plain), features) is None


def test_too_few_groups_in_a_class_are_none() -> None:
    assert name_groups(*tracks(alike=True, per_class=3)) is None


def test_likeness_of_domains_is_no_likeness_of_groups() -> None:
    """Names tell two cameras apart, and so do the pictures, but within a camera nothing is alike."""
    dataset, features = tracks(alike=False)
    features = features + np.repeat([[0.0], [5.0]], 72, axis=0).astype(np.float32)
    examples = tuple(replace(e, domain="ab"[i // 72]) for i, e in enumerate(dataset.examples))
    assert name_groups(replace(dataset, examples=examples), features) is None


# Joining


def test_copies_and_names_and_given_groups_join() -> None:
    dataset, features = tracks(alike=True)
    names = name_groups(dataset, features)
    given = list(dataset.examples)
    given[8], given[40] = replace(given[8], group="patient 7"), replace(given[40], group="patient 9")
    dataset = replace(dataset, examples=tuple(given))
    joined = keep_together(dataset, Relatives(pairs((0, 8), (40, 100)), names))
    groups = [e.group for e in joined.examples]
    assert groups[:4] == groups[8:12] == ["patient 7"] * 4
    assert groups[40:44] == groups[100:104] == ["patient 9"] * 4
    assert groups[4] == groups[7] != groups[12]
    assert groups[4].startswith("with sha")
    assert [e.path for e in joined.examples] == [e.path for e in dataset.examples]


def test_nothing_found_changes_nothing() -> None:
    dataset, _ = tracks(alike=True)
    assert keep_together(dataset, Relatives()) == dataset


def test_joined_images_lie_on_one_side() -> None:
    dataset, _ = tracks(alike=True)
    joined = keep_together(dataset, Relatives(pairs(*[(i, i + 72) for i in range(72)])))
    parts = [e.part for e in split(joined, test_fraction=0.3).examples]
    assert parts[:72] == parts[72:]
    assert {"train", "test"} == set(parts)


def test_more_images_move_none_that_they_are_not_joined_to() -> None:
    dataset, _ = tracks(alike=True)
    before = split(keep_together(dataset, Relatives(pairs((0, 50)))), test_fraction=0.3)
    more = replace(dataset, examples=(*dataset.examples, Example(Path("/set/1/new.png"), 1, "another")))
    after = split(keep_together(more, Relatives(pairs((0, 50), (3, 144)))), test_fraction=0.3)
    moved = [i for i in range(144) if before.examples[i].part != after.examples[i].part]
    assert set(moved) <= {3}


def test_conflicts_and_leaks() -> None:
    dataset, _ = tracks(alike=True)
    parts = ["train"] * 96 + ["test"] * 48
    examples = [replace(e, part=part) for e, part in zip(dataset.examples, parts, strict=True)]
    dataset = replace(dataset, examples=tuple(examples))
    relatives = Relatives(pairs((0, 1), (2, 60), (61, 140)))
    assert relatives.sets == [(0, 1), (2, 60), (61, 140)]
    assert relatives.conflicts(dataset) == [(2, 60), (61, 140)]
    assert relatives.leaks(dataset) == [(61, 140)]
    cleaned, removed = without_leaks(keep_together(dataset, relatives))
    assert removed == 1
    assert [e.path for e in cleaned.part("test").examples] == [e.path for e in dataset.part("test").examples]
    assert dataset.examples[61].path not in cleaned.paths
    assert dataset.examples[60].path in cleaned.paths


# Tangles


def grouped(each: int) -> Dataset:
    dataset, _ = tracks(alike=True)
    return replace(
        dataset, examples=tuple(replace(e, group=f"g{i // each}") for i, e in enumerate(dataset.examples))
    )


def test_copies_that_chain_all_given_groups_stay_together_and_change_groups() -> None:
    """Three pictures of every group are copies of two of the next one: these go where most of them are."""
    dataset = grouped(12)
    chain = [(12 * k + i, 12 * k + 12 + j) for k in range(11) for i in (0, 1, 2) for j in (5, 6)]
    untied, used = untangled(dataset, Relatives(pairs(*chain, (3, 4))))
    assert len(used.copies) == len(chain) + 1
    changed = {12 * k + j: f"g{k - 1}" for k in range(1, 12) for j in (5, 6)}
    names = [e.group for e in dataset.examples]
    assert [e.group for e in untied.examples] == [changed.get(i, name) for i, name in enumerate(names)]
    assert keep_together(untied, used) == untied


def test_copies_across_few_groups_are_no_tangle() -> None:
    dataset, relatives = grouped(12), Relatives(pairs((3, 15), (40, 100)))
    assert untangled(dataset, relatives) == (dataset, relatives)


def test_a_tangle_of_copies_alone_is_of_false_ones() -> None:
    dataset, _ = tracks(alike=True)
    assert untangled(dataset, Relatives(pairs(*[(i, i + 1) for i in range(100)])))[1].copies == ()
    assert len(untangled(dataset, Relatives(pairs(*[(i, i + 1) for i in range(60)])))[1].copies) == 60
    untied, used = untangled(grouped(12), Relatives(pairs(*[(i, i + 1) for i in range(100)])))
    assert used.copies == ()
    assert untied == grouped(12)


# Split by time


def test_the_latest_are_tested() -> None:
    dataset, _ = tracks(alike=True)
    times = np.random.default_rng(0).permutation(144)
    timed = replace(
        dataset,
        examples=tuple(replace(e, time=float(t)) for e, t in zip(dataset.examples, times, strict=True)),
    )
    done = split(timed, test_fraction=0.25, by="time")
    assert sorted(e.time for e in done.part("test").examples) == list(range(108, 144))


def test_a_group_that_goes_on_across_the_moment_is_learnt_from() -> None:
    dataset, _ = tracks(alike=True)
    examples = [replace(e, time=float(i)) for i, e in enumerate(dataset.examples)]
    examples[0], examples[143] = replace(examples[0], group="long"), replace(examples[143], group="long")
    done = split(replace(dataset, examples=tuple(examples)), test_fraction=0.25, by="time")
    assert done.examples[143].part == "train"
    assert done.examples[142].part == "test"


def test_a_split_by_time_needs_times() -> None:
    dataset, _ = tracks(alike=True)
    with pytest.raises(DataError, match="needs a time for every image, and 144 of 144"):
        split(dataset, by="time")
