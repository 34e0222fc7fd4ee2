"""Real images that come with an installed package, for a first try without any of one's own."""

from pathlib import Path

import numpy as np
import PIL.Image

from regraft.core.files import atomic_path

FULL_INK = 16


def write_digits(folder: Path) -> Path:
    """Write scikit-learn's 1,797 handwritten digits, 8 x 8 pixels each, as PNGs in ten class folders.

    Files that are there already stay as they are.

    Source: Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits, doi 10.24432/C50P49.

    Raises:
        ArtifactError: the folder cannot be written.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    for number, (ink, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        file = folder / str(label) / f"{number:04}.png"
        if not file.exists():
            pixels = np.round(ink * (255 / FULL_INK)).astype(np.uint8)
            with atomic_path(file) as temporary:
                PIL.Image.fromarray(pixels).save(temporary, format="PNG")
    return folder.absolute()
