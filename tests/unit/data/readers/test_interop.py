"""Data sets as other libraries shape them: torchvision's own, and look-alikes of Hugging Face's."""

import io

import numpy as np
import PIL.Image
import pytest
import torch
from torch.utils.data import Subset, TensorDataset
from torchvision.datasets import FakeData, ImageFolder
from torchvision.transforms import Compose, Normalize, ToTensor

from regraft.core.errors import DataError
from regraft.data import decode, read
from regraft.data.readers.interop import read_object

pytestmark = pytest.mark.usefixtures("empty_cache")


def encoded(colour, kind="JPEG"):
    stream = io.BytesIO()
    PIL.Image.new("RGB", (16, 16), colour).save(stream, format=kind)
    return stream.getvalue()


@pytest.fixture
def folder(put, tmp_path):
    for i, name in enumerate(["d/cat/1.png", "d/cat/2.png", "d/dog/3.png"]):
        put(name, 10 * i)
    return tmp_path / "d"


# torchvision


def test_an_image_folder_is_its_files(folder, empty_cache):
    dataset = read(ImageFolder(folder, transform=ToTensor()))
    assert dataset.examples == read(folder).examples
    assert dataset.classes == ("cat", "dog")
    assert not (empty_cache / "images").exists()


def test_a_subset_of_an_image_folder(folder):
    inner = Subset(ImageFolder(folder), [2, 0])
    assert [p.name for p in read(inner).paths] == ["3.png", "1.png"]
    assert [p.name for p in read(Subset(inner, [1])).paths] == ["1.png"]


def test_images_made_on_the_way_are_kept():
    source = FakeData(6, (3, 10, 12), num_classes=3)
    dataset = read(source)
    assert len(dataset) == 6
    assert dataset.classes == tuple(sorted({str(int(label)) for _, label in source}))
    assert (decode(dataset.paths[4]) == np.asarray(source[4][0])).all()


def test_transforms_are_left_out_and_the_source_stays_as_it_was():
    transform = Compose([ToTensor(), Normalize((0.5,) * 3, (0.5,) * 3)])
    source = FakeData(4, (3, 10, 12), num_classes=2, transform=transform)
    assert read(source).fingerprint == read(FakeData(4, (3, 10, 12), num_classes=2)).fingerprint
    assert source.transform is transform


def test_classes_name_the_numbers():
    source = FakeData(6, (3, 10, 12), num_classes=2)
    source.classes = ["cat", "dog"]
    assert set(read(source).classes) <= {"cat", "dog"}


def test_tensors_with_channels_first():
    images = torch.rand(3, 3, 10, 12)
    dataset = read(TensorDataset(images, torch.tensor([0, 1, 0])))
    assert dataset.labels.tolist() == [0, 1, 0]
    assert decode(dataset.paths[0]).shape == (10, 12, 3)
    assert decode(dataset.paths[0])[2, 5, 1] == pytest.approx(float(images[0, 1, 2, 5]) * 255, abs=0.51)


def test_rows_of_ones_and_zeros_are_several_labels():
    dataset = read(TensorDataset(torch.rand(2, 3, 10, 12), torch.tensor([[0, 1, 1], [0, 0, 0]])))
    assert dataset.is_multilabel
    assert dataset.classes == ("1", "2")
    assert [e.labels for e in dataset.examples] == [(0, 1), ()]


def test_pairs_in_a_list():
    pairs = [(PIL.Image.new("RGB", (4, 4), colour), colour) for colour in ("red", "blue")]
    assert read(pairs).classes == ("blue", "red")


def test_an_image_that_the_source_cannot_open_is_listed(folder):
    class Opening:
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return PIL.Image.open(folder / ("cat/1.png" if index else "none.png")), "x"

    dataset = read(Opening())
    assert len(dataset) == 1
    assert [str(one.path) for one in dataset.skipped] == ["image 0"]
    assert "cannot be opened" in dataset.skipped[0].reason


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([("only",)], "An item of the list is no pair"),
        ([], "None of the 0 images"),
        ({"a": 1}, "A dict is no data set"),
    ],
)
def test_what_is_no_data_set(source, message):
    with pytest.raises(DataError, match=message):
        read(source)


def test_a_stream_has_no_length():
    with pytest.raises(DataError, match="A list_iterator cannot be read: it has no length"):
        read_object(iter([]))


