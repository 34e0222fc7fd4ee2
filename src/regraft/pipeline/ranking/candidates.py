"""Who takes part when nobody is named: the networks on this machine, at the image sizes worth trying."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from regraft.backbones.names import parse
from regraft.core.errors import DataError
from regraft.data import Dataset
from regraft.data.audit.header import read_header

SIZES_READ = 200
STEP_PX = 32

SMALL = 0.5
"""Of the size that a network was trained at: images with a median side below it are also tried at less."""

SMALLER, LARGER = (0.43, 0.57), 1.29
"""96, 128 and 288 pixels for a network of 224."""


def median_side_px(dataset: Dataset) -> float:
    """The median of the images' shorter sides, of some of them, by their headers alone."""
    step = max(1, len(dataset) // SIZES_READ)
    sides = [side for path in dataset.paths[::step] if (side := _shorter_side_px(path))]
    return float(np.median(sides)) if sides else 0.0


def _shorter_side_px(path: Path) -> int:
    """0 where the file is no image; whoever looks at its pixels will say so."""
    try:
        header = read_header(path.read_bytes())
    except (DataError, OSError):
        return 0
    return min(header.width, header.height)


def at_sizes(name: str, image_px: int, side_px: float) -> tuple[str, ...]:
    """A network at its own image size and above it, and at less where the images are small.

    Images of 32 pixels need not be blown up to 224: at 96 a network costs a fifth. Many networks
    gain a little above the size that they were trained at (Touvron et al. 2019, 1906.06423).
    """
    asked = parse(name)
    if asked.image_px is not None:
        return (name,)
    is_small = 0 < side_px <= SMALL * image_px
    shares = (*(SMALLER if is_small else ()), LARGER)
    sizes = [STEP_PX * round(image_px * share / STEP_PX) for share in shares]
    return (name, *(str(replace(asked, image_px=px)) for px in sizes))
