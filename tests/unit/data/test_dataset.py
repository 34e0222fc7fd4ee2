from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from regraft.core.errors import DataError
from regraft.data import Dataset, Example, Skipped, require_trainable


@pytest.fixture
def dataset() -> Dataset:
    parts = ("train", "val", "test", "train")
    examples = tuple(
        Example(Path(f"/d/{i}.jpg"), i % 2, f"sha{i}", part=part) for i, part in enumerate(parts)
    )
    return Dataset(Path("/d"), ("cat", "dog"), examples)


def test_labels_counts_and_paths(dataset):
    assert len(dataset) == 4
    assert dataset.labels.tolist() == [0, 1, 0, 1]
    assert dataset.labels.dtype == np.int64
    assert dataset.class_counts == {"cat": 2, "dog": 2}
    assert dataset.paths[3] == Path("/d/3.jpg")


def test_labels_cannot_be_changed_behind_the_examples(dataset):
    with pytest.raises(ValueError, match="read-only"):
        dataset.labels[0] = 1


def test_select_keeps_the_order_given(dataset):
    assert dataset.select([3, 0]).paths == (Path("/d/3.jpg"), Path("/d/0.jpg"))
    assert dataset.select(np.array([2])).paths == (Path("/d/2.jpg"),)


def test_select_takes_a_mask_and_an_empty_list(dataset):
    assert dataset.select(dataset.labels == 1).labels.tolist() == [1, 1]
    assert len(dataset.select(np.array([], dtype=np.int64))) == 0


def test_parts(dataset):
    assert dataset.part("train").paths == (Path("/d/0.jpg"), Path("/d/3.jpg"))
    assert {e.part for e in dataset.without_test().examples} == {"train", "val"}
    assert dataset.missing_classes("train") == ()
    assert dataset.missing_classes("test") == ("dog",)


def test_without_drops_and_lists(dataset):
    skipped = Skipped(Path("/d/1.jpg"), "damaged")
    rest = replace(dataset, skipped=(Skipped(Path("/d/x.jpg"), "empty"),)).without([skipped])
    assert [e.path.name for e in rest.examples] == ["0.jpg", "2.jpg", "3.jpg"]
    assert [s.path.name for s in rest.skipped] == ["x.jpg", "1.jpg"]


@pytest.mark.parametrize(
    "change", [{"label": 1}, {"sha256": "other"}, {"group": "g"}, {"part": "test"}, {"part": None}]
)
def test_fingerprint_follows_what_matters(dataset, change):
    changed = replace(dataset, examples=(replace(dataset.examples[0], **change), *dataset.examples[1:]))
    assert changed.fingerprint != dataset.fingerprint


def test_fingerprint_ignores_names_and_order(dataset):
    moved = tuple(replace(e, path=Path("/elsewhere") / e.path.name) for e in reversed(dataset.examples))
    assert replace(dataset, root=Path("/elsewhere"), examples=moved).fingerprint == dataset.fingerprint
    assert replace(dataset, classes=("cat", "cow")).fingerprint != dataset.fingerprint


def test_nothing_to_learn_from_says_so(dataset):
    with pytest.raises(DataError, match=r"no usable image in /d.* 1 files were skipped.*/d/9.jpg: empty"):
        require_trainable(replace(dataset, examples=(), skipped=(Skipped(Path("/d/9.jpg"), "empty"),)))
    with pytest.raises(DataError, match=r"single class, 'cat', in /d"):
        require_trainable(replace(dataset, classes=("cat",), examples=dataset.examples[::2]))
    with pytest.raises(DataError, match=r"'dog' has 1, in /d"):
        require_trainable(dataset.select([0, 1, 2]))
    require_trainable(dataset)


def test_a_task_takes_the_place_of_the_label(dataset):
    stages = ["II", "", "I", "II"]
    examples = tuple(
        replace(e, tasks=("x", stage)) for e, stage in zip(dataset.examples, stages, strict=True)
    )
    staged = replace(dataset, examples=examples, tasks=("other", "stage")).for_task("stage")
    assert (staged.classes, staged.labels.tolist()) == (("I", "II"), [1, 0, 1])
    assert [(one.path.name, one.reason) for one in staged.skipped] == [
        ("1.jpg", "has no label for the task stage")
    ]
    assert staged.for_task("other").classes == ("x",)


def test_a_task_may_be_multilabel_and_back(dataset):
    cells = ["b|a", "", "c", "b"]
    examples = tuple(
        replace(e, tasks=(cell, str(i % 2)))
        for i, (e, cell) in enumerate(zip(dataset.examples, cells, strict=True))
    )
    both = replace(dataset, examples=examples, tasks=("marks", "odd"))
    marks = both.for_task("marks")
    assert marks.is_multilabel
    assert [e.labels for e in marks.examples] == [(0, 1), (), (2,), (1,)]
    assert {e.label for e in marks.examples} == {-1}
    again = marks.for_task("odd")
    assert (again.is_multilabel, again.labels.tolist()) == (False, [0, 1, 0, 1])
    assert {e.labels for e in again.examples} == {()}


def test_an_unknown_task_is_named(dataset):
    with pytest.raises(DataError, match=r"task 'stage' in /d\. There are none"):
        dataset.for_task("stage")
    with pytest.raises(DataError, match="Did you mean stage"):
        replace(dataset, tasks=("stage",)).for_task("stag")
