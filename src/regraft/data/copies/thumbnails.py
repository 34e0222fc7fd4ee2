"""Thirty-two by thirty-two grey pixels of an image, and what stays the same when it is turned or mirrored."""

import numpy as np
import PIL.Image
from jaxtyping import Float
from scipy.fft import dctn

from regraft.core.arrays import Array, Features, Image

THUMBNAIL_PX = 32
DECODE_PX = 2 * THUMBNAIL_PX
LOWEST = 8
CONTRAST_FLOOR = 0.1

Thumbnails = Float[Array, "n 32 32"]


def thumbnail(image: Image) -> Float[Array, "32 32"]:
    """The whole image, squeezed to a small grey square: float32, values 0 to 255."""
    # As floats, since the means of fine texture differ by less than one grey level.
    grey = PIL.Image.fromarray(image).convert("L").convert("F")
    return np.asarray(grey.resize((THUMBNAIL_PX,) * 2, PIL.Image.Resampling.BOX), np.float32)


def standardised(thumbnails: Thumbnails) -> Thumbnails:
    """Each of mean 0 and variance 1, so that brightness and contrast count for nothing."""
    centred = thumbnails - thumbnails.mean((1, 2), keepdims=True)
    return np.asarray(centred / (centred.std((1, 2), keepdims=True) + CONTRAST_FLOOR), np.float32)


def invariants(thumbnails: Thumbnails) -> Features:
    """A row for each thumbnail that mirroring it or turning it by quarters leaves as it was: [n, 63].

    Mirroring changes the signs of half the coefficients of a cosine transform, transposing swaps each with
    its partner across the diagonal. So the larger and the smaller magnitude of each such pair stay. The
    rows are scaled to unit variance of the whole.
    """
    spectrum = np.abs(dctn(standardised(thumbnails), axes=(1, 2), norm="ortho")[:, :LOWEST, :LOWEST])
    swapped = spectrum.transpose(0, 2, 1)
    upper, above = np.triu_indices(LOWEST), np.triu_indices(LOWEST, 1)
    larger = np.maximum(spectrum, swapped)[:, upper[0], upper[1]][:, 1:]  # The first is the mean, which is 0.
    smaller = np.minimum(spectrum, swapped)[:, above[0], above[1]]
    rows = np.concatenate([larger, smaller], axis=1)
    return np.asarray(rows / max(float(rows.std()), 1e-12), np.float32)


def quarter_turns(image: Float[Array, "_ _"]) -> list[Float[Array, "_ _"]]:
    """The eight ways to lay a rectangle on a table: turned by quarters, as it is and then mirrored."""
    return [np.rot90(side, turns) for side in (image, image[:, ::-1]) for turns in range(4)]
