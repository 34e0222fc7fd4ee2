import io
import os
import struct
import zlib

import numpy as np
import PIL.Image
import pytest

from regraft.core.errors import DataError
from regraft.data import decode
from regraft.data.formats.kinds import require_reader
from regraft.data.formats.limits import MOST_BYTES
from regraft.data.formats.pillow_file import ORIENTATION_TAG, START_OF_SCAN

require_reader("HEIF")


def encode(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP", "PPM"])
def test_lossless_formats_come_back_exactly(photo, kind):
    data = encode(photo, kind, **({"lossless": True} if kind == "WEBP" else {}))
    np.testing.assert_array_equal(decode(data), np.asarray(photo))


@pytest.mark.parametrize("options", [{}, {"subsampling": 0}, {"progressive": True}, {"quality": 30}])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_jpeg_pixels_are_those_of_pillow(photo, mode, options):
    data = encode(photo.convert(mode), "JPEG", **options)
    expected = np.asarray(PIL.Image.open(io.BytesIO(data)).convert("RGB"))
    np.testing.assert_array_equal(decode(data), expected)


def test_cmyk_jpeg(photo):
    data = encode(photo.convert("CMYK"), "JPEG")
    expected = np.asarray(PIL.Image.open(io.BytesIO(data)).convert("RGB"))
    np.testing.assert_array_equal(decode(data), expected)
    assert min(decode(data, at_least_px=100).shape[:2]) == 107
    assert np.abs(decode(data).astype(int) - np.asarray(photo)).mean() < 4


@pytest.mark.parametrize("at_least_px", [1, 50, 100, 214, 300, 427, 1000])
def test_a_scaled_decode_keeps_the_shorter_side(photo, at_least_px):
    pixels = decode(encode(photo, "JPEG"), at_least_px=at_least_px)
    height, width = pixels.shape[:2]
    assert min(at_least_px, 427) <= height <= 427
    assert width / height == pytest.approx(640 / 427, rel=0.02)


def test_a_scaled_decode_is_smaller_and_shows_the_same(photo):
    pixels = decode(encode(photo, "JPEG"), at_least_px=100)
    assert pixels.shape[0] < 214
    expected = np.asarray(photo.resize(pixels.shape[1::-1], PIL.Image.Resampling.BOX)).astype(float)
    assert np.abs(pixels - expected).mean() < 4


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_exif_orientation(photo, kind, orientation):
    photo = photo.resize((64, 43))
    exif = PIL.Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    data = encode(photo, kind, exif=exif.tobytes())
    turns = {
        2: PIL.Image.Transpose.FLIP_LEFT_RIGHT,
        3: PIL.Image.Transpose.ROTATE_180,
        4: PIL.Image.Transpose.FLIP_TOP_BOTTOM,
        5: PIL.Image.Transpose.TRANSPOSE,
        6: PIL.Image.Transpose.ROTATE_270,
        7: PIL.Image.Transpose.TRANSVERSE,
        8: PIL.Image.Transpose.ROTATE_90,
    }
    plain = PIL.Image.fromarray(decode(encode(photo, kind)))
    expected = plain.transpose(turns[orientation]) if orientation > 1 else plain
    if kind == "HEIF":
        # Its encoder turns the pixels by a note of its own, and loses something each time.
        assert np.abs(decode(data).astype(int) - np.asarray(expected)).mean() < 6
        return
    np.testing.assert_array_equal(decode(data), np.asarray(expected))
    # A Pillow image that still carries its orientation is turned as well, and is itself left as it was.
    opened = PIL.Image.open(io.BytesIO(data))
    np.testing.assert_array_equal(decode(opened), np.asarray(expected))


def test_damaged_exif_is_no_reason_to_refuse(photo):
    data = encode(photo, "JPEG", exif=b"Exif\x00\x00MM\x00*\x00\x00\xff\xff")
    assert decode(data).shape == (427, 640, 3)


def test_a_palette_with_transparency_lies_on_white():
    image = PIL.Image.new("P", (2, 1))
    image.putpalette([200, 0, 0, 0, 200, 0])
    image.putdata([0, 1])
    for kind in ("PNG", "GIF"):
        pixels = decode(encode(image, kind, transparency=0))
        assert pixels.tolist() == [[[255, 255, 255], [0, 200, 0]]]


def test_the_first_frame_is_taken():
    frames = [PIL.Image.new("RGB", (4, 4), colour) for colour in ((255, 0, 0), (0, 0, 255))]
    for kind in ("GIF", "TIFF", "PNG", "WEBP", "MPO", "AVIF"):
        data = encode(frames[0], kind, save_all=True, append_images=frames[1:])
        np.testing.assert_allclose(decode(data)[0, 0], [255, 0, 0], atol=3)


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_formats_of_telephones(photo, kind):
    photo = photo.resize((64, 43))
    seen = decode(encode(photo, kind, quality=90))
    assert np.abs(seen.astype(int) - np.asarray(photo)).mean() < 6
    if kind == "AVIF":
        cut = encode(photo.convert("RGBA"), kind)
        assert decode(cut).shape == seen.shape


def test_sixteen_bit_png_is_scaled_and_not_clipped():
    values = np.array([[0, 257, 32896, 65535]], np.uint16)
    data = encode(PIL.Image.fromarray(values), "PNG")
    assert decode(data)[0, :, 0].tolist() == [0, 1, 128, 255]


@pytest.mark.parametrize(
    ("data", "values"),
    [
        (b"P5\n# a remark\n4 1\n255\n\x00\x01\x80\xff", [0, 1, 128, 255]),
        (b"P5 4 1 65535\n\x00\x00\x01\x01\x80\x80\xff\xff", [0, 1, 128, 255]),
        (b"P2\n4 1\n15\n0 1 8 15\n", [0, 17, 136, 255]),
        (b"P4\n4 1\n\xa0", [0, 255, 0, 255]),
    ],
)
def test_portable_grey_maps_are_scaled_from_the_range_they_state(data, values):
    assert decode(data)[0, :, 1].tolist() == values


@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bit_colours_are_scaled_to_within_one_level(channels):
    values = np.random.default_rng(0).integers(0, 65536, (5, 6, channels)).astype(">u2")
    values[:, :, 3:] = 65535
    rows = b"".join(b"\x00" + row.tobytes() for row in values)

    def chunk(name, content):
        checksum = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)

    size = struct.pack(">IIBBBBB", 6, 5, 16, {3: 2, 4: 6}[channels], 0, 0, 0)
    pieces = ((b"IHDR", size), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    found = decode(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*piece) for piece in pieces))
    assert np.abs(found - np.rint(values[:, :, :3] / 257)).max() <= 1


