"""Files that Pillow reads, its plug-ins included, and JPEGs that something faster decodes.

Pillow reads every header. The pixels of ordinary JPEGs are then decoded by libjpeg-turbo through
simplejpeg, which gives the same values, faster, and releases the interpreter lock (`benchmarks/decode.py`).
"""

import io

import numpy as np
import PIL.Image
import simplejpeg

from regraft.core.arrays import Image
from regraft.core.errors import DataError
from regraft.data.formats.colour import transform_of
from regraft.data.formats.kinds import require_reader
from regraft.data.formats.limits import NO_MEMORY, require_sensible_shape, too_large
from regraft.data.formats.pixels import from_pillow, orient
from regraft.data.formats.silence import silence_libtiff
from regraft.data.formats.tiff import kind_in_words, require_interleaved

JPEG_FORMATS = ("JPEG", "MPO")
ORIENTATION_TAG = 0x0112

# Every pass of a progressive JPEG goes over the whole picture, and a hundred bytes can ask for one. Encoders
# write ten, optimisers some sixty; a hundred over the largest picture take ten seconds.
START_OF_SCAN = b"\xff\xda"
MOST_SCANS = 100


def open_pillow(data: bytes, name: str) -> PIL.Image.Image:
    """Read the header of a file of a format that `sniff` named.

    Raises:
        DataError: it is damaged, too large, or its decoder is not installed.
    """
    require_reader(name)
    try:
        return PIL.Image.open(io.BytesIO(data), formats=(name,))
    except PIL.UnidentifiedImageError:
        kind = kind_in_words(data) if name == "TIFF" else ""
        if kind:
            raise DataError(f"it is a TIFF of a kind that is not read: {kind}; save it as 8 bits") from None
        raise DataError(f"it begins like a {name} image, but its beginning is damaged") from None
    except PIL.Image.DecompressionBombError:
        raise DataError(too_large()) from None
    except MemoryError:
        raise DataError(NO_MEMORY) from None
    except Exception as error:
        # Decoders of damaged files raise whatever their parsing runs into: struct.error, KeyError, ...
        raise DataError(f"its header is damaged ({error})") from error


def decode_pillow(image: PIL.Image.Image, data: bytes = b"", *, at_least_px: int = 0) -> Image:
    """The pixels of an image that Pillow opened, from `data` if it is given.

    Raises:
        DataError: it is damaged, cut short, or absurdly large or narrow.
    """
    require_sensible_shape(*image.size)
    if image.format == "TIFF":
        require_interleaved(image)
        silence_libtiff()
    if "progressive" in image.info and data.count(START_OF_SCAN) > MOST_SCANS:
        raise DataError(f"it is a progressive JPEG of more than {MOST_SCANS} passes")
    try:
        pixels = _fast_jpeg(image, data, at_least_px)
        if pixels is None:
            if image.format in JPEG_FORMATS and at_least_px > 0 and data:
                image.draft(None, (at_least_px, at_least_px))
            # Loading may turn the image (TIFF) or find its orientation behind the pixels (PNG).
            image.load()
            pixels = from_pillow(image)
    except DataError:
        raise
    except MemoryError:
        raise DataError(NO_MEMORY) from None
    except Exception as error:
        truncated = "truncated" in str(error).casefold()
        raise DataError(f"it is {'cut short' if truncated else 'damaged'} ({error})") from error
    return orient(pixels, _orientation(image))


def _fast_jpeg(image: PIL.Image.Image, data: bytes, at_least_px: int) -> Image | None:
    """The pixels of an ordinary JPEG, or None if Pillow has to decode and judge it."""
    if image.format not in JPEG_FORMATS or image.mode not in ("RGB", "L") or not data:
        return None
    transform = transform_of(image)
    if transform is not None and image.mode == "L":
        return None
    # Without a wish the whole size is asked for: simplejpeg reads 0 as "no lower limit".
    width, height = (at_least_px, at_least_px) if at_least_px > 0 else image.size
    try:
        pixels: Image = simplejpeg.decode_jpeg(data, colorspace="RGB", min_height=height, min_width=width)
    except ValueError:
        # It is strict: stray bytes between segments, which every viewer tolerates, are errors to it.
        return None
    return pixels if transform is None else np.array(transform.apply(PIL.Image.fromarray(pixels)))


def _orientation(image: PIL.Image.Image) -> int:
    try:
        value = image.getexif().get(ORIENTATION_TAG, 1)
    except Exception:  # noqa: BLE001 - damaged notes about an image are no reason to refuse it
        return 1
    return value if isinstance(value, int) else 1
