"""Pictures that come with regraft's requirements, for measuring what a quantised network's values range over.

They are the same everywhere and owe nothing to the user's own images: the name of a network then says which
features it gives, whoever asks.
"""

from functools import cache

import numpy as np

from regraft.core.arrays import Image, Images
from regraft.core.seeds import generator

CALIBRATION_VERSION = 1
LEAST_SIDE_PX = 96
MADE_EVERY = 4
"""One picture in four is made, so that flat areas and hard edges are among them as well."""


def calibration_images(count: int, image_px: int, *, purpose: str = "calibration") -> Images:
    """Square pictures: crops of photographs at all sizes, some mirrored, and drawn stripes and ramps.

    Args:
        count: how many.
        image_px: their side.
        purpose: another purpose draws other pictures from the same photographs.
    """
    random = generator(CALIBRATION_VERSION, purpose)
    pictures = [
        _drawn(random, image_px) if number % MADE_EVERY == 0 else _crop(random, image_px)
        for number in range(count)
    ]
    return np.stack(pictures)


@cache
def _photographs() -> tuple[Image, ...]:
    from sklearn.datasets import load_sample_images

    return tuple(load_sample_images().images)


def _crop(random: np.random.Generator, image_px: int) -> Image:
    from PIL import Image as Pillow

    photographs = _photographs()
    photograph = photographs[random.integers(len(photographs))]
    height, width, _ = photograph.shape
    side = int(random.integers(LEAST_SIDE_PX, min(height, width) + 1))
    top, left = random.integers(height - side + 1), random.integers(width - side + 1)
    cut = photograph[top : top + side, left : left + side]
    cut = np.ascontiguousarray(cut[:, ::-1] if random.random() < 0.5 else cut)
    # One exponent for each colour: other light, other colours.
    gamma = 2.0 ** random.uniform(-1, 1) * 2.0 ** random.uniform(-0.3, 0.3, 3)
    lit = (255 * (cut / 255) ** gamma).round().astype(np.uint8)
    resized = Pillow.fromarray(lit).resize((image_px, image_px), Pillow.Resampling.BICUBIC)
    return np.asarray(resized)


def _drawn(random: np.random.Generator, image_px: int) -> Image:
    rows, columns = np.mgrid[:image_px, :image_px] / image_px
    angle, period = random.uniform(0, np.pi), random.uniform(0.05, 0.8)
    phase = (np.cos(angle) * rows + np.sin(angle) * columns) / period
    shade = phase % 1 if random.random() < 0.5 else (phase % 1 > 0.5).astype(float)
    dark, light = random.uniform(0, 255, (2, 3))
    noise = random.normal(0, random.uniform(0, 20), (image_px, image_px, 3))
    drawn: Image = (dark + shade[:, :, None] * (light - dark) + noise).clip(0, 255).astype(np.uint8)
    return drawn
