import numpy as np
import PIL.Image
import pytest

from regraft.core.errors import DataError
from regraft.data import decode
from regraft.data.formats import pixels
from regraft.data.formats.pixels import from_array, from_pillow, own_range


@pytest.mark.parametrize("mode", ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK"])
def test_every_mode_becomes_rgb(photo, mode):
    steps = {"La": ["LA", "La"], "PA": ["P", "PA"], "RGBa": ["RGBA", "RGBa"]}.get(mode, [mode])
    image = photo
    for step in steps:
        image = image.convert(step)
    found = from_pillow(image)
    assert found.dtype == np.uint8
    assert found.shape == (427, 640, 3)
    assert np.abs(found.mean() - np.asarray(photo).mean()) < 12


@pytest.mark.parametrize("mode", ["YCbCr", "LAB", "HSV", "I", "F"])
def test_rarer_modes(photo, mode):
    image = photo.convert("L").convert(mode) if mode in ("I", "F") else None
    if mode == "LAB":
        image = PIL.Image.new("LAB", photo.size, (128, 0, 0))
    assert from_pillow(image or photo.convert(mode)).shape == (427, 640, 3)


@pytest.mark.parametrize("mode", ["I;16", "I;16L", "I;16B"])
def test_sixteen_bits_in_both_byte_orders(mode):
    order = ">u2" if mode == "I;16B" else "<u2"
    image = PIL.Image.frombytes(mode, (3, 1), np.array([0, 32896, 65535], order).tobytes())
    assert from_pillow(image)[0, :, 1].tolist() == [0, 128, 255]


def test_a_constant_is_black_and_no_range_is_too_wide():
    assert not from_pillow(PIL.Image.new("F", (2, 2), 5.0)).any()
    extremes = np.array([[-(2**31), 2**31 - 1]], np.int32)
    assert from_pillow(PIL.Image.fromarray(extremes))[0, :, 0].tolist() == [0, 255]
    for widest in (np.finfo(np.float64).max, 1e-300):
        assert own_range(np.array([[-widest, widest]])).tolist() == [[0, 255]]


def test_a_large_picture_is_converted_in_bands_as_in_one_piece(monkeypatch):
    random = np.random.default_rng(0)
    rgba = random.integers(0, 256, (37, 11, 4), np.uint8)
    grey = random.integers(0, 65536, (37, 11), np.uint16)
    whole = [from_array(rgba), from_array(grey), own_range(grey)]
    monkeypatch.setattr(pixels, "BAND_VALUES", 100)
    for one, other in zip(whole, [from_array(rgba), from_array(grey), own_range(grey)], strict=True):
        np.testing.assert_array_equal(one, other)


def test_alpha_is_composited_over_white():
    rgba = np.array([[[10, 20, 30, 0], [10, 20, 30, 255], [0, 101, 200, 128]]], np.uint8)
    expected = [[[255] * 3, [10, 20, 30], [127, 178, 227]]]
    assert from_array(rgba).tolist() == expected
    assert from_pillow(PIL.Image.fromarray(rgba)).tolist() == expected


def test_arrays():
    grey = np.array([[0, 255]], np.uint8)
    for array in (grey, grey[:, :, None], np.repeat(grey[:, :, None], 3, 2), grey / 255.0):
        assert decode(array).tolist() == [[[0] * 3, [255] * 3]]
    assert decode(np.full((2, 2, 3), 0.5, np.float32))[0, 0].tolist() == [128] * 3
    sixteen = np.array([[0, 257, 32896, 65535]], np.uint16)
    assert (
        decode(sixteen)[0, :, 0].tolist()
        == decode(sixteen.astype(">u2"))[0, :, 1].tolist()
        == [0, 1, 128, 255]
    )


def test_channels_may_come_first_where_they_cannot_be_last():
    random = np.random.default_rng(0)
    last = random.integers(0, 256, (8, 9, 3), np.uint8)
    np.testing.assert_array_equal(decode(np.moveaxis(last, 2, 0)), last)
    ambiguous = random.integers(0, 256, (3, 9, 3), np.uint8)
    np.testing.assert_array_equal(decode(ambiguous), ambiguous)


def test_an_array_stays_the_callers():
    array = np.zeros((4, 4, 3), np.uint8)
    decode(array)[:] = 9
    assert not array.any()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 2, 2), np.uint8), "shaped"),
        (np.zeros(4, np.uint8), "shaped"),
        (np.zeros((0, 4), np.uint8), "shaped"),
        (np.zeros((2, 2), np.int64), "not int64"),
        (np.zeros((2, 2), bool), "not bool"),
        (np.full((2, 2), 1.5), r"in \[1.5, 1.5\]"),
        (np.full((2, 2), np.nan), r"must lie in \[0, 1\]"),
    ],
)
def test_other_arrays_are_refused(array, message):
    with pytest.raises(DataError, match=message):
        decode(array)
