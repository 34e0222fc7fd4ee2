import numpy as np
import pytest

from regraft.data.audit.tones import detail, tones


def flat(height: int, width: int, colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def test_the_colour_of_an_even_image() -> None:
    found = tones(flat(300, 200, (200, 100, 50)))
    assert found.colour == (200, 100, 50)
    assert found.border == (200, 100, 50, 0)
    assert found.brightest == 200
    assert found.is_blank


def test_the_colour_is_the_mean_of_all_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (400, 333, 3), dtype=np.uint8)
    assert tones(pixels).colour == pytest.approx(pixels.mean(axis=(0, 1)), abs=3)


def test_a_frame_shows_in_the_border() -> None:
    pixels = flat(200, 300, (250, 250, 250))
    pixels[4:-4, 4:-4] = 100
    red, _, _, spread = tones(pixels).border
    assert (red, spread) == (250, 0)


@pytest.mark.parametrize("size", [2, 40, 400])
def test_a_mark_between_the_sampled_pixels_is_seen(size: int) -> None:
    pixels = flat(size, size, (255, 255, 255))
    assert tones(pixels).is_blank
    pixels[1 : 2 + size // 20, 1 : 2 + size // 20] = 0
    assert not tones(pixels).is_blank


def test_an_image_of_one_pixel() -> None:
    found = tones(flat(1, 1, (9, 8, 7)))
    assert found.colour == (9, 8, 7)
    assert found.brightest == 9


def test_a_busy_image_has_more_detail_than_a_smooth_one() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (256, 256, 3), dtype=np.uint8)
    ramp = np.tile(np.arange(256, dtype=np.uint8)[None, :, None], (256, 1, 3))
    assert detail(flat(256, 256, (9, 9, 9))) < 0.04
    assert detail(ramp) < detail(noise) / 5


@pytest.mark.parametrize("shape", [(600, 800), (300, 20), (7, 5000)])
def test_the_detail_of_pieces_is_that_of_the_whole(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (*shape, 3), dtype=np.uint8)
    whole = np.random.default_rng(0).integers(0, 255, (256, 256, 3), dtype=np.uint8)
    assert detail(noise) == pytest.approx(detail(whole), rel=0.3)