def test_labels_cannot_be_taken_from_names_or_columns_that_are_not_there():
    source = FakeData(2, (3, 10, 12), num_classes=2)
    with pytest.raises(DataError, match="no file names"):
        read(source, label_from="{label}_*")
    with pytest.raises(DataError, match="no label columns"):
        read(source, task="stage")


# Hugging Face, by its shape


class Image:
    def __init__(self, decode=True):
        self.decode = decode


class ClassLabel:
    def __init__(self, names):
        self.names = names


class Sequence:
    def __init__(self, feature):
        self.feature = feature


class Table:
    """As `datasets.Dataset`: rows of columns, and images as bytes once the column is cast."""

    def __init__(self, features, rows):
        self.features, self.rows = features, rows

    @property
    def column_names(self):
        return list(self.features)

    def cast_column(self, name, feature):
        return Table({**self.features, name: feature}, self.rows)

    def __len__(self):
        return len(self.rows)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index):
        row = dict(self.rows[index])
        for name, feature in self.features.items():
            if isinstance(feature, Image) and feature.decode:
                row[name] = PIL.Image.open(io.BytesIO(row[name]["bytes"]))
        return row


def table(*rows, **features):
    columns = {"image": Image(), **features}
    made = [{"image": {"bytes": encoded(colour), "path": None}, **row} for colour, row in rows]
    return Table(columns, made)


def test_original_bytes_and_class_names():
    source = table(
        ("red", {"label": 1}), ("blue", {"label": 0}), ("green", {"label": -1}), label=ClassLabel(["b", "a"])
    )
    dataset = read(source)
    assert dataset.classes == ("a", "b")
    assert dataset.labels.tolist() == [0, 1]
    assert dataset.paths[0].read_bytes() == encoded("red")
    assert [one.reason for one in dataset.skipped] == ["has no label"]


def test_splits_are_parts():
    kinds = {"label": ClassLabel(["a", "b"])}
    one = table(("red", {"label": 1}), ("blue", {"label": 0}), **kinds)
    two = table(("green", {"label": 1}), **kinds)
    dataset = read({"train": one, "validation": two, "test": two})
    assert [e.part for e in dataset.examples] == ["train", "train", "val", "test"]
    with pytest.raises(DataError, match="The split 'extra' is none of train"):
        read({"train": one, "extra": two})


def test_several_labels_in_a_cell():
    source = table(
        ("red", {"labels": [1, 0]}), ("blue", {"labels": []}), labels=Sequence(ClassLabel(["a", "b"]))
    )
    dataset = read(source)
    assert dataset.is_multilabel
    assert [e.labels for e in dataset.examples] == [(0, 1), ()]


def test_which_column_is_the_label():
    kinds = {"fine": ClassLabel(["rose", "oak"]), "coarse": ClassLabel(["flower", "tree"])}
    source = table(("red", {"fine": 0, "coarse": 0}), ("blue", {"fine": 1, "coarse": 1}), **kinds)
    assert read(source, task="coarse").classes == ("flower", "tree")
    with pytest.raises(DataError, match=r"Which of the columns 'image', 'fine', 'coarse' holds the labels"):
        read(source)
    with pytest.raises(DataError, match=r"no column 'coarsest'\. Did you mean coarse"):
        read(source, task="coarsest")
    assert read(table(("red", {"kind": 0}), kind=ClassLabel(["a"]))).classes == ("a",)


def test_columns_that_are_text_or_files_on_disk(put):
    path = put("photo.png", 3)
    source = Table(
        {"img": Image(), "label": None}, [{"img": {"bytes": None, "path": str(path)}, "label": "cat"}]
    )
    source.__class__ = type("Lazy", (Table,), {"__getitem__": lambda self, i: self.rows[i]})
    dataset = read(source)
    assert dataset.paths == (path,)
    assert dataset.classes == ("cat",)


def test_lists_of_numbers():
    rows = [
        {"image": [[[0, 128, 255]] * 4] * 3, "label": "a"},
        {"image": [[[0, 128, 300]] * 4] * 3, "label": "b"},
    ]
    dataset = read(Table({"image": None, "label": None}, rows))
    assert decode(dataset.paths[0])[2, 3].tolist() == [0, 128, 255]
    assert [str(one.path) for one in dataset.skipped] == ["image 1"]


def test_without_a_column_of_images():
    with pytest.raises(DataError, match="None of the columns 'text', 'label' holds images"):
        read(Table({"text": None, "label": None}, [{"text": "x", "label": "a"}]))
