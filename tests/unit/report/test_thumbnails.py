import base64
import io

import numpy as np
import PIL.Image
import pytest

from regraft.report.thumbnails import LONGER_SIDE_PX, thumbnails


@pytest.fixture
def pictures(tmp_path):
    random = np.random.default_rng(0)
    paths = []
    for number in range(40):
        pixels = random.integers(0, 255, (60 + 10 * number, 300, 3), dtype=np.uint8)
        paths.append(str(tmp_path / f"{number}.png"))
        PIL.Image.fromarray(pixels).save(paths[-1])
    return paths


def opened(uri):
    assert uri.startswith("data:image/jpeg;base64,")
    return PIL.Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def test_pictures_are_small_and_keep_their_shape(pictures):
    found = thumbnails(pictures[:3])
    assert list(found) == pictures[:3]
    for number, path in enumerate(pictures[:3]):
        small = opened(found[path])
        assert max(small.size) == LONGER_SIDE_PX
        assert small.height / small.width == pytest.approx((60 + 10 * number) / 300, abs=0.01)


def test_a_small_image_is_not_enlarged(tmp_path):
    PIL.Image.new("L", (8, 5), 200).save(tmp_path / "small.png")
    (small,) = thumbnails([str(tmp_path / "small.png")]).values()
    assert opened(small).size == (8, 5)


def test_the_budget_is_kept(pictures):
    whole = thumbnails(pictures)
    found = thumbnails(pictures, budget_bytes=20_000)
    assert 0 < len(found) < len(whole) == 40
    assert sum(map(len, found.values())) <= 20_000


def test_what_cannot_be_read_has_no_picture(pictures, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no image")
    found = thumbnails([str(tmp_path / "broken.png"), str(tmp_path / "none.png"), pictures[0], pictures[0]])
    assert list(found) == [pictures[0]]
