from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from regraft.data import Dataset, Example
from regraft.pipeline.ranking.candidates import at_sizes, median_side_px


@pytest.mark.parametrize(
    ("side_px", "names"),
    [
        (28, ("lite0", "lite0:96px", "lite0:128px", "lite0:288px")),
        (112, ("lite0", "lite0:96px", "lite0:128px", "lite0:288px")),
        (200, ("lite0", "lite0:288px")),
        (2000, ("lite0", "lite0:288px")),
        (0, ("lite0", "lite0:288px")),
    ],
)
def test_sizes_follow_the_images(side_px, names):
    assert at_sizes("lite0", 224, side_px) == names


def test_a_size_that_was_asked_for_stays():
    assert at_sizes("lite0:128px", 224, 28) == ("lite0:128px",)


def test_the_precision_is_kept():
    assert at_sizes("lite0:int8", 224, 28)[1] == "lite0:96px:int8"


def test_the_median_is_of_the_shorter_sides(tmp_path: Path):
    for index, size in enumerate([(40, 90), (80, 50), (60, 60)]):
        PIL.Image.fromarray(np.zeros((size[1], size[0], 3), np.uint8)).save(tmp_path / f"{index}.png")
    (tmp_path / "3.png").write_bytes(b"no image")
    paths = sorted(tmp_path.iterdir())
    data = Dataset(tmp_path, ("a",), tuple(Example(path, 0, "0") for path in paths))
    assert median_side_px(data) == 50
