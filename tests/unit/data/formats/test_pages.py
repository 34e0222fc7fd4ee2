import io
import struct

import numpy as np
import PIL.Image
import pytest

from regraft.core.errors import DataError
from regraft.data.formats.pages import Contents, read_contents


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


def pages(count, last_leads_to=0):
    """A TIFF of so many pages, all of the same two pixels, the last of which may lead to another."""
    tags = {256: 2, 257: 1, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 1, 279: 2}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    length = 2 + len(entries) + 4
    found = [b"II*\x00" + struct.pack("<I", 10) + b"\x00\xff"]
    for number in range(1, count + 1):
        leads_to = 10 + number * length if number < count else last_leads_to
        found.append(struct.pack("<H", len(tags)) + entries + struct.pack("<I", leads_to))
    return b"".join(found)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (pages(1), "TIFF L"),
        (pages(1000), "TIFF L, first of 1000 pages"),
        (pages(1001), "TIFF L, first of more than 1000 pages"),
        (pages(30_000), "TIFF L, first of more than 1000 pages"),
        (pages(1, last_leads_to=10), "TIFF L"),
        (pages(3, last_leads_to=10), "TIFF L, first of 3 pages"),
    ],
    ids=len,
)
def test_pages_are_counted_up_to_a_number_and_in_no_circle(data, words):
    assert read_contents(data).kind == words


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
