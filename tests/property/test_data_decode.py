"""Damaged files, of which users have many: decoding gives pixels or a DataError, and nothing else."""

import io
import warnings
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file
from sklearn.datasets import load_sample_image

from regraft.core.errors import DataError
from regraft.data import View, decode
from regraft.data.formats.kinds import require_reader
from regraft.data.formats.pages import read_contents

KINDS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM", "AVIF", "HEIF")


def originals():
    require_reader("HEIF")
    photo = PIL.Image.fromarray(load_sample_image("flower.jpg")).resize((40, 30))
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    for kind in KINDS:
        stream = io.BytesIO()
        photo.save(stream, kind, **({} if kind in ("BMP", "GIF", "PPM") else {"exif": exif.tobytes()}))
        yield kind, stream.getvalue()
    stream = io.BytesIO()
    np.save(stream, np.asarray(photo))
    yield "NPY", stream.getvalue()
    for name in ("MR_small_RLE.dcm", "SC_rgb_jpeg_dcmtk.dcm"):
        yield name, Path(str(get_testdata_file(name))).read_bytes()


ORIGINALS = dict(originals())


def decodes_or_says_why(data, at_least_px):
    try:
        read_contents(data)
    except DataError as error:
        assert str(error)  # noqa: PT017 - both outcomes are right
    try:
        pixels = decode(data, at_least_px=at_least_px)
    except DataError as error:
        assert str(error).startswith("Cannot use the image given as ")  # noqa: PT017
        return
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert pixels.shape[2] == 3
    assert min(pixels.shape) > 0


@pytest.mark.parametrize("strict", [True, False], ids=["warnings-are-errors", "warnings-are-silent"])
@pytest.mark.parametrize("kind", ORIGINALS)
@settings(deadline=None)
@given(
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=12),
    kept=st.one_of(st.just(1.0), st.floats(0, 1)),
    at_least_px=st.sampled_from([0, 5, 20]),
)
def test_mutated_files_decode_or_say_why(kind, strict, changes, kept, at_least_px):
    data = bytearray(ORIGINALS[kind])
    for where, value in changes:
        # Squared, so that most changes hit the header, where they do most harm.
        data[int(where**2 * len(data))] = value
    with warnings.catch_warnings():
        warnings.simplefilter("error" if strict else "ignore")
        decodes_or_says_why(bytes(data[: int(kept * len(data))]), at_least_px)


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from([*ORIGINALS]),
    st.sampled_from([*ORIGINALS]),
    st.one_of(st.sampled_from([4, 8, 12, 40, 132]), st.integers(0, 6000)),
    st.binary(max_size=40),
)
def test_pieces_of_two_files_decode_or_say_why(one, other, at, between):
    decodes_or_says_why(ORIGINALS[one][:at] + between + ORIGINALS[other][at:], 0)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(data):
    with pytest.raises(DataError):
        decode(data)


@settings(deadline=None)
@given(
    st.integers(1, 90),
    st.integers(1, 90),
    st.integers(1, 40),
    st.floats(0.3, 1),
    st.sampled_from(["bicubic", "bilinear", "box"]),
)
def test_every_size_gives_the_square(height, width, image_px, crop_fraction, interpolation):
    image = np.full((height, width, 3), 77, np.uint8)
    seen = View(image_px, crop_fraction, interpolation)(image)
    assert seen.shape == (image_px, image_px, 3)
    assert (seen == 77).all()
