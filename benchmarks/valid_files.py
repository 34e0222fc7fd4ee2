"""Small valid files of every format that is read, in variants that take different ways through a decoder."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
from PIL import ImageCms
from sklearn.datasets import load_sample_image

from regraft.core.errors import DataError
from regraft.data.formats.kinds import require_reader

SIZE = (48, 36)
ORIENTATION = 0x0112

# Of pydicom's own: uncompressed, run lengths, JPEG, JPEG 2000, palette, 12 bits, luma and chroma, frames.
DICOM_FILES = (
    "CT_small.dcm",
    "MR_small_implicit.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jp2klossless.dcm",
    "SC_rgb_rle_2frame.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "SC_rgb_small_odd.dcm",
    "SC_ybr_full_422_uncompressed.dcm",
    "ExplVR_BigEnd.dcm",
    "rtdose_1frame.dcm",
)


def valid_files() -> dict[str, list[bytes]]:
    """By format; those whose plug-in is not installed are left out."""
    photo = PIL.Image.fromarray(load_sample_image("flower.jpg")).resize(SIZE)
    found = {
        "JPEG": _jpegs(photo),
        "PNG": _pngs(photo),
        "WebP": _webps(photo),
        "TIFF": _tiffs(photo),
        "BMP": [_saved(photo.convert(mode), kind) for mode in ("RGB", "P", "1") for kind in ("BMP", "DIB")],
        "GIF": _gifs(photo),
        "PPM": _portable(photo),
        "NumPy": _arrays(np.asarray(photo)),
    }
    for name, kind in (("AVIF", "AVIF"), ("HEIC", "HEIF")):
        try:
            require_reader(kind)
        except DataError:
            continue
        exif = _exif()
        images = (photo, _translucent(photo), photo.convert("L"))
        found[name] = [_saved(image, kind, exif=exif) for image in images]
    try:
        from pydicom.data import get_testdata_file
    except ImportError:
        return found
    return found | {"DICOM": [Path(str(get_testdata_file(name))).read_bytes() for name in DICOM_FILES]}


def _exif() -> bytes:
    exif = PIL.Image.Exif()
    exif[ORIENTATION] = 6
    return exif.tobytes()


def _profile() -> bytes:
    """The colour profile of a Lab space made one for red, green and blue: odd, but whole."""
    srgb = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = srgb.index(b"rXYZ"), srgb.index(b"gXYZ")
    srgb[red : red + 4], srgb[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(srgb)


def _saved(image: PIL.Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _translucent(photo: PIL.Image.Image) -> PIL.Image.Image:
    image = photo.convert("RGBA")
    image.putalpha(photo.convert("L"))
    return image


def _jpegs(photo: PIL.Image.Image) -> list[bytes]:
    more = {"save_all": True, "append_images": [photo.rotate(90)]}
    return [
        _saved(photo, "JPEG"),
        _saved(photo, "JPEG", progressive=True, exif=_exif()),
        _saved(photo, "JPEG", icc_profile=_profile(), subsampling=0),
        _saved(photo.convert("L"), "JPEG", restart_marker_rows=1),
        _saved(photo.convert("CMYK"), "JPEG"),
        _saved(photo, "MPO", **more),
    ]


def _pngs(photo: PIL.Image.Image) -> list[bytes]:
    sixteen = np.asarray(photo).astype(np.uint16) * 257
    more = {"save_all": True, "append_images": [photo.rotate(90)]}
    return [
        *(_saved(photo.convert(mode), "PNG") for mode in ("RGB", "RGBA", "L", "LA", "1")),
        _saved(photo.quantize(16), "PNG", transparency=3),
        _saved(PIL.Image.fromarray(sixteen[:, :, 0]), "PNG"),
        _saved(photo, "PNG", icc_profile=_profile(), exif=_exif()),
        _saved(photo, "PNG", **more),
        coloured_png(sixteen),
    ]


def coloured_png(values: np.ndarray) -> bytes:
    """A PNG of 16 bits and three channels, which Pillow reads but does not write."""
    height, width, _ = values.shape
    rows = b"".join(b"\x00" + row.astype(">u2").tobytes() for row in values)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in (*chunks, (b"IEND", b"")))


def chunk(name: bytes, content: bytes) -> bytes:
    """A piece of a PNG with its checksum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _webps(photo: PIL.Image.Image) -> list[bytes]:
    more = {"save_all": True, "append_images": [photo.rotate(90)]}
    return [
        _saved(photo, "WEBP"),
        _saved(photo, "WEBP", lossless=True, exif=_exif(), icc_profile=_profile()),
        _saved(_translucent(photo), "WEBP"),
        _saved(photo, "WEBP", **more),
    ]


def _tiffs(photo: PIL.Image.Image) -> list[bytes]:
    more = {"save_all": True, "append_images": [photo.rotate(90)]}
    packed = ("tiff_lzw", "jpeg", "tiff_deflate", "packbits")
    sixteen = PIL.Image.fromarray(np.asarray(photo)[:, :, 0].astype(np.uint16) * 257)
    return [
        *(_saved(photo.convert(mode), "TIFF", exif=_exif()) for mode in ("RGB", "RGBA", "P", "CMYK", "F")),
        *(_saved(photo, "TIFF", compression=name) for name in packed),
        _saved(photo.convert("1"), "TIFF", compression="group4"),
        _saved(sixteen, "TIFF", compression="tiff_lzw"),
        _saved(photo, "TIFF", big_tiff=True),
        _saved(photo, "TIFF", **more),
    ]


def _gifs(photo: PIL.Image.Image) -> list[bytes]:
    more = {"save_all": True, "append_images": [photo.rotate(90)]}
    return [
        _saved(photo.quantize(64), "GIF"),
        _saved(photo.quantize(64), "GIF", transparency=3),
        _saved(photo, "GIF", **more),
    ]


def _portable(photo: PIL.Image.Image) -> list[bytes]:
    grey = np.asarray(photo.convert("L"))
    plain = f"P2 {grey.shape[1]} {grey.shape[0]} 255 " + " ".join(map(str, grey.ravel().tolist()))
    wide = (grey.astype(np.uint16) * 257).astype(">u2").tobytes()
    return [
        *(_saved(photo.convert(mode), "PPM") for mode in ("RGB", "L", "1")),
        f"P5\n{grey.shape[1]} {grey.shape[0]}\n65535\n".encode() + wide,
        plain.encode(),
    ]


def _arrays(pixels: np.ndarray) -> list[bytes]:
    found = []
    for array in (pixels, pixels.astype(np.uint16) * 257, pixels[:, :, 0] / 255.0, np.moveaxis(pixels, 2, 0)):
        stream = io.BytesIO()
        np.save(stream, array)
        found.append(stream.getvalue())
    return found
