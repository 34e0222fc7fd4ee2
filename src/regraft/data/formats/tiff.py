"""What Pillow leaves its callers to find out of a TIFF: how far its values reach, and which end is white."""

import io

import PIL.Image
from PIL import TiffImagePlugin

from regraft.core.errors import DataError

BITS_PER_SAMPLE = 258
PHOTOMETRIC = 262
SAMPLES_PER_PIXEL = 277
PLANAR_CONFIGURATION = 284
SAMPLE_FORMAT = 339
BIG_TIFF = b"+"
SAMPLE_FORMATS = {1: "unsigned", 2: "signed", 3: "floats", 5: "complex", 6: "complex"}
WHITE_IS_ZERO = 0
SEPARATE_PLANES = 2


def most_of(image: PIL.Image.Image) -> int:
    """The largest value that a grey image of more than 8 bits can hold: 4095 of 12 bits, otherwise 65535."""
    return (1 << min(16, max(1, *_numbers(image, BITS_PER_SAMPLE, 16)))) - 1


def is_inverted(image: PIL.Image.Image) -> bool:
    """Whether the least value is white. Pillow inverts up to 8 bits by itself, and no more."""
    return _numbers(image, PHOTOMETRIC, 1)[0] == WHITE_IS_ZERO


def require_interleaved(image: PIL.Image.Image) -> None:
    """Check that Pillow does not take two bytes of one channel for two pixels.

    Raises:
        DataError: it would.
    """
    if _numbers(image, PLANAR_CONFIGURATION, 1)[0] == SEPARATE_PLANES and most_of(image) > 255:
        raise DataError("its 16-bit channels are stored one after another (planar); save them interleaved")


def kind_in_words(data: bytes) -> str:
    """What a TIFF holds, such as "3 channels of 32 bits, floats"; "" if its directory is damaged."""
    try:
        is_big = BIG_TIFF in data[2:4]
        tags = TiffImagePlugin.ImageFileDirectory_v2(data[: 16 if is_big else 8])
        stream = io.BytesIO(data)
        stream.seek(tags.next)
        tags.load(stream)
        bits = tags[BITS_PER_SAMPLE]
        channels = tags.get(SAMPLES_PER_PIXEL, len(bits))
        what = SAMPLE_FORMATS.get(tags.get(SAMPLE_FORMAT, (1,))[0], "of an unknown kind")
    except Exception:  # noqa: BLE001 - a damaged directory raises whatever its parsing runs into
        return ""
    return f"{channels} channel{'s' if channels != 1 else ''} of {max(bits)} bits, {what}"


def _numbers(image: PIL.Image.Image, tag: int, default: int) -> tuple[int, ...]:
    tags = getattr(image, "tag_v2", None)
    found = None if tags is None else tags.get(tag)
    values = found if isinstance(found, tuple) else (found,)
    return tuple(value for value in values if isinstance(value, int)) or (default,)
