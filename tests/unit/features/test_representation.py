from pathlib import Path

import numpy as np
import pytest

from regraft.backbones import Backbone, Card, Stage
from regraft.core.errors import ArtifactError, RecipeError
from regraft.features import FeatureStore, Representation, columns, fit_affine, read, width
from regraft.features.representation import DAMPING

IMAGES = ["aa" * 32, "bb" * 32, "cc" * 32]


def card(name: str, *stages: Stage) -> Card:
    return Card(
        name,
        name,
        name,
        "none",
        "none",
        8,
        1.0,
        "bicubic",
        (0.5,) * 3,
        (0.5,) * 3,
        stages,
        parameters=1,
        multiply_adds=1,
    )


# means of 2 and 3 columns and the head's 4, then grids of 8 and 12: 29 columns
CARD = card("net", Stage("a", 2, is_map=True), Stage("b", 3, is_map=True), Stage("head", 4, is_map=False))
SMALL = card("small", Stage("a", 1, is_map=True))  # a mean of 1 column and a grid of 4


def backbone(of: Card) -> Backbone:
    return Backbone(of, "torch", 0.0, lambda images: np.zeros((len(images), of.width), np.float32))


def features(count: int = 40, columns: int = 9) -> np.ndarray:
    random = np.random.default_rng(0)
    return (random.normal(size=(count, columns)) * (1 + np.arange(columns)) + 5).astype(np.float32)


def test_depths_choose_columns() -> None:
    assert columns(CARD, "last") == (slice(5, 9),)
    assert columns(CARD, "all") == (slice(0, 2), slice(2, 5), slice(5, 9))
    assert columns(CARD, "grid") == (*columns(CARD, "all"), slice(9, 17), slice(17, 29))
    assert columns(SMALL, "last") == (slice(0, 1),)


def test_widths_add_up_over_backbones() -> None:
    assert width([CARD], "grid") == CARD.width == 29
    assert width([CARD, SMALL], "grid") == 34
    assert width([CARD, SMALL], "all") == 10
    assert width([CARD, SMALL], "last") == 5


@pytest.mark.parametrize("backbones", [(), ("net", "net")])
def test_backbones_must_be_different_and_there(backbones: tuple[str, ...]) -> None:
    with pytest.raises(RecipeError, match="one or more different names"):
        Representation(backbones)


def test_backbones_stand_side_by_side(tmp_path: Path) -> None:
    big, small = backbone(CARD), backbone(SMALL)
    random = np.random.default_rng(0)
    rows = {b.key: random.integers(0, 99, (3, b.card.width)).astype(np.float32) for b in (big, small)}
    representation = Representation(("small", "net"), depths="all")
    with FeatureStore(tmp_path) as store:
        for one in (big, small):
            store.write(one.key, one.card.name, IMAGES, rows[one.key])
        found = read(representation, {"net": big, "small": small}, store, IMAGES[::-1])
        with pytest.raises(ArtifactError, match="1 images have no features"):
            read(representation, {"net": big, "small": small}, store, ["dd" * 32])
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.hstack([rows[small.key][::-1, :1], rows[big.key][::-1, :9]]))


def test_scaling_by_depth_gives_every_depth_the_same_variance() -> None:
    affine = fit_affine(Representation(("net",), "all", "depth"), [CARD], features())
    scaled = affine(features())
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled.mean(0), 0, atol=1e-5)
    totals = [scaled[:, part].var(0).sum() for part in columns(CARD, "all")]
    np.testing.assert_allclose(totals, 1, rtol=1e-4)
    # Within a depth, columns keep their proportions.
    np.testing.assert_allclose(np.ptp(affine.scale[2:5]), 0, atol=1e-7)


def test_scaling_by_feature_gives_active_columns_nearly_the_same_variance() -> None:
    affine = fit_affine(Representation(("net",), "all", "feature"), [CARD], features())
    spread = affine(features()).var(0)
    assert spread.max() < 1
    assert spread.max() / spread.min() < 1.5 < features().var(0).max() / features().var(0).min()
    np.testing.assert_allclose(affine(features()).mean(0), 0, atol=1e-5)


def test_a_column_that_was_hardly_active_is_not_blown_up_on_new_images() -> None:
    rare, other = features(), features()
    rare[:, 3] = 0
    rare[0, 3] = 1e-3
    other[:, 3] = rare[:, 4].std()
    affine = fit_affine(Representation(("net",), "all", "feature"), [CARD], rare)
    assert 0 < affine(rare)[0, 3] < 0.1
    assert np.abs(affine(other)[:, 3]).max() < 10


def test_no_scaling_only_centres() -> None:
    affine = fit_affine(Representation(("net",), "all", "none"), [CARD], features())
    np.testing.assert_allclose(affine(features()), features() - features().mean(0), atol=1e-4)


@pytest.mark.parametrize("scaling", ["depth", "feature", "none"])
def test_constant_columns_become_zero_whatever_comes_later(scaling: str) -> None:
    constant = features()
    constant[:, 3] = 7.25
    affine = fit_affine(Representation(("net",), "all", scaling), [CARD], constant)
    scaled = affine(constant)
    np.testing.assert_allclose(scaled[:, 3], 0, atol=1e-6)
    assert np.isfinite(scaled).all()
    assert np.isfinite(affine.scale).all()
    if scaling == "feature":
        other = constant.copy()
        other[:, 3] = 7.5  # must not explode because it was constant in training
        np.testing.assert_allclose(affine(other)[:, 3], 0, atol=1e-6)


def test_a_depth_of_constants_does_not_explode() -> None:
    constant = features()
    constant[:, 2:5] = -3.5
    affine = fit_affine(Representation(("net",), "all", "depth"), [CARD], constant)
    other = constant.copy()
    other[:, 2:5] += 0.01
    assert np.abs(affine(other)[:, 2:5]).max() < 1


def test_every_backbone_is_scaled_by_itself() -> None:
    both = np.hstack([features(), 1000 * features(columns=1)])
    affine = fit_affine(Representation(("net", "small"), "all", "depth"), [CARD, SMALL], both)
    np.testing.assert_allclose(affine(both)[:, 9:].var(0).sum(), 1, rtol=1e-4)


def test_large_means_do_not_spoil_small_variances() -> None:
    shifted = features() / 100 + 1000
    affine = fit_affine(Representation(("net",), "all", "feature"), [CARD], shifted)
    plain = fit_affine(Representation(("net",), "all", "feature"), [CARD], features() / 100)
    np.testing.assert_allclose(affine.scale, plain.scale, rtol=1e-2)


def test_moments_of_many_rows_are_those_of_all_rows() -> None:
    many = np.tile(features(500), (9, 1)) + np.repeat(np.arange(9, dtype=np.float32), 500)[:, None]
    affine = fit_affine(Representation(("net",), "all", "feature"), [CARD], many)
    np.testing.assert_allclose(affine.shift, many.mean(0, dtype=np.float64), rtol=1e-6)
    variance = many.var(0, dtype=np.float64)
    for part in columns(CARD, "all"):
        variance[part] += DAMPING**2 * variance[part].mean()
    np.testing.assert_allclose(affine.scale, 1 / np.sqrt(variance), rtol=1e-5)
