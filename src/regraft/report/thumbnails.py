"""Small pictures that travel inside a page."""

import base64
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL.Image
import simplejpeg

from regraft.core.cores import usable_cores
from regraft.core.errors import DataError
from regraft.data import decode

LONGER_SIDE_PX = 112
QUALITY = 72
SECTION_BYTES = 300_000
AT_ONCE = 32


def thumbnails(paths: Iterable[str], *, budget_bytes: int = SECTION_BYTES) -> dict[str, str]:
    """A data URI for each image, as far as the budget goes; an image that cannot be read has none."""
    wanted = list(dict.fromkeys(paths))
    found: dict[str, str] = {}
    with ThreadPoolExecutor(usable_cores()) as pool:
        for start in range(0, len(wanted), AT_ONCE):
            some = wanted[start : start + AT_ONCE]
            for path, uri in zip(some, pool.map(_thumbnail, some), strict=True):
                if uri and budget_bytes >= len(uri):
                    budget_bytes -= len(uri)
                    found[path] = uri
            if budget_bytes < LONGER_SIDE_PX:
                break
    return found


def _thumbnail(path: str) -> str:
    try:
        pixels = decode(Path(path), at_least_px=LONGER_SIDE_PX)
    except DataError:
        return ""
    image = PIL.Image.fromarray(pixels)
    image.thumbnail((LONGER_SIDE_PX, LONGER_SIDE_PX))
    small = np.ascontiguousarray(np.asarray(image))
    data = simplejpeg.encode_jpeg(small, quality=QUALITY, colorspace="RGB")
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode('ascii')}"
