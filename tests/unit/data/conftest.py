"""Small pictures on disk, and data sets without any."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from sklearn.datasets import load_sample_image

from regraft.data import Dataset, Example, Part


@pytest.fixture(scope="session")
def photo() -> PIL.Image.Image:
    return PIL.Image.fromarray(load_sample_image("china.jpg"))


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    """Write a picture of one colour; every colour gives other bytes."""

    def write(name: str, colour: int = 0, **options: object) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((8, 8, 3), colour, np.uint8)
        PIL.Image.fromarray(pixels).save(path, **options)
        return path

    return write


@pytest.fixture
def make() -> Callable[..., Dataset]:
    """A data set from (label, content, group, part) without files."""

    def dataset(*rows: tuple[int, str, str, Part | None]) -> Dataset:
        examples = tuple(
            Example(Path(f"/{i:04}.jpg"), label, content, group=group, part=part)
            for i, (label, content, group, part) in enumerate(rows)
        )
        classes = tuple(f"class {k}" for k in range(max(row[0] for row in rows) + 1))
        return Dataset(Path("/"), classes, examples)

    return dataset
