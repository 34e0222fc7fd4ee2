"""One pixel format for everything: uint8, height by width by red, green and blue.

- Grey is repeated to three channels; palettes are expanded; CMYK, YCbCr and LAB are converted by Pillow.
- Transparency is composited over white. What lies under a transparent pixel is arbitrary, so it must not
  be seen, and cut-out objects are commonly published on white pages; on black, dark ones would vanish.
- 16 bits per pixel are scaled from their full range (65535 becomes 255) and not clipped, so that two
  pictures by one instrument stay comparable. 32-bit integers and floats state no range, so the range of
  the picture's own finite values is used; what is not finite becomes black.
"""

import numpy as np
import PIL.Image
from jaxtyping import UInt8

from regraft.core.arrays import Array, Image
from regraft.core.errors import DataError

# As `Image`, of another height and width than the one it was made from.
Turned = UInt8[Array, "h2 w2 3"]

WHITE = 255
SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")
PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}


def from_pillow(image: PIL.Image.Image) -> Image:
    """The pixels of a Pillow image of any mode."""
    if image.mode in SIXTEEN_BIT or (image.mode == "I" and image.format == "PNG"):
        # Older versions of Pillow give a 16-bit PNG the mode "I", which alone would not say its range.
        return _repeat(_sixteen_bits(np.asarray(image)))
    if image.mode in ("I", "F"):
        return _repeat(_own_range(np.asarray(image)))
    if image.mode in PREMULTIPLIED:
        image = image.convert(PREMULTIPLIED[image.mode])
    if image.has_transparency_data:
        return _over_white(np.asarray(image.convert("RGBA")))
    if image.mode in ("L", "1"):
        return _repeat(np.asarray(image.convert("L")))
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def from_array(array: Array) -> Image:
    """The pixels of an array: uint8, or floats in [0, 1], shaped [h, w] or [h, w, 1, 3 or 4].

    Raises:
        DataError: the shape or type is another, or a float lies outside [0, 1].
    """
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 3, 4) or not array.size:
        raise DataError(f"an array must be shaped [h, w] or [h, w, 1, 3 or 4], not {list(array.shape)}")
    if np.issubdtype(array.dtype, np.floating):
        if not (array.min() >= 0 and array.max() <= 1):
            raise DataError(
                f"an array of floats must lie in [0, 1]; it lies in [{array.min():g}, {array.max():g}]"
            )
        array = np.rint(array.astype(np.float32) * 255).astype(np.uint8)
    if array.dtype != np.uint8:
        raise DataError(f"an array must be uint8 or floats in [0, 1], not {array.dtype}")
    if channels == 1:
        return _repeat(array.reshape(array.shape[:2]))
    return _over_white(array) if channels == 4 else np.ascontiguousarray(array)


def orient(pixels: Image, orientation: int) -> Turned:
    """Turn and mirror the pixels as the EXIF orientation (1 to 8) asks; other values change nothing."""
    if orientation not in range(2, 9):
        return pixels
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _repeat(grey: Array) -> Image:
    return np.repeat(grey[:, :, None], 3, axis=2)


def _sixteen_bits(values: Array) -> Array:
    return np.rint(values.astype(np.float32) / 257).astype(np.uint8)


def _own_range(values: Array) -> Array:
    finite = np.isfinite(values)
    if not finite.any():
        return np.zeros(values.shape, np.uint8)
    values = np.where(finite, values, values[finite].min()).astype(np.float64)
    values -= values.min()
    return np.rint(values * (255 / (values.max() or 1))).astype(np.uint8)


def _over_white(rgba: Array) -> Image:
    alpha = rgba[:, :, 3:].astype(np.uint16)
    colour = rgba[:, :, :3].astype(np.uint16)
    # Half of 255 is added so that the division rounds to the nearest; 255 * 255 + 127 fits 16 bits.
    return ((colour * alpha + WHITE * (255 - alpha) + 127) // 255).astype(np.uint8)
