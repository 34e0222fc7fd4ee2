"""The part and size of an image that a network sees."""

import math
from dataclasses import dataclass

import numpy as np
import PIL.Image
from jaxtyping import UInt8

from regraft.core.arrays import Array, Image
from regraft.core.errors import RecipeError, did_you_mean

Square = UInt8[Array, "s s 3"]

INTERPOLATIONS = {
    "nearest": PIL.Image.Resampling.NEAREST,
    "box": PIL.Image.Resampling.BOX,
    "bilinear": PIL.Image.Resampling.BILINEAR,
    "hamming": PIL.Image.Resampling.HAMMING,
    "bicubic": PIL.Image.Resampling.BICUBIC,
    "lanczos": PIL.Image.Resampling.LANCZOS,
}

# How much finer than the resized image a JPEG may be decoded. At 1, decoding's own coarse reduction does
# all the work; at 2 and more, the proper resampling that follows costs more than decoding. Measured on
# photographs of 12 megapixels to 256 px (two-core laptop-class CPU, n = 6): 87 ms per image from the full
# size, 16 ms at 1.5 and 11 ms at 1, with root mean square differences of 0, 0.4 and 1.0 of 255 grey levels.
DECODE_MARGIN = 1.5


@dataclass(frozen=True)
class View:
    """Resize the shorter side to `image_px / crop_fraction`, then keep the central square of `image_px`.

    Pixels are exactly those of timm's and torchvision's evaluation transform on Pillow images, rounding
    included, since networks were measured with it.
    """

    image_px: int
    crop_fraction: float
    interpolation: str = "bicubic"

    def __post_init__(self) -> None:
        if self.image_px < 1:
            raise RecipeError(f"View.image_px is {self.image_px}; it must be at least 1 pixel.")
        if not 0 < self.crop_fraction <= 1:
            raise RecipeError(f"View.crop_fraction is {self.crop_fraction}; it must lie in (0, 1].")
        if self.interpolation not in INTERPOLATIONS:
            hint = did_you_mean(self.interpolation, INTERPOLATIONS)
            raise RecipeError(f"View.interpolation is {self.interpolation!r}. {hint}")

    @property
    def resize_px(self) -> int:
        """What the shorter side is resized to before the crop."""
        return math.floor(self.image_px / self.crop_fraction)

    @property
    def decode_px(self) -> int:
        """What decoding must keep of the shorter side; see `DECODE_MARGIN` for what this trades."""
        return math.ceil(self.resize_px * DECODE_MARGIN)

    def __call__(self, image: Image) -> Square:
        """The square that the network sees, uint8 [image_px, image_px, 3]."""
        height, width = image.shape[:2]
        short, long = min(height, width), max(height, width)
        if short == self.resize_px:
            return np.ascontiguousarray(self._crop(image))
        new_long = int(self.resize_px * long / short)
        size = (self.resize_px, new_long) if width <= height else (new_long, self.resize_px)
        resized = PIL.Image.fromarray(image).resize(size, INTERPOLATIONS[self.interpolation])
        return np.ascontiguousarray(self._crop(np.asarray(resized)))

    def _crop(self, image: Image) -> Square:
        # Python rounds halves to even, and so does torchvision here.
        top, left = (round((side - self.image_px) / 2) for side in image.shape[:2])
        return image[top : top + self.image_px, left : left + self.image_px]
