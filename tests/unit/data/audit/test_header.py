import io
from datetime import UTC, datetime
from typing import Any

import numpy as np
import PIL.Image
import pytest

from regraft.core.errors import DataError
from regraft.data.audit.header import read_header

MAKE, MODEL, SOFTWARE, TAKEN = 271, 272, 305, 36867


def written(mode: str = "RGB", kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    random = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    PIL.Image.fromarray(random).convert(mode).save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize("quality", [30, 50, 60, 75, 90, 98])
def test_the_quality_of_a_jpeg_is_found(quality: int) -> None:
    header = read_header(written(kind="JPEG", quality=quality))
    assert header.quality == pytest.approx(quality, abs=1.5)
    assert header.chroma_quality == pytest.approx(quality, abs=1.5)
    assert (header.kind, header.width, header.height, header.bits) == ("JPEG RGB", 30, 20, 8)


@pytest.mark.parametrize(("subsampling", "shared"), [(0, 1), (1, 2), (2, 4)])
def test_how_many_pixels_share_a_colour(subsampling: int, shared: int) -> None:
    header = read_header(written(kind="JPEG", subsampling=subsampling, progressive=subsampling == 1))
    assert header.subsampling == shared
    assert header.is_progressive == (subsampling == 1)


def test_a_grey_jpeg_has_no_colours() -> None:
    header = read_header(written("L", "JPEG", quality=80))
    assert (header.mode, header.subsampling, header.chroma_quality) == ("L", None, None)
    assert header.quality == pytest.approx(80, abs=1.5)


def test_what_is_no_jpeg_has_no_quality() -> None:
    header = read_header(written())
    assert (header.kind, header.quality, header.subsampling, header.notes) == ("PNG RGB", None, None, 0)


def test_exif_notes() -> None:
    exif = PIL.Image.Exif()
    exif[MAKE], exif[MODEL], exif[SOFTWARE] = "Acme\0", "One ", "paint"
    exif.get_ifd(0x8769)[TAKEN] = "2024:03:01 12:00:00"
    header = read_header(written(kind="JPEG", exif=exif))
    assert (header.camera, header.software) == ("Acme One", "paint")
    assert header.taken == datetime(2024, 3, 1, 12, tzinfo=UTC).timestamp() / 86400
    assert header.notes >= 4


@pytest.mark.parametrize("stamp", ["0000:00:00 00:00:00", "yesterday", ""])
def test_a_date_that_is_none_is_no_date(stamp: str) -> None:
    exif = PIL.Image.Exif()
    exif[306] = stamp
    assert read_header(written(kind="JPEG", exif=exif)).taken is None


def test_damaged_notes_are_no_reason_to_refuse_an_image() -> None:
    data = written(kind="JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x00\x00")
    assert read_header(data).width == 30


def test_bits_per_channel() -> None:
    stream = io.BytesIO()
    PIL.Image.fromarray(np.zeros((4, 4), np.uint16)).save(stream, "PNG")
    assert read_header(stream.getvalue()).bits == 16
    assert read_header(written("1")).bits == 1
    assert read_header(written("F", "TIFF")).bits == 32
    assert read_header(written("L", "TIFF")).bits == 8


def test_a_numpy_file_has_a_header_too() -> None:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.zeros((6, 5, 3), np.uint8))
    header = read_header(stream.getvalue())
    assert (header.format, header.width, header.height) == ("NPY", 5, 6)


@pytest.mark.parametrize("data", [b"no image", written(kind="JPEG")[:10]])
def test_what_is_no_image_is_refused(data: bytes) -> None:
    with pytest.raises(DataError):
        read_header(data)
