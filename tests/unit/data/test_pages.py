import io

import numpy as np
import PIL.Image
import pytest

from regraft.core.errors import DataError
from regraft.data.pages import Contents, read_contents


def saved(photo, kind, pictures):
    stream = io.BytesIO()
    more = {"save_all": True, "append_images": [photo.rotate(90 * turn) for turn in range(1, pictures)]}
    photo.save(stream, kind, **(more if pictures > 1 else {}))
    return stream.getvalue()


@pytest.fixture
def small(photo):
    return photo.resize((64, 43))


@pytest.mark.parametrize(
    ("kind", "pictures", "words"),
    [
        ("TIFF", 5, "TIFF RGB, first of 5 pages"),
        ("TIFF", 1, "TIFF RGB"),
        ("GIF", 3, "GIF P, first of 3 frames"),
        ("PNG", 3, "PNG RGB, first of 3 frames"),
        ("WEBP", 1, "WEBP RGB"),
        ("AVIF", 2, "AVIF RGB, first of 2 frames"),
        ("JPEG", 1, "JPEG RGB"),
        ("MPO", 2, "MPO RGB"),
    ],
)
def test_it_is_said_that_only_the_first_is_read(small, tmp_path, kind, pictures, words):
    path = tmp_path / "misnamed.png"
    path.write_bytes(saved(small, kind, pictures))
    found = read_contents(path)
    assert found.kind == words
    assert (found.width, found.height) == (64, 43)
    assert read_contents(str(path)) == read_contents(path.read_bytes()) == found


def test_an_array_in_a_file():
    stream = io.BytesIO()
    np.save(stream, np.zeros((4, 5, 3), np.uint8))
    assert read_contents(stream.getvalue()) == Contents("NPY", "3 channels", 5, 4)


@pytest.mark.parametrize(
    ("data", "reason"), [(b"", "no JPEG"), (b"\xff\xd8\xff", "damaged"), (b"<html>", "a web page")]
)
def test_what_is_no_image(data, reason):
    with pytest.raises(DataError, match=reason):
        read_contents(data)


def test_absurd_sizes_are_refused():
    stream = io.BytesIO()
    PIL.Image.new("L", (2000, 1)).save(stream, "PNG")
    with pytest.raises(DataError, match="times as long as wide"):
        read_contents(stream.getvalue())
