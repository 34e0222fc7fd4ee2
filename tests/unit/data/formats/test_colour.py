import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import PIL.Image
import pytest
from PIL import ImageCms

from regraft.core.errors import DataError
from regraft.data import decode
from regraft.data.formats import colour
from regraft.data.formats.colour import transform_of

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

# The primaries of Display P3 and of sRGB, adapted to D50, as their profiles hold them.
DISPLAY_P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
GAMMA = 2.2


def profile(space, columns=()):
    """A colour profile of one gamma, with these primaries if it is for colours."""

    def fixed(values):
        return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(GAMMA * 256)) + bytes(2)
    white = b"XYZ " + bytes(4) + fixed((0.9642, 1.0, 0.8249))
    tags = [(b"wtpt", white)]
    if columns:
        for name, column in zip(b"rgb".decode(), columns, strict=True):
            tags += [
                (f"{name}XYZ".encode(), b"XYZ " + bytes(4) + fixed(column)),
                (f"{name}TRC".encode(), curve),
            ]
    else:
        tags += [(b"kTRC", curve)]
    offset, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, content in tags:
        table += name + struct.pack(">II", offset + len(body), len(content))
        body += content
    size = struct.pack(">I", offset + len(body))
    header = size + b"lcms" + struct.pack(">I", 0x02400000) + b"mntr" + space + b"XYZ " + bytes(12) + b"acsp"
    header += bytes(28) + fixed((0.9642, 1.0, 0.8249))
    return header.ljust(128, b"\x00") + struct.pack(">I", len(tags)) + table + body


P3 = profile(b"RGB ", DISPLAY_P3)
GREY = profile(b"GRAY")


def encode(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_colours_of_a_wider_space_become_those_of_srgb(kind):
    image = PIL.Image.new("RGB", (16, 16), (220, 60, 60))
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100} if kind == "JPEG" else {}
    plain = decode(encode(image, kind, **options))[8, 8].astype(int)
    seen = decode(encode(image, kind, icc_profile=P3, **options))[8, 8].astype(int)
    np.testing.assert_allclose(plain, [220, 60, 60], atol=2)
    # The same numbers mean a red that sRGB writes with more red and less of the others.
    assert seen[0] > plain[0] + 8
    assert seen[1] < plain[1] - 8


def test_a_scaled_decode_converts_too(photo):
    data = encode(photo, "JPEG", icc_profile=P3, quality=95)
    small, whole = decode(data, at_least_px=100), decode(data)
    assert min(small.shape[:2]) < 214
    np.testing.assert_allclose(small.mean((0, 1)), whole.mean((0, 1)), atol=1.5)
    assert np.abs(whole.astype(int) - np.asarray(photo)).mean() > 3


@pytest.mark.parametrize("mode", ["RGB", "L", "P"])
def test_srgb_itself_changes_nothing(photo, mode):
    image = photo.resize((40, 30)).convert(mode)
    np.testing.assert_array_equal(
        decode(encode(image, "PNG", icc_profile=SRGB)), decode(encode(image, "PNG"))
    )


@pytest.mark.parametrize(
    "damaged", [b"", b"x" * 200, P3[:150], P3[:128] + bytes(300), bytes(5 << 20)], ids=len
)
def test_a_damaged_profile_is_ignored(damaged):
    image = PIL.Image.new("RGB", (4, 4), (220, 60, 60))
    image.info["icc_profile"] = damaged
    assert (decode(image) == (220, 60, 60)).all()


@pytest.mark.parametrize(("mode", "given"), [("L", P3), ("RGB", GREY), ("1", GREY), ("CMYK", P3)])
def test_a_profile_for_other_channels_is_ignored(photo, mode, given):
    image = photo.resize((8, 8)).convert(mode)
    image.info["icc_profile"] = given
    assert transform_of(image) is None


def test_transparency_survives():
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0] = (220, 60, 60, 255)
    data = encode(PIL.Image.fromarray(pixels), "PNG", icc_profile=P3)
    seen = decode(data)
    assert seen[0, 0, 0] > 228
    assert (seen[1] == 255).all()
    palette = PIL.Image.new("P", (2, 1))
    palette.putpalette([200, 0, 0, 0, 200, 0])
    palette.putdata([0, 1])
    seen = decode(encode(palette, "PNG", transparency=0, icc_profile=P3))
    assert (seen[0, 0] == 255).all()
    assert seen[0, 1, 1] > 200


def test_grey_with_a_curve_of_its_own():
    linear = bytearray(GREY)
    at = linear.index(b"curv") + 12
    linear[at : at + 2] = struct.pack(">H", 256)
    image = PIL.Image.new("L", (2, 2), 60)
    for kind in ("PNG", "JPEG", "TIFF"):
        np.testing.assert_allclose(decode(encode(image, kind, icc_profile=GREY)), 60, atol=3)
        # Linear light of 60/255 is a much lighter grey in sRGB.
        np.testing.assert_allclose(decode(encode(image, kind, icc_profile=bytes(linear))), 132, atol=3)
    alpha = PIL.Image.new("LA", (2, 2), (60, 255))
    np.testing.assert_allclose(decode(encode(alpha, "PNG", icc_profile=bytes(linear))), 132, atol=3)


def test_a_profile_is_judged_once(photo, monkeypatch):
    made = []
    real = ImageCms.ImageCmsTransform
    monkeypatch.setattr(ImageCms, "ImageCmsTransform", lambda *a, **k: made.append(1) or real(*a, **k))
    colour._transform.cache_clear()
    data = encode(photo.resize((20, 20)), "JPEG", icc_profile=P3)
    for _ in range(5):
        decode(data)
    assert len(made) == 1


def test_a_profile_that_unpacks_to_gigabytes_is_not_unpacked(photo):
    data = encode(photo.resize((8, 8)), "PNG")
    packed = b"bomb\x00\x00" + zlib.compress(bytes(100 << 20), 9)
    chunk = (
        struct.pack(">I", len(packed)) + b"iCCP" + packed + struct.pack(">I", zlib.crc32(b"iCCP" + packed))
    )
    with pytest.raises(DataError, match="Decompressed data too large"):
        decode(data[:33] + chunk + data[33:])


def test_one_profile_serves_many_threads(photo):
    sources = [encode(photo.crop((x, 0, x + 99, 99)), "JPEG", icc_profile=P3) for x in range(12)]
    alone = [decode(source) for source in sources]
    colour._transform.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(decode, sources * 5))
    for one, other in zip(alone * 5, together, strict=True):
        np.testing.assert_array_equal(one, other)
