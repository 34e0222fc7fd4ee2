from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from regraft.core.errors import ArtifactError, DataError
from regraft.data import decode, from_images

pytestmark = pytest.mark.usefixtures("empty_cache")


def plain(colour, mode="RGB"):
    return PIL.Image.new(mode, (8, 6), colour)


def test_the_order_given_is_kept_and_names_are_sorted():
    images = [plain("red"), np.zeros((6, 8, 3), np.uint8), np.full((6, 8), 0.5)]
    dataset = from_images(images, ["dog", "cat", "dog"])
    assert dataset.classes == ("cat", "dog")
    assert dataset.labels.tolist() == [1, 0, 1]
    assert [decode(path)[0, 0].tolist() for path in dataset.paths] == [
        [255, 0, 0],
        [0, 0, 0],
        [128, 128, 128],
    ]


def test_pixels_come_back_as_they_were(photo):
    (path,) = from_images([photo], ["china"]).paths
    assert (decode(path) == np.asarray(photo)).all()


def test_what_else_is_told():
    images = [plain(colour) for colour in ("red", "green", "blue", "white")]
    dataset = from_images(
        images,
        [1, 0, 1, 0],
        classes=["cat", "dog"],
        groups=[7, 7, "", "x"],
        domains=["lab"] * 4,
        parts=["train", "valid", "test", None],
    )
    assert dataset.classes == ("cat", "dog")
    assert dataset.labels.tolist() == [1, 0, 1, 0]
    assert [e.group for e in dataset.examples] == ["7", "7", "", "x"]
    assert {e.domain for e in dataset.examples} == {"lab"}
    assert [e.part for e in dataset.examples] == ["train", "val", "test", None]


@pytest.mark.parametrize(
    "labels",
    [
        [["b", "a"], [], ["a", "a"]],
        [{"a", "b"}, (), "a"],
        np.array([[1, 1], [0, 0], [1, 0]]),
        [[1, 0], [], [0]],
    ],
)
def test_several_labels(labels):
    dataset = from_images([plain("red"), plain("green"), plain("blue")], labels, classes=["a", "b"])
    assert dataset.is_multilabel
    assert dataset.classes == ("a", "b")
    assert [e.labels for e in dataset.examples] == [(0, 1), (), (0,)]
    assert dataset.label_matrix.tolist() == [[True, True], [False, False], [True, False]]


def test_numbers_without_names_and_kinds_of_numbers():
    dataset = from_images([plain("red"), plain("green")], np.array([10, 2], np.int16))
    assert dataset.classes == ("2", "10")
    assert dataset.labels.tolist() == [1, 0]


def test_the_same_images_are_the_same_files(empty_cache):
    first = from_images([plain("red"), plain("green")], ["a", "b"])
    again = from_images([np.asarray(plain("red")), plain("green")], ["a", "b"])
    assert first.paths == again.paths
    assert first.fingerprint == again.fingerprint
    assert len([p for p in (empty_cache / "images").rglob("*") if p.is_file()]) == 2


def test_an_image_that_comes_twice_has_two_names_and_one_content():
    dataset = from_images([plain("red"), plain("red"), plain("red")], ["a", "b", "a"])
    assert len(set(dataset.paths)) == 3
    assert len({e.sha256 for e in dataset.examples}) == 1
    assert from_images([plain("red")] * 3, ["a", "b", "a"]).paths == dataset.paths


def test_files_stay_where_they_are_and_bytes_as_they_are(put):
    path = put("photo.png", 3)
    dataset = from_images([path, str(path), path.read_bytes() + b" "], ["a", "a", "b"])
    assert dataset.paths[:2] == (path, path)
    assert dataset.paths[2].read_bytes() == path.read_bytes() + b" "


def test_images_that_cannot_be_used_are_listed_by_their_number(tmp_path):
    images = [
        plain("red"),
        np.zeros((2, 2, 7), np.uint8),
        plain("blue"),
        plain("white"),
        tmp_path / "none.png",
    ]
    dataset = from_images(images, ["a", "b", None, -1, "c"])
    assert len(dataset) == 1
    reasons = {str(one.path): one.reason for one in dataset.skipped}
    assert "shaped" in reasons.pop("image 1")
    assert reasons == {
        "image 2": "has no label",
        "image 3": "has no label",
        str(tmp_path / "none.png"): "there is no such file",
    }


@pytest.mark.parametrize(
    ("labels", "more", "message"),
    [
        (["a"], {}, "There are 2 images but 1 labels"),
        (["a", "b"], {"groups": ["g"]}, "There are 2 images but 1 groups"),
        (["a", "b"], {"domains": []}, "There are 2 images but 0 domains"),
        (["a", "b"], {"parts": ["train", "dev"]}, "part of image 1 is 'dev'"),
        ([0, 2], {"classes": ["a", "b"]}, "A label is 2, but there are names for 2 classes"),
        ([0.5, 1], {}, "A label is 0.5. Give names or whole numbers"),
        ([None, None], {}, "None of the 2 images given can be used. The first is image 0: has no label"),
    ],
)
def test_what_makes_no_sense(labels, more, message):
    with pytest.raises(DataError, match=message.replace(".", r"\.")):
        from_images([plain("red"), plain("green")], labels, **more)


def test_no_image_at_all():
    with pytest.raises(DataError, match="None of the 0 images given can be used"):
        from_images([], [])


def test_a_generator_will_do():
    assert len(from_images((plain((i, 0, 0)) for i in range(100)), [i % 2 for i in range(100)])) == 100


def test_a_cache_that_cannot_be_written(empty_cache):
    empty_cache.parent.mkdir(exist_ok=True)
    empty_cache.write_text("a file")
    with pytest.raises(ArtifactError, match="Cannot keep images in the cache"):
        from_images([plain("red")], ["a"])


def test_paths_are_absolute(put, monkeypatch, tmp_path):
    put("photo.png", 3)
    monkeypatch.chdir(tmp_path)
    assert from_images([Path("photo.png")], ["a"]).paths == (tmp_path / "photo.png",)
