"""Colours as the sRGB that networks were trained on, where a file carries another colour space (ICC).

Telephones save Display P3 and cameras may save Adobe RGB: the same numbers then mean more vivid colours, and
images of one thing by two devices differ for no reason of their own. Most profiles are sRGB itself. Whether
one is, is told by what it does to a grid of colours, once for each profile and not for each image.

A profile that is damaged, or made for other channels than the image has, is ignored as viewers ignore it.
"""

import functools
import io

import numpy as np
import PIL.Image
from PIL import ImageCms

# Grey levels by which a conversion must change some colour to be made at all.
NOTICEABLE = 3

# Profiles for printing take a megabyte or two; nothing honest is larger than this.
MOST_BYTES = 4 << 20
MOST_PROFILES = 16
GRID = 9

_CHANNELS = {"RGB": "RGB", "RGBA": "RGB", "L": "GRAY", "CMYK": "CMYK"}


def transform_of(image: PIL.Image.Image, mode: str | None = None) -> ImageCms.ImageCmsTransform | None:
    """What turns pixels of `mode`, by default the image's own, into sRGB; None where nothing has to."""
    profile = image.info.get("icc_profile")
    mode = mode or image.mode
    if not isinstance(profile, bytes) or not 128 < len(profile) <= MOST_BYTES or mode not in _CHANNELS:
        return None
    return _transform(profile, mode)


def to_srgb(image: PIL.Image.Image) -> PIL.Image.Image:
    """The image in sRGB; the same one where nothing has to be done. It must not be a palette."""
    transform = transform_of(image)
    if transform is not None:
        return transform.apply(image)
    if image.mode == "LA" and (transform := transform_of(image, "L")) is not None:
        grey, alpha = image.split()
        converted = transform.apply(grey)
        converted.putalpha(alpha)
        return converted
    return image


@functools.lru_cache(MOST_PROFILES)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != _CHANNELS[mode]:
            return None
        transform = ImageCms.ImageCmsTransform(
            source,
            ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")),
            mode,
            "RGBA" if mode == "RGBA" else "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        return transform if mode == "CMYK" or _is_noticeable(transform, mode) else None
    except Exception:  # noqa: BLE001 - a damaged profile raises whatever its parsing runs into
        return None


def _is_noticeable(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    axis = np.linspace(0, 255, GRID).astype(np.uint8)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(1, -1, 3)
    if mode == "L":
        grid = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, 2)
    image = PIL.Image.fromarray(grid).convert(mode)
    seen = np.asarray(transform.apply(image).convert("RGB")).astype(int)
    return bool(np.abs(seen - grid).max() >= NOTICEABLE)
