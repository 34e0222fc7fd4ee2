from pathlib import Path

import pytest

from regraft.core.errors import DataError
from regraft.data import Dataset, Example, require_parts, require_trainable


def labelled(*labels: tuple[int, ...], classes: tuple[str, ...] = ("disc", "red")) -> Dataset:
    examples = [Example(Path(f"/d/{i}.png"), -1, f"{i:064x}", labels=own) for i, own in enumerate(labels)]
    return Dataset(Path("/d"), classes, tuple(examples), is_multilabel=True)


def test_two_images_with_and_two_without_each_label_will_do():
    require_trainable(labelled((0,), (0, 1), (1,), ()))


def test_a_single_label_will_do():
    require_trainable(labelled((0,), (0,), (), (), classes=("disc",)))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([(0,), (1,), (1,), ()], "'disc' has 1 and 3"),
        ([(0,), (0, 1), (0, 1), ()], "'disc' has 3 and 1"),
        ([(0,), (0,), (), ()], "'red' has 0 and 4"),
    ],
)
def test_a_label_that_few_images_have_or_lack_is_named(labels, message):
    with pytest.raises(DataError, match=message):
        require_trainable(labelled(*labels))


def test_no_image_or_no_label_at_all():
    with pytest.raises(DataError, match="There is no usable image in"):
        require_trainable(labelled())
    with pytest.raises(DataError, match=r"No image in .* has a label"):
        require_trainable(labelled((), (), classes=()))


def test_a_label_that_the_train_part_lacks_is_named():
    from dataclasses import replace

    dataset = labelled((0,), (0, 1), (1,), ())
    parts = ("train", "test", "test", "train")
    given = [replace(e, part=part) for e, part in zip(dataset.examples, parts, strict=True)]
    with pytest.raises(DataError, match="has no image of 'red'"):
        require_parts(replace(dataset, examples=tuple(given)))
