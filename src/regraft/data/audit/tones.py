"""What the pixels of an image add up to: colour, border, contrast, detail. Plain sums, no network."""

from dataclasses import dataclass

import numpy as np
import simplejpeg

from regraft.core.arrays import Array, Image

SAMPLED_PX = 64
BORDER_FRACTION = 0.02
BLANK_BELOW = 2.0
BRIGHTEST_PERCENTILE = 99
TILE_PX = 128
DETAIL_QUALITY = 75
# What a JPEG of nothing takes up.
EMPTY_BYTES = 600


@dataclass(frozen=True, slots=True)
class Tones:
    """Levels lie in 0 .. 255.

    Args:
        colour: mean red, green and blue.
        border: mean red, green and blue of the outermost fiftieth, and how far they spread.
        contrast: the standard deviation of the channel that varies most.
        brightest: the level that one pixel in a hundred exceeds.
        detail: bytes per pixel that a JPEG of one fixed quality needs.
    """

    colour: tuple[float, float, float]
    border: tuple[float, float, float, float]
    contrast: float
    brightest: float
    detail: float

    @property
    def is_blank(self) -> bool:
        """Whether all pixels are as good as equal."""
        return self.contrast < BLANK_BELOW


def tones(pixels: Image) -> Tones:
    """Measure an image on at most 128 by 128 of its pixels, evenly spaced; its border and detail apart."""
    height, width = pixels.shape[:2]
    sample = pixels[:: max(1, height // SAMPLED_PX), :: max(1, width // SAMPLED_PX)].reshape(-1, 3)
    red, green, blue = sample.mean(axis=0).tolist()
    contrast = _spread(sample)
    if contrast < BLANK_BELOW:
        # A mark on blank paper may fall between the pixels of the sample.
        contrast = _spread(pixels.reshape(-1, 3))
    levels = sample.max(axis=1)
    rank = len(levels) * BRIGHTEST_PERCENTILE // 100
    brightest = float(np.partition(levels, rank)[rank])
    return Tones((red, green, blue), _border(pixels), contrast, brightest, detail(pixels))


def detail(pixels: Image) -> float:
    """Bytes per pixel that a JPEG needs for the whole image or, if it is large, for four pieces of it.

    A smooth image makes a small file and a busy one a large file. Only what a file's size says beyond
    that says anything about how it was saved.
    """
    height, width = pixels.shape[:2]
    if max(height, width) > 2 * TILE_PX:
        pixels = np.hstack([_tile(pixels, row, column) for row in (1, 3) for column in (1, 3)])
    data = simplejpeg.encode_jpeg(
        np.ascontiguousarray(pixels), quality=DETAIL_QUALITY, colorspace="RGB", fastdct=True
    )
    return float(max(len(data) - EMPTY_BYTES, 0) / (pixels.shape[0] * pixels.shape[1]))


def _tile(pixels: Image, row: int, column: int) -> Array:
    """A piece around a point that lies so many quarters down and across."""
    height, width = pixels.shape[:2]
    size_y, size_x = min(TILE_PX, height), min(TILE_PX, width)
    top = min(max(row * height // 4 - size_y // 2, 0), height - size_y)
    left = min(max(column * width // 4 - size_x // 2, 0), width - size_x)
    return pixels[top : top + size_y, left : left + size_x]


def _spread(pixels: Array) -> float:
    spreads: Array = pixels.astype(np.float32).std(axis=0)
    return float(spreads.max())


def _border(pixels: Image) -> tuple[float, float, float, float]:
    thick = max(1, round(min(pixels.shape[:2]) * BORDER_FRACTION))
    sides = (pixels[:thick], pixels[-thick:], pixels[:, :thick], pixels[:, -thick:])
    ring = np.concatenate([side.reshape(-1, 3) for side in sides])
    red, green, blue = ring.mean(axis=0).tolist()
    return red, green, blue, _spread(ring)
