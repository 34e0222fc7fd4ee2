"""On real photographs, and on made textures and scribbles that are alike but not the same."""

import io
from collections.abc import Callable

import numpy as np
import PIL.Image
import pytest
import skimage.data

from regraft.core.errors import DataError
from regraft.data import decode
from regraft.data.copies.keypoints import find_keypoints, lay_over, same_picture
from regraft.data.copies.near_copies import clusters, near_copies
from regraft.data.copies.neighbours import nearest
from regraft.data.copies.thumbnails import invariants, quarter_turns, thumbnail
from regraft.data.copies.whole import WHOLE_AGREEING_FRACTION, best_ways, quarter_matrix

NAMES = ("astronaut", "chelsea", "coffee")
Picture = np.ndarray


def photos() -> list[Picture]:
    """Four cuts of each of three photographs that share nothing."""
    found = []
    for name in NAMES:
        whole = PIL.Image.fromarray(getattr(skimage.data, name)())
        width, height = whole.size
        for left, top in ((0, 0), (width // 2, 0), (0, height // 2), (width // 2, height // 2)):
            found.append(np.asarray(whole.crop((left, top, left + width // 2, top + height // 2))))
    return found


def resaved(picture: Picture, *, quality: int = 40) -> Picture:
    file = io.BytesIO()
    PIL.Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return decode(file.getvalue())


def turned(picture: Picture, degrees: float) -> Picture:
    return np.asarray(PIL.Image.fromarray(picture).rotate(degrees, PIL.Image.Resampling.BICUBIC))


def half(picture: Picture) -> Picture:
    return np.asarray(PIL.Image.fromarray(picture).resize((picture.shape[1] // 2, picture.shape[0] // 2)))


def cut(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    return picture[height // 12 :, : width - width // 12]


def darker(picture: Picture) -> Picture:
    return (picture * 0.7).astype(np.uint8)


CHANGES: dict[str, tuple[Callable[[Picture], Picture], str]] = {
    "rescaled": (half, "saved again"),
    "recompressed": (resaved, "saved again"),
    "darker": (darker, "saved again"),
    "mirrored": (lambda picture: picture[:, ::-1], "mirrored"),
    "upside down": (lambda picture: picture[::-1], "mirrored"),
    "a quarter": (np.rot90, "turned"),
    "half a turn": (lambda picture: picture[::-1, ::-1], "turned"),
    "a little": (lambda picture: turned(picture, 17), "turned"),
    "cut": (cut, "cut or shifted"),
}


def found_among(pictures: list[Picture], features: np.ndarray | None = None) -> list:
    pictures = [np.ascontiguousarray(picture) for picture in pictures]
    return near_copies(np.stack([thumbnail(p) for p in pictures]), features, pictures.__getitem__)


@pytest.mark.parametrize("change", CHANGES)
def test_every_kind_of_copy_is_found_and_named(change: str) -> None:
    pictures = photos()
    made, how = CHANGES[change]
    # What a network would say, which sees through a little turn better than thumbnails do.
    features = np.random.default_rng(0).normal(size=(len(pictures), 8)).astype(np.float32)
    copies = found_among([*pictures, *map(made, pictures)], np.tile(features, (2, 1)))
    pairs = {(copy.first, copy.second): copy.how for copy in copies}
    assert set(pairs) == {(place, place + len(pictures)) for place in range(len(pictures))}
    assert set(pairs.values()) == {how}


def test_different_pictures_are_no_copies() -> None:
    assert found_among(photos()) == []


def test_alike_is_not_the_same() -> None:
    """Noise of one kind, stripes of many widths, and handwritten digits."""
    from sklearn.datasets import load_digits

    random = np.random.default_rng(0)
    noise = [random.integers(0, 256, (90, 90, 3), dtype=np.uint8) for _ in range(10)]
    digits = np.repeat((load_digits().images[:200] * 15.9).astype(np.uint8)[..., None], 3, axis=3)
    assert found_among([*noise, *digits]) == []


def test_a_picture_that_cannot_be_loaded_is_no_copy() -> None:
    pictures = [*photos()[:3], *photos()[:3]]

    def load(place: int) -> Picture:
        if place == 4:
            raise DataError("it is cut short")
        return pictures[place]

    copies = near_copies(np.stack([thumbnail(p) for p in pictures]), None, load)
    assert [(copy.first, copy.second) for copy in copies] == [(0, 3), (2, 5)]


def test_features_bring_together_what_thumbnails_do_not() -> None:
    pictures = photos()
    zoomed = [np.ascontiguousarray(p[p.shape[0] // 3 :, p.shape[1] // 3 :]) for p in pictures]
    features = np.tile(np.random.default_rng(0).normal(size=(len(pictures), 8)), (2, 1)).astype(np.float32)
    with_features = found_among([*pictures, *zoomed], features)
    assert len(with_features) > len(found_among([*pictures, *zoomed]))
    assert all(copy.second == copy.first + len(pictures) for copy in with_features)


def test_a_search_that_is_stopped_says_nothing() -> None:
    pictures = [*photos(), *photos()]
    small = np.stack([thumbnail(picture) for picture in pictures])
    assert near_copies(small, None, pictures.__getitem__, should_stop=lambda: True) is None


@pytest.mark.parametrize("count", [0, 1, 2])
def test_hardly_any_pictures(count: int) -> None:
    pictures = photos()[:1] * count
    thumbnails = np.stack([thumbnail(p) for p in pictures]) if count else np.zeros((0, 32, 32), np.float32)
    copies = near_copies(thumbnails, None, pictures.__getitem__)
    assert [(copy.first, copy.second) for copy in copies] == [(0, 1)][: max(0, count - 1)]


def silhouettes() -> list[Picture]:
    """Evening skies with something dark in them: fine structure along a few edges, and nowhere else."""
    import cv2

    found = []
    for seed in range(6):
        random = np.random.default_rng(seed)
        sky = np.repeat(np.linspace(200, 120, 150)[:, None], 200, axis=1)
        corners = random.integers(40, 110, (5, 2)).astype(np.int32)
        grainy = cv2.fillPoly(sky, [corners], 30.0) + random.normal(0, 1.5, sky.shape)
        found.append(np.repeat(grainy[..., None], 3, axis=2).astype(np.uint8))
    return found


def test_smooth_pictures_are_found_and_told_apart() -> None:
    pictures = silhouettes()
    again = [resaved(half(picture), quality=80) for picture in pictures]
    copies = found_among([*pictures, *again])
    assert [(copy.first, copy.second) for copy in copies] == [(place, place + 6) for place in range(6)]
    for picture, copy in zip(pictures, again, strict=True):
        overlay = lay_over(find_keypoints(picture).grey, find_keypoints(copy).grey, np.eye(2, 3))
        assert overlay is not None
        assert overlay.agreeing_fraction < WHOLE_AGREEING_FRACTION


def test_a_straight_edge_is_like_any_other() -> None:
    random = np.random.default_rng(0)
    pictures = []
    for way in range(4):
        picture = 230 + random.normal(0, 1.5, (120, 120))
        picture[:, : 12 + way % 2] -= 180
        pictures.append(np.repeat(np.rot90(picture, way)[..., None], 3, axis=2).astype(np.uint8))
    assert found_among(pictures) == []


def test_empty_pictures_are_not_taken_for_one_another() -> None:
    assert found_among([np.full((40, 40, 3), grey, np.uint8) for grey in (0, 0, 255, 255, 128)]) == []


def test_laying_a_picture_in_quarters_is_exact() -> None:
    import cv2

    picture = np.random.default_rng(0).random((40, 60)).astype(np.float32)
    for way, laid in enumerate(quarter_turns(picture)):
        matrix = quarter_matrix(picture.shape, laid.shape, way=way)
        np.testing.assert_allclose(cv2.warpAffine(picture, matrix, laid.shape[::-1]), laid, atol=1e-6)


def test_the_overlay_is_the_map_that_was_applied() -> None:
    picture = photos()[0]
    overlay = same_picture(find_keypoints(picture), find_keypoints(np.ascontiguousarray(cut(picture))))
    assert overlay is not None
    np.testing.assert_allclose(overlay.matrix[:, :2], 12 / 11 * np.eye(2), atol=0.02)


@pytest.mark.parametrize("way", range(8))
def test_invariants_do_not_change_with_quarter_turns(way: int) -> None:
    small = np.stack([thumbnail(picture) for picture in photos()])
    laid = np.stack([quarter_turns(one)[way] for one in small])
    np.testing.assert_allclose(invariants(laid), invariants(small), atol=1e-3)


def test_the_best_way_is_the_one_that_was_taken() -> None:
    small = np.stack([thumbnail(picture) for picture in photos()[:8]])
    laid = np.stack([quarter_turns(one)[way] for way, one in enumerate(small)])
    ways, likeness = best_ways(np.concatenate([small, laid]), [(way, way + 8) for way in range(8)])
    assert ways.tolist() == list(range(8))
    assert likeness.min() > 0.99


def test_few_points_kept_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from regraft.data.copies import near_copies as module

    pictures = [*photos(), *(half(picture) for picture in photos())]
    everything = found_among(pictures)
    monkeypatch.setattr(module, "CHUNK", 4)
    assert found_among(pictures) == everything
    monkeypatch.setattr(module, "POINTS_KEPT", 2)
    assert found_among(pictures) == everything


def test_clusters_join_chains() -> None:
    assert clusters(7, [(5, 4), (1, 3), (3, 6)]) == [(1, 3, 6), (4, 5)]
    assert clusters(3, []) == []


def test_nearest_by_cells_agrees_with_comparing_all(monkeypatch: pytest.MonkeyPatch) -> None:
    from regraft.data.copies import neighbours

    random = np.random.default_rng(0)
    rows = (random.normal(size=(60, 12))[random.integers(0, 60, 900)] * 5).astype(np.float32)
    rows += random.normal(size=rows.shape).astype(np.float32)
    exact = nearest(rows, count=4)
    monkeypatch.setattr(neighbours, "COMPARE_ALL_UP_TO", 100)
    by_cells = nearest(rows, count=4)
    assert (by_cells == exact).mean() > 0.95
    distances = ((rows[:, None] - rows[None]) ** 2).sum(2) + 1e9 * np.eye(900)
    np.testing.assert_array_equal(exact[:, 0], distances.argmin(1))


def test_nearest_of_few() -> None:
    assert nearest(np.eye(2, dtype=np.float32), count=3).tolist() == [[1, -1, -1], [0, -1, -1]]
