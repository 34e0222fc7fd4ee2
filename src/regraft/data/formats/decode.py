"""Turning a file, bytes, a Pillow image or an array into pixels: uint8, height by width by three.

`formats` tells by the first bytes which decoder a file is for, never by its name: Pillow for JPEG, PNG, WebP,
BMP, TIFF, GIF, PPM and AVIF, and with a plug-in HEIC; pydicom for DICOM; NumPy for its own files. Of several
pages or frames the first is taken, and `pages` says that there are more. The EXIF orientation is
applied, also where the caller's own Pillow image still carries one. `pixels` and `colour` say how every kind
of pixel becomes red, green and blue.

A caller that will shrink the image says so with `at_least_px`: a JPEG is then decoded at the smallest eighth
of its size whose shorter side keeps that many pixels, which for photographs of a camera saves most of the
time. The result depends on the file and on `at_least_px` alone, and not on the warnings in force.
"""

import stat
from pathlib import Path

import numpy as np
import PIL.Image

from regraft.core.arrays import Array, Image
from regraft.core.errors import DataError
from regraft.data.formats.dicom import decode_dicom
from regraft.data.formats.kinds import sniff
from regraft.data.formats.limits import MOST_BYTES, require_sensible_shape
from regraft.data.formats.numpy_file import decode_npy
from regraft.data.formats.pillow_file import decode_pillow, open_pillow
from regraft.data.formats.pixels import from_array
from regraft.data.formats.silence import silence

DECODE_VERSION = 2
"""Raise it when a change of code gives some file other pixels: stored features are then new."""

Source = Path | str | bytes | PIL.Image.Image | Array


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
        require_sensible_shape(pixels.shape[1], pixels.shape[0])
        return pixels
    with silence():
        if isinstance(source, PIL.Image.Image):
            return decode_pillow(source)
        data = source if isinstance(source, bytes) else read_bytes(Path(source))
        name = sniff(data)
        if name == "NPY":
            return decode_npy(data)
        if name == "DICOM":
            return decode_dicom(data)
        return decode_pillow(open_pillow(data, name), data, at_least_px=at_least_px)


def describe(source: Source) -> str:
    """What to call an image in a message."""
    if isinstance(source, (Path, str)):
        return str(source)
    if isinstance(source, bytes):
        return f"the image given as {len(source)} bytes"
    if isinstance(source, np.ndarray):
        return f"the image given as an array of shape {list(source.shape)}"
    return str(getattr(source, "filename", "")) or "the Pillow image given"


def read_bytes(path: Path) -> bytes:
    """All of a file, if it is one and not absurdly long.

    Raises:
        DataError: it is not there, is no file, is empty, too long, or cannot be read.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            # To read from a pipe would wait, for ever, for somebody to write into it.
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe or a device"
            raise DataError(f"it cannot be read: it is {kind} and no file")
        if status.st_size > MOST_BYTES:
            raise DataError(f"the file has {status.st_size:,} bytes, more than {MOST_BYTES:,}")
        data = path.read_bytes()
    except FileNotFoundError:
        raise DataError("there is no such file") from None
    except (OSError, ValueError) as error:
        # A name with a zero byte, as a table can hold, is a ValueError.
        raise DataError(f"the file cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if not data:
        raise DataError("the file is empty (0 bytes)")
    return data
