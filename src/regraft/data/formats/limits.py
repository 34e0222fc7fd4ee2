"""How large and how narrow an image may be, checked on its header, before memory is taken for its pixels."""

import PIL.Image

from regraft.core.errors import DataError

# A picture a hundred times as long as wide is a strip or a mistake, and enlarging its shorter side to a
# network's size would need gigabytes.
LONGEST_RATIO = 100

# The largest picture allowed by Pillow has 89 million pixels: 716 MB, if it has four channels of 16 bits
# and is not compressed. What is larger is not one picture, and is not even read.
MOST_BYTES = 1 << 30

NO_MEMORY = "there is not enough memory for its pixels"


def require_sensible_shape(width: int, height: int) -> None:
    """Check a picture's size.

    Raises:
        DataError: it has no pixels, one, or too many, or is a narrow strip.
    """
    if width < 1 or height < 1:
        raise DataError(f"it has no pixels ({width} by {height})")
    if width == height == 1:
        raise DataError("it is 1 by 1 pixels, which shows nothing")
    if PIL.Image.MAX_IMAGE_PIXELS is not None and width * height > PIL.Image.MAX_IMAGE_PIXELS:
        raise DataError(too_large())
    if max(width, height) > LONGEST_RATIO * min(width, height):
        raise DataError(f"it is {width} by {height} pixels, more than {LONGEST_RATIO} times as long as wide")


def too_large() -> str:
    """Why a picture with more pixels than Pillow's limit is refused."""
    return (
        f"it has more than {PIL.Image.MAX_IMAGE_PIXELS:,} pixels; cut or shrink it, or if you trust it raise "
        f"PIL.Image.MAX_IMAGE_PIXELS"
    )
