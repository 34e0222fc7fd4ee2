"""What must hold for every split: nothing straddles, order does not matter, growing moves nothing."""

from collections import Counter
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from regraft.core.errors import DataError
from regraft.core.hashing import unit_interval
from regraft.data import Dataset, Example, folds, split, units

# Few contents and groups, so that copies and chains of groups are common.
rows = st.tuples(
    st.integers(0, 2), st.integers(0, 25).map("sha{}".format), st.sampled_from(["", "", "g1", "g2", "g3"])
)
fractions = st.floats(0.05, 0.95)
seeds = st.integers(0, 50)


def dataset_of(many, parts=None):
    examples = [
        Example(Path(f"/{i:03}.jpg"), label, sha, group=group, part=parts[i] if parts else None)
        for i, (label, sha, group) in enumerate(many)
    ]
    return Dataset(Path("/"), ("a", "b", "c"), tuple(examples))


def assert_nothing_straddles(dataset, values):
    together = {}
    for e, value in zip(dataset.examples, values, strict=True):
        for key in [("sha", e.sha256), *([("group", e.group)] if e.group else [])]:
            assert together.setdefault(key, value) == value


def split_or_none(dataset, **settings):
    """A split, or None where refusing is right: testing any unit would leave a class unlearnt."""
    try:
        return split(dataset, **settings)
    except DataError:
        counts = Counter(label for unit in units(dataset) for label in unit.labels)
        assert all(any(counts[label] == 1 for label in unit.labels) for unit in units(dataset))
        return None


@given(st.lists(rows, min_size=1, max_size=40), fractions, seeds)
def test_units_never_straddle_and_every_class_is_learnt(many, fraction, seed):
    dataset = dataset_of(many)
    done = split_or_none(dataset, test_fraction=fraction, seed=seed)
    if done is None:
        return
    assert_nothing_straddles(done, [e.part for e in done.examples])
    assert {e.part for e in done.examples} == {"train", "test"}
    present = {e.label for e in done.examples}
    assert {e.label for e in done.part("train").examples} == present


@given(st.lists(rows, min_size=1, max_size=40), st.randoms(use_true_random=False), fractions, seeds)
def test_order_and_names_do_not_matter(many, random, fraction, seed):
    shuffled = list(many)
    random.shuffle(shuffled)
    one = split_or_none(dataset_of(many), test_fraction=fraction, seed=seed)
    other = split_or_none(dataset_of(shuffled), test_fraction=fraction, seed=seed)
    if one is None or other is None:
        assert one is other
        return
    assert one.fingerprint == other.fingerprint
    two_folds = [
        folds(d.without_test(), seed=seed) if len(units(d.without_test())) > 1 else None for d in (one, other)
    ]
    if two_folds[0] is not None:
        by_content = [
            dict(zip(((e.sha256) for e in d.without_test().examples), f.tolist(), strict=True))
            for d, f in zip((one, other), two_folds, strict=True)
        ]
        assert by_content[0] == by_content[1]


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 10**6).map("sha{}".format)), unique_by=lambda r: r[1]
    ),
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 10**6).map("new{}".format)), unique_by=lambda r: r[1]
    ),
    st.floats(0.2, 0.8),
    seeds,
)
def test_adding_images_moves_none_of_the_others(old, new, fraction, seed):
    # Every class is given one unit on each side of the threshold, so that no repair is called for.
    anchors = [
        (
            label,
            next(
                n
                for n in (f"{side}{label}-{i}" for i in range(10**4))
                if wanted(unit_interval(f"{seed}:{n}"))
            ),
        )
        for label in range(3)
        for side, wanted in (("low", lambda lot: lot < fraction), ("high", lambda lot: lot >= fraction))
    ]
    small = [(label, sha, "") for label, sha in [*anchors, *old]]
    large = [*((label, sha, f"group of {sha}") for label, sha in new), *small]
    before = {e.sha256: e.part for e in split(dataset_of(small), test_fraction=fraction, seed=seed).examples}
    after = {e.sha256: e.part for e in split(dataset_of(large), test_fraction=fraction, seed=seed).examples}
    assert before.items() <= after.items()


@given(st.lists(rows, min_size=1, max_size=30), st.data())
def test_given_parts_are_kept(many, data):
    part = st.sampled_from(["train", "val", "test", None])
    parts = data.draw(st.lists(part, min_size=len(many), max_size=len(many)))
    dataset = dataset_of(many, parts)
    try:
        done = split(dataset)
    except DataError:
        return
    for before, after in zip(dataset.examples, done.examples, strict=True):
        assert after.part is not None
        allowed = {before.part} if "test" in parts or before.part == "val" else {"train", "test"}
        if before.part is not None:
            assert after.part in allowed


@given(st.lists(rows, min_size=1, max_size=60), st.integers(2, 7), seeds)
def test_folds_are_whole_full_and_numbered_from_zero(many, count, seed):
    dataset = dataset_of(many)
    independent = len(units(dataset))
    if independent < 2:
        return
    numbers = folds(dataset, count=count, seed=seed)
    assert_nothing_straddles(dataset, numbers.tolist())
    assert np.unique(numbers).tolist() == list(range(min(count, independent)))


@given(st.lists(st.integers(0, 2), min_size=10, max_size=80), st.integers(2, 5), seeds)
def test_folds_of_single_images_are_even_in_every_class(labels, count, seed):
    dataset = dataset_of([(label, f"sha{i}", "") for i, label in enumerate(labels)])
    numbers = folds(dataset, count=count, seed=seed)
    for label in set(labels):
        counts = np.bincount(numbers[dataset.labels == label], minlength=count)
        assert counts.max() - counts.min() <= 1