def test_float_tiff_uses_its_own_range():
    values = np.array([[-1.0, 0.0, 1.0]], np.float32)
    assert decode(encode(PIL.Image.fromarray(values), "TIFF"))[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_no_numbers_are_refused(value):
    values = np.array([[0.0, 1.0, value]], np.float32)
    with pytest.raises(DataError, match="not finite numbers"):
        decode(encode(PIL.Image.fromarray(values), "TIFF"))


def test_paths_and_bytes_are_one(photo, tmp_path):
    path = tmp_path / "misnamed.png"
    photo.save(path, "JPEG")
    np.testing.assert_array_equal(decode(path), decode(path.read_bytes()))
    np.testing.assert_array_equal(decode(str(path)), decode(path.read_bytes()))


def test_pixels_are_the_callers_to_change(photo):
    pixels = decode(photo)
    pixels[:] = 0
    assert np.asarray(photo).any()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP"])
def test_a_file_cut_short_names_itself(photo, tmp_path, kind):
    path = tmp_path / "half.img"
    data = encode(photo, kind)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match=r"Cannot use .*half\.img: .*(cut short|damaged)"):
        decode(path)


def test_a_jpeg_cut_short_says_so(photo):
    data = encode(photo, "JPEG")
    with pytest.raises(DataError, match="cut short"):
        decode(data[: len(data) // 2])
    with pytest.raises(DataError, match="cut short"):
        decode(data[: len(data) // 2], at_least_px=50)


def test_a_jpeg_of_endless_passes_is_refused(photo):
    data = encode(photo, "JPEG", progressive=True)
    last = data.rindex(START_OF_SCAN)
    piece = data[data.rindex(b"\xff\xc4", 0, last) : -2]
    few, many = (data[:-2] + piece * times + data[-2:] for times in (50, 100))
    assert decode(few).shape == decode(data).shape
    with pytest.raises(DataError, match="more than 100 passes"):
        decode(many)


def test_stray_bytes_in_a_jpeg_are_tolerated_as_by_every_viewer(photo):
    data = encode(photo, "JPEG")
    stray = data[:-2] + b"\x00\x00\x00" + data[-2:]
    np.testing.assert_array_equal(decode(stray), decode(data))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"hello", "no JPEG, PNG, WebP, BMP, TIFF, GIF, AVIF, HEIC, PPM, DICOM or NumPy image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "a PostScript document, no JPEG"),
        (b"\xff\xd8\xff", "beginning is damaged"),
    ],
)
def test_what_is_no_image(tmp_path, data, reason):
    path = tmp_path / "x.jpg"
    path.write_bytes(data)
    with pytest.raises(DataError, match=reason) as caught:
        decode(path)
    assert str(path) in str(caught.value)


def test_unreadable_paths(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        decode(tmp_path / "none.jpg")
    with pytest.raises(DataError, match="cannot be read: it is a folder"):
        decode(tmp_path)
    with pytest.raises(DataError, match="cannot be read"):
        decode("a\0b.jpg")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(DataError, match="a pipe or a device"):
        decode(tmp_path / "pipe.jpg")


def test_an_absurdly_long_file_is_not_read(tmp_path):
    path = tmp_path / "long.tif"
    with path.open("wb") as stream:
        stream.truncate(MOST_BYTES + 1)
    with pytest.raises(DataError, match="more than 1,073,741,824"):
        decode(path)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "TIFF", "WEBP", "BMP", "JPEG"])
def test_a_single_pixel_is_refused(kind):
    with pytest.raises(DataError, match="1 by 1 pixels"):
        decode(encode(PIL.Image.new("RGB", (1, 1)), kind))
    assert decode(encode(PIL.Image.new("RGB", (2, 1)), kind)).shape == (1, 2, 3)


def test_absurd_sizes_are_refused(photo, monkeypatch):
    with pytest.raises(DataError, match="more than 100 times as long as wide"):
        decode(encode(PIL.Image.new("L", (1010, 10)), "PNG"))
    assert decode(encode(PIL.Image.new("L", (1000, 10)), "PNG")).shape == (10, 1000, 3)
    data = encode(photo, "JPEG")
    for limit in (200_000, 100_000):  # Pillow warns above its limit and raises above twice its limit
        monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", limit)
        with pytest.raises(DataError, match=f"more than {limit:,} pixels"):
            decode(data)


def test_messages_name_what_was_given(photo, tmp_path):
    with pytest.raises(DataError, match="the image given as 3 bytes"):
        decode(b"abc")
    with pytest.raises(DataError, match=r"an array of shape \[2, 2, 5\]"):
        decode(np.zeros((2, 2, 5), np.uint8))
    with pytest.raises(DataError, match="the Pillow image given"):
        decode(PIL.Image.new("RGB", (1000, 1)))
