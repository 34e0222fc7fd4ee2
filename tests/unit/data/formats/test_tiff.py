import io

import numpy as np
import pytest
import tifffile

from regraft.core.errors import DataError
from regraft.data import decode

RAMP = np.linspace(0, 65535, 30).astype(np.uint16).reshape(5, 6)
COLOURS = np.random.default_rng(0).integers(0, 65536, (5, 6, 3)).astype(np.uint16)


def tiff(array, **options):
    stream = io.BytesIO()
    tifffile.imwrite(stream, array, **options)
    return stream.getvalue()


@pytest.mark.parametrize("options", [{}, {"byteorder": ">"}, {"compression": "zlib"}, {"bigtiff": True}])
def test_sixteen_bits_are_scaled_from_their_full_range(options):
    expected = np.rint(RAMP / 257)
    assert (decode(tiff(RAMP, **options)) == expected[:, :, None]).all()
    if "byteorder" not in options:  # Pillow reads white as zero in one byte order only.
        inverted = decode(tiff(RAMP, photometric="miniswhite", **options))
        assert (inverted == 255 - expected[:, :, None]).all()
    colours = decode(tiff(COLOURS, photometric="rgb", **options))
    assert np.abs(colours - np.rint(COLOURS / 257)).max() <= 1


def test_twelve_bits_fill_twelve_bits():
    values = np.array([[0, 4095, 2048, 16]], np.uint16)
    packed = bytes([0x00, 0x0F, 0xFF, 0x80, 0x00, 0x10])
    tags = {256: 4, 257: 1, 258: 12, 259: 1, 262: 1, 273: 122, 277: 1, 278: 1, 279: 6}
    entries = b"".join(
        tag.to_bytes(2, "little")
        + (4).to_bytes(2, "little")
        + (1).to_bytes(4, "little")
        + n.to_bytes(4, "little")
        for tag, n in tags.items()
    )
    data = (
        b"II*\x00" + (8).to_bytes(4, "little") + len(tags).to_bytes(2, "little") + entries + bytes(4) + packed
    )
    assert len(data) == 128
    assert decode(data)[0, :, 0].tolist() == np.rint(values[0] / 4095 * 255).tolist()


@pytest.mark.parametrize("type_", [np.float32, np.int32, np.uint32])
def test_32_bits_use_the_range_of_the_picture(type_):
    values = (RAMP // 7).astype(type_)
    expected = np.rint(RAMP / 257)
    assert np.abs(decode(tiff(values))[:, :, 0] - expected).max() <= 1
    inverted = (
        decode(tiff(values, photometric="miniswhite"))[:, :, 0] if type_ == np.float32 else 255 - expected
    )
    assert np.abs(inverted - (255 - expected)).max() <= 1


def test_what_pillow_would_read_wrongly_is_refused():
    planar = {"photometric": "rgb", "planarconfig": "separate"}
    with pytest.raises(DataError, match="one after another"):
        decode(tiff(np.moveaxis(COLOURS, 2, 0), **planar))
    eight = (COLOURS // 257).astype(np.uint8)
    np.testing.assert_array_equal(decode(tiff(np.moveaxis(eight, 2, 0), **planar)), eight)


def test_what_pillow_cannot_read_is_named():
    for array, words in (
        (COLOURS.astype(np.float32), "3 channels of 32 bits, floats"),
        (RAMP.astype(np.float64), "1 channel of 64 bits, floats"),
        (np.zeros((4, 4, 5), np.uint8), "5 channels of 8 bits, unsigned"),
    ):
        photometric = "rgb" if array.shape[-1] == 3 else "minisblack"
        planes = {"planarconfig": "contig"} if array.ndim == 3 else {}
        for bigtiff in (False, True):
            data = tiff(array, photometric=photometric, bigtiff=bigtiff, **planes)
            with pytest.raises(DataError, match=f"a TIFF of a kind that is not read: {words}"):
                decode(data)
    with pytest.raises(DataError, match="begins like a TIFF image, but its beginning is damaged"):
        decode(tiff(RAMP)[:40])


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"])
@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_eight_bits_of_every_mode(photo, mode, compression):
    image = photo.resize((32, 21)).convert(mode)
    stream = io.BytesIO()
    image.save(stream, "TIFF", compression=compression)
    expected = image.convert("RGB") if mode != "LA" else image.convert("L").convert("RGB")
    found = decode(stream.getvalue())
    assert np.abs(found.astype(int) - np.asarray(expected)).max() <= 2
