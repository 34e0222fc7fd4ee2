"""Which format a file has, told by its first bytes and never by its name.

Only the formats named here are ever handed to a decoder: some decoders that Pillow has (EPS) run programs.
"""

import functools

import PIL.features

from regraft.core.errors import DataError

KINDS = "JPEG, PNG, WebP, BMP, TIFF, GIF, AVIF, HEIC, PPM, DICOM or NumPy"

_SPACES = (b" ", b"\t", b"\n", b"\r")

_BEGINNINGS = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
    (b"BM", "BMP"),
    (b"\x93NUMPY", "NPY"),
    *((b"P" + number + space, "PPM") for number in (b"1", b"2", b"3", b"4", b"5", b"6") for space in _SPACES),
)

# A bitmap without the header of a file begins with the length of its own header.
_DIB_HEADERS = tuple(length.to_bytes(4, "little") for length in (12, 40, 52, 56, 64, 108, 124))

_HEIF_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_MOST_BRANDS = 64

# What is commonly found under an image's name. Saying what it is saves the user a look.
_OTHERS = (
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML text"),
    (b"version https://git-lfs", "a Git LFS pointer, whose file was not fetched"),
    (b"%pdf", "a PDF document"),
    (b"%!ps", "a PostScript document"),
    (b"pk\x03\x04", "a ZIP archive"),
    (b"8bps", "a Photoshop document"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"\x00\x00\x00\x0cjxl ", "a JPEG XL image"),
    (b"\x00\x00\x00\x0cjp  ", "a JPEG 2000 image"),
)


def sniff(data: bytes) -> str:
    """The format's name as Pillow has it, or `NPY`, `DICOM`.

    Raises:
        DataError: it begins like none of them.
    """
    # What precedes the mark of DICOM may be anything, such as the beginning of a TIFF.
    if data[128:132] == b"DICM":
        return "DICOM"
    for beginning, name in _BEGINNINGS:
        if data.startswith(beginning):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp" and (brand := _brand(data)):
        return brand
    if data[:4] in _DIB_HEADERS:
        return "DIB"
    raise DataError(_what_else(data))


def require_reader(name: str) -> None:
    """Make the decoder of a format that Pillow may lack ready for use.

    Raises:
        DataError: it is not installed.
    """
    if name == "HEIF" and not _register_heif():
        raise DataError("it is a HEIC image, which needs the plug-in pillow-heif: pip install pillow-heif")
    if name == "AVIF" and not PIL.features.check("avif"):
        raise DataError("it is an AVIF image, which this Pillow cannot read: pip install --upgrade pillow")


@functools.cache
def _register_heif() -> bool:
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


def _brand(data: bytes) -> str:
    """AVIF or HEIF, by the brands that the file says it is compatible with."""
    end = min(int.from_bytes(data[:4], "big"), 8 + 4 * _MOST_BRANDS)
    brands = {data[start : start + 4] for start in (8, *range(16, end, 4))}
    # Both name the general brand of images, "mif1", so the particular one decides.
    if brands & _AVIF_BRANDS:
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else ""


def _what_else(data: bytes) -> str:
    beginning = data[:100].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for sign, what in _OTHERS:
        if beginning.startswith(sign) or data.lower().startswith(sign):
            return f"it is {what}, no {KINDS} image"
    if data and not data.strip(b"\x00"):
        return f"it holds {len(data)} zero bytes and nothing else; its content was lost"
    return f"it is no {KINDS} image, or its beginning is damaged"
