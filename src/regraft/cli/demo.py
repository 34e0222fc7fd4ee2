"""`regraft demo`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from regraft.cli.fit import fit

DIGITS = "digits"


def demo(
    *,
    folder: Path = Path("demo"),
    data: str = DIGITS,
    budget: str = "3m",
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Write a public data set as an image folder and run the main job on it.

    Args:
        folder: where the images go.
        data: scikit-learn's handwritten digits, which need no network, or a set that torchvision fetches:
            aircraft, cifar10, cifar100, dtd, eurosat, fashion_mnist, flowers102, food101, imagenette,
            oxford_pets, svhn.
        budget: as for fit.
        json: print one JSON object instead of the report.
    """
    from regraft.data import write_digits, write_public_set

    images = folder / data
    fit(write_digits(images) if data == DIGITS else write_public_set(data, images), budget=budget, json=json)
