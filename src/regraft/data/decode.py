"""Turning a file, bytes, a Pillow image or an array into pixels: uint8, height by width by three.

JPEG, PNG, WebP, BMP, TIFF and GIF are read, each by its content and not by its name; no other format is
tried, since some decoders (EPS) run programs. Of several frames the first is taken. The EXIF orientation
is applied, also where the caller's own Pillow image still carries one. `pixels` says how every kind of
pixel becomes red, green and blue.

Pillow reads every header. The pixels of ordinary JPEGs are then decoded by libjpeg-turbo through
simplejpeg, which gives the same values, faster, and releases the interpreter lock. A caller that will
shrink the image says so with `at_least_px`: a JPEG is then decoded at the smallest eighth of its size whose
shorter side keeps that many pixels, which for photographs of a camera saves most of the time. The result
depends on the file and on `at_least_px` alone.
"""

import io
from pathlib import Path

import numpy as np
import PIL.Image
import simplejpeg

from regraft.core.arrays import Array, Image
from regraft.core.errors import DataError
from regraft.data.pixels import from_array, from_pillow, orient

Source = Path | str | bytes | PIL.Image.Image | Array

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "DIB", "TIFF", "GIF")
JPEG_FORMATS = ("JPEG", "MPO")
ORIENTATION_TAG = 0x0112

# A picture a hundred times as long as wide is a strip or a mistake, and enlarging its shorter side to a
# network's size would need gigabytes.
LONGEST_RATIO = 100


def decode(source: Source, *, at_least_px: int = 0) -> Image:
    """The pixels of an image.

    Args:
        source: a path, the bytes of a file, a Pillow image, or an array (see `pixels.from_array`).
        at_least_px: how many pixels the shorter side must keep; fewer than the image has allow a JPEG to
            be decoded at a smaller scale. 0 means all.

    Raises:
        DataError: it cannot be read, is no image, is damaged, cut short, or absurdly large or narrow.
    """
    try:
        return decode_plainly(source, at_least_px=at_least_px)
    except DataError as error:
        raise DataError(f"Cannot use {describe(source)}: {error}.") from error


def decode_plainly(source: Source, *, at_least_px: int = 0) -> Image:
    """As `decode`, with errors that say the reason alone: for callers that name the file themselves."""
    if isinstance(source, np.ndarray):
        pixels = from_array(source)
        _require_sensible_shape(pixels.shape[1], pixels.shape[0])
        return pixels
    if isinstance(source, PIL.Image.Image):
        return _decode_pillow(source, b"", 0)
    data = source if isinstance(source, bytes) else _read(Path(source))
    return _decode_pillow(_open(data), data, at_least_px)


def describe(source: Source) -> str:
    """What to call an image in a message."""
    if isinstance(source, (Path, str)):
        return str(source)
    if isinstance(source, bytes):
        return f"the image given as {len(source)} bytes"
    if isinstance(source, np.ndarray):
        return f"the image given as an array of shape {list(source.shape)}"
    return str(getattr(source, "filename", "")) or "the Pillow image given"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise DataError("there is no such file") from None
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror or error})") from error


def _open(data: bytes) -> PIL.Image.Image:
    if not data:
        raise DataError("the file is empty (0 bytes)")
    try:
        return PIL.Image.open(io.BytesIO(data), formats=FORMATS)
    except PIL.UnidentifiedImageError:
        kinds = "JPEG, PNG, WebP, BMP, TIFF or GIF"
        raise DataError(f"it is no {kinds} image, or its beginning is damaged") from None
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning):
        raise DataError(_too_large()) from None
    except Exception as error:
        # Decoders of damaged files raise whatever their parsing runs into: struct.error, KeyError, ...
        raise DataError(f"its header is damaged ({error})") from error


def _decode_pillow(image: PIL.Image.Image, data: bytes, at_least_px: int) -> Image:
    _require_sensible_shape(*image.size)
    try:
        pixels = _fast_jpeg(image, data, at_least_px)
        if pixels is None:
            if image.format in JPEG_FORMATS and at_least_px > 0 and data:
                image.draft(None, (at_least_px, at_least_px))
            # Loading may turn the image (TIFF) or find its orientation behind the pixels (PNG).
            image.load()
            pixels = from_pillow(image)
    except Exception as error:
        truncated = "truncated" in str(error).casefold()
        raise DataError(f"it is {'cut short' if truncated else 'damaged'} ({error})") from error
    return orient(pixels, _orientation(image))


def _fast_jpeg(image: PIL.Image.Image, data: bytes, at_least_px: int) -> Image | None:
    """The pixels of an ordinary JPEG, or None if Pillow has to decode and judge it."""
    if image.format not in JPEG_FORMATS or image.mode not in ("RGB", "L") or not data:
        return None
    # Without a wish the whole size is asked for: simplejpeg reads 0 as "no lower limit".
    width, height = (at_least_px, at_least_px) if at_least_px > 0 else image.size
    try:
        pixels: Image = simplejpeg.decode_jpeg(data, colorspace="RGB", min_height=height, min_width=width)
    except ValueError:
        # It is strict: stray bytes between segments, which every viewer tolerates, are errors to it.
        return None
    return pixels


def _orientation(image: PIL.Image.Image) -> int:
    try:
        value = image.getexif().get(ORIENTATION_TAG, 1)
    except Exception:  # noqa: BLE001 - damaged notes about an image are no reason to refuse it
        return 1
    return value if isinstance(value, int) else 1


def _require_sensible_shape(width: int, height: int) -> None:
    if not width or not height:
        raise DataError(f"it has no pixels ({width} by {height})")
    if PIL.Image.MAX_IMAGE_PIXELS is not None and width * height > PIL.Image.MAX_IMAGE_PIXELS:
        raise DataError(_too_large())
    if max(width, height) > LONGEST_RATIO * min(width, height):
        raise DataError(f"it is {width} by {height} pixels, more than {LONGEST_RATIO} times as long as wide")


def _too_large() -> str:
    return (
        f"it has more than {PIL.Image.MAX_IMAGE_PIXELS:,} pixels; cut or shrink it, or if you trust it raise "
        f"PIL.Image.MAX_IMAGE_PIXELS"
    )
