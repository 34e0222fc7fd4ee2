import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from regraft.backbones import Card, Stage
from regraft.features import Representation, columns, fit_affine, width

STAGES = st.lists(st.tuples(st.integers(1, 5), st.booleans()), min_size=1, max_size=5)
DEPTHS = st.sampled_from(["last", "all", "grid"])


def make_card(stages: list[tuple[int, bool]]) -> Card:
    named = tuple(Stage(f"s{i}", columns, is_map) for i, (columns, is_map) in enumerate(stages))
    rgb = (0.5, 0.5, 0.5)
    return Card("n", "n", "n", "", "", 8, 1.0, "bicubic", rgb, rgb, named, parameters=1, multiply_adds=1)


@given(STAGES, DEPTHS)
def test_columns_never_overlap_and_stay_inside(stages: list[tuple[int, bool]], depths: str) -> None:
    card = make_card(stages)
    chosen = [index for part in columns(card, depths) for index in range(part.start, part.stop)]
    assert chosen == sorted(set(chosen))
    assert len(chosen) == width([card], depths)
    assert chosen[-1] < card.width
    if depths == "grid":
        assert chosen == list(range(card.width))


@given(st.data(), STAGES, DEPTHS, st.sampled_from(["depth", "feature", "none"]))
def test_scaled_features_are_finite_and_centred(data, stages, depths, scaling) -> None:
    card = make_card(stages)
    shape = (data.draw(st.integers(1, 12)), width([card], depths))
    features = data.draw(arrays(np.float32, shape, elements=st.floats(-1000, 1000, width=32)))
    affine = fit_affine(Representation(("n",), depths, scaling), [card], features)
    scaled = affine(features)
    assert scaled.shape == shape
    assert np.isfinite(scaled).all()
    largest = np.abs(scaled).max(0) + 1
    # float32 rounds values near 1000 by 6e-5, which scaling then multiplies.
    assert (np.abs(scaled.mean(0)) <= 1e-3 * largest + 1e-4 * affine.scale).all()
