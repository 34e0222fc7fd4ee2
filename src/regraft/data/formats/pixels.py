"""One pixel format for everything: uint8, height by width by red, green and blue.

- Grey is repeated to three channels; palettes are expanded; CMYK, YCbCr and LAB are converted by Pillow.
  A colour profile is honoured first, see `colour`.
- Transparency is composited over white. What lies under a transparent pixel is arbitrary, so it must not
  be seen, and cut-out objects are commonly published on white pages; on black, dark ones would vanish.
- More than 8 bits are scaled from their full range (65535, or 4095 of 12 bits, becomes 255) and not clipped,
  so that two pictures by one instrument stay comparable. Grey is rounded; of coloured 16-bit pixels Pillow
  keeps the upper byte, which is at most one grey level less.
- 32-bit integers and floats in a file state no range, so the range of the picture's own values is used.
  Values that are not finite mean that the file is damaged or masked, and it is refused.
"""

from collections.abc import Callable

import numpy as np
import PIL.Image
from jaxtyping import UInt8

from regraft.core.arrays import Array, Image
from regraft.core.errors import DataError
from regraft.data.formats.colour import to_srgb
from regraft.data.formats.tiff import is_inverted, most_of

# As `Image`, of another height and width than the one it was made from.
Turned = UInt8[Array, "h2 w2 3"]

WHITE = 255
SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")
PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}

# Whole temporaries of a picture at the limit of size would take gigabytes.
BAND_VALUES = 1 << 22


def from_pillow(image: PIL.Image.Image) -> Image:
    """The pixels of a Pillow image of any mode.

    Raises:
        DataError: it has pixels that are not finite.
    """
    if image.mode in SIXTEEN_BIT or (image.mode == "I" and image.format in ("PNG", "PPM")):
        # Of these formats Pillow gives, or gave, 16 bits the mode "I", which alone would not say its range.
        grey = full_range(np.asarray(image), most=most_of(image))
        return repeat(WHITE - grey if is_inverted(image) else grey)
    if image.mode in ("I", "F"):
        grey = own_range(np.asarray(image))
        return repeat(WHITE - grey if is_inverted(image) else grey)
    if image.mode in PREMULTIPLIED:
        image = image.convert(PREMULTIPLIED[image.mode])
    if "icc_profile" in image.info:
        image = to_srgb(_with_plain_channels(image))
    if image.has_transparency_data:
        return _over_white(np.asarray(image if image.mode == "RGBA" else image.convert("RGBA")))
    if image.mode in ("L", "1"):
        return repeat(np.asarray(image.convert("L")))
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def from_array(array: Array) -> Image:
    """The pixels of an array: uint8, uint16, or floats in [0, 1], shaped [h, w] or [h, w, 1, 3 or 4].

    Channels may come first where the last axis cannot be one of channels: [3, 48, 64], not [3, 64, 3].

    Raises:
        DataError: the shape or type is another, or a float lies outside [0, 1].
    """
    array = channels_last(array)
    if np.issubdtype(array.dtype, np.floating):
        if not (array.min() >= 0 and array.max() <= 1):
            raise DataError(
                f"an array of floats must lie in [0, 1]; it lies in [{array.min():g}, {array.max():g}]"
            )
        array = full_range(array, most=1)
    elif array.dtype.kind == "u" and array.dtype.itemsize == 2:
        array = full_range(array, most=65535)
    if array.dtype != np.uint8:
        raise DataError(f"an array must be uint8, uint16 or floats in [0, 1], not {array.dtype}")
    if array.ndim == 2 or array.shape[2] == 1:
        return repeat(array.reshape(array.shape[:2]))
    # A copy, since the pixels are the caller's of `decode` to change.
    return _over_white(array) if array.shape[2] == 4 else np.array(array, order="C")


def channels_last(array: Array) -> Array:
    """The array with its channels, if it has any, on the last axis.

    Raises:
        DataError: it is not shaped as an image.
    """
    shape = array.shape
    if len(shape) == 3 and shape[2] not in (1, 3, 4) and shape[0] in (1, 3, 4):
        array = np.moveaxis(array, 0, 2)
    if len(shape) not in (2, 3) or (len(shape) == 3 and array.shape[2] not in (1, 3, 4)) or not array.size:
        raise DataError(f"an array must be shaped [h, w] or [h, w, 1, 3 or 4], not {list(shape)}")
    return array


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


def repeat(grey: Array) -> Image:
    """Grey [h, w] as three equal channels."""
    return np.repeat(grey[:, :, None], 3, axis=2)


def full_range(values: Array, *, most: int) -> Array:
    """Values from 0 to `most` as 0 to 255, rounded; beyond it, 255."""
    if values.dtype == np.uint8 and most == WHITE:
        return values
    scale = 255 / most
    return in_bands(values, lambda band: np.rint(np.clip(band.astype(np.float32) * scale, 0, 255)))


def own_range(values: Array, *, used: Array | None = None) -> Array:
    """Values from their own least to their own most as 0 to 255; of `used` ones, if it is a mask.

    Raises:
        DataError: some are not finite.
    """
    chosen = values if used is None else values[used]
    least, most = float(chosen.min()), float(chosen.max())
    # A single value that is not finite makes the least or the most so too.
    if not np.isfinite([least, most]).all():
        raise DataError("it has pixels that are not finite numbers (NaN or infinite)")
    # Halves, since the range of the largest floats is no finite number.
    span = (most / 2 - least / 2) or 1.0

    def stretch(band: Array) -> Array:
        return np.rint(np.clip((band.astype(np.float64) / 2 - least / 2) / span, 0, 1) * 255)

    return in_bands(values, stretch)


def in_bands(values: Array, convert: Callable[[Array], Array], *, channels: int | None = None) -> Array:
    """Convert some rows at a time, to uint8."""
    shape = values.shape if channels is None else (*values.shape[:2], channels)
    out = np.empty(shape, np.uint8)
    rows = max(1, BAND_VALUES // max(1, values[:1].size))
    for top in range(0, len(values), rows):
        out[top : top + rows] = convert(values[top : top + rows])
    return out


def _with_plain_channels(image: PIL.Image.Image) -> PIL.Image.Image:
    """Without a palette, and with transparency as a channel: what a colour profile can be applied to."""
    if image.mode == "L" and image.has_transparency_data:
        return image.convert("LA")
    if image.mode in ("P", "PA", "RGB") and image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert("RGB") if image.mode == "P" else image


def _over_white(rgba: Array) -> Image:
    return in_bands(rgba, _band_over_white, channels=3)


def _band_over_white(rgba: Array) -> Array:
    alpha = rgba[:, :, 3:].astype(np.uint16)
    colour = rgba[:, :, :3].astype(np.uint16)
    # Half of 255 is added so that the division rounds to the nearest; 255 * 255 + 127 fits 16 bits.
    return (colour * alpha + WHITE * (255 - alpha) + 127) // 255
