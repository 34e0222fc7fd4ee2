"""What answering costs, without fitting to all examples."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from regraft.backbones import Backbone, Card, Stage
from regraft.core.settings import knobs
from regraft.heads import HEADS, KernelSvm, Linear, NearestNeighbours, Ridge, to_arrays
from regraft.pipeline.climb import Climb
from regraft.pipeline.recipe import Recipe
from regraft.pipeline.tuning import costs as module
from regraft.pipeline.tuning.costs import REPEATS, Costs, blank

EXAMPLES, FEATURES, CLASSES = 30, 6, 3


@pytest.mark.parametrize("head", [*HEADS, HEADS["trained_linear"](width=7)], ids=str)
def test_a_blank_head_has_the_shape_of_the_fitted_one(head: Any) -> None:
    random = np.random.default_rng(0)
    labels = np.arange(EXAMPLES) % CLASSES
    features = (random.normal(size=(EXAMPLES, FEATURES)) + labels[:, None]).astype(np.float32)
    # A penalty that is given need not be searched for.
    if isinstance(head, str):
        settings = HEADS[head]
        head = settings(penalty=0.1) if "penalty" in knobs(settings) else settings()
    fitted = head.fit(features, labels, class_count=CLASSES)
    found = blank(head, examples=EXAMPLES, features=FEATURES, classes=CLASSES)
    assert type(found) is type(fitted)
    wanted, arrays = to_arrays(fitted)[1], to_arrays(found)[1]
    assert wanted.keys() == arrays.keys()
    for name, array in arrays.items():
        if isinstance(head, KernelSvm) and name in ("examples", "duals"):
            # It keeps support vectors only.
            assert len(wanted[name]) <= len(array)
            assert wanted[name].shape[1:] == array.shape[1:]
        else:
            assert wanted[name].shape == array.shape
    assert found.scores(features).shape == (EXAMPLES, CLASSES)


CARD = Card(
    name="lite0",
    architecture="",
    sha256="0" * 64,
    licence="",
    pretrained_on="",
    image_px=8,
    crop_fraction=1.0,
    interpolation="bilinear",
    mean=(0.0,) * 3,
    std=(1.0,) * 3,
    stages=(Stage("head", 3, is_map=False),),
    parameters=0,
    multiply_adds=0,
)


class Foot(Climb):
    """500 images of 4 classes, and networks of 3 features and 2 MB."""

    class_count = 4

    def __init__(self) -> None:
        self.dataset = [None] * 500
        self.asked = Recipe(("lite0",))
        backbone = Backbone(CARD, "openvino", 0.0, quarters, size_bytes=2_000_000)
        self.trunk = SimpleNamespace(backbone=lambda name: backbone)


def quarters(images: np.ndarray) -> np.ndarray:
    return np.zeros((len(images), 3), np.float32)


@pytest.fixture
def climb(monkeypatch: pytest.MonkeyPatch) -> Climb:
    monkeypatch.setattr(module, "remembered", lambda name, runtime: None)
    return Foot()


def test_size_is_that_of_networks_and_head(climb: Climb) -> None:
    costs = Costs(("size",), climb, lambda _, find: find())
    one = Recipe(("lite0",), "last", "depth", Ridge())
    assert costs.of(one) == (2.0,)
    many = Recipe(("lite0", "lite1"), "last", "depth", NearestNeighbours(3))
    arrays = to_arrays(blank(many.head, examples=500, features=6, classes=4))[1].values()
    assert costs.of(many) == (round(4 + (sum(a.nbytes for a in arrays) + 2 * 4 * 6) / 1e6, 2),)


def test_a_head_that_keeps_its_examples_keeps_every_view(climb: Climb) -> None:
    costs = Costs(("size",), climb, lambda _, find: find())
    plain = Recipe(("lite0",), "last", "depth", NearestNeighbours(3))
    sizes = [costs.of(replace(plain, views=views))[0] - 2 for views in ("plain", "both")]
    # Three features in single precision, a label and a weight each.
    assert sizes == pytest.approx([500 * 28e-6, 2000 * 28e-6], abs=0.0051)


def test_latency_is_measured_once_for_each_network_and_shape(
    climb: Climb, monkeypatch: pytest.MonkeyPatch
) -> None:
    agreed = {"ms of lite0": 5.0, "ms of lite1": 2.5}

    def agree(name: str, find: object) -> float:
        return agreed[name] if name in agreed else agreed.setdefault(name, find())

    monkeypatch.setattr(module, "_head_ms", lambda head, features: 0.25)
    costs = Costs(("latency", "size"), climb, agree)
    both = Recipe(("lite0", "lite1"), "last", "depth", Ridge())
    assert costs.of(both)[0] == 7.75
    assert costs.of(both)[0] == 7.75
    assert len(agreed) == 3


def test_a_network_measured_before_is_not_measured_again(
    climb: Climb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "remembered", lambda name, runtime: {"latency_ms": 3.5})
    monkeypatch.setattr(module, "_head_ms", lambda head, features: 0.0)
    costs = Costs(("latency",), climb, lambda _, find: find())
    assert costs.of(Recipe(("lite0",), "last", "depth", Ridge())) == (3.5,)


def test_a_network_that_was_not_is_measured_now(climb: Climb) -> None:
    agreed = {}

    def agree(name: str, find: Callable[[], float]) -> float:
        return agreed.setdefault(name, find())

    (found,) = Costs(("latency",), climb, agree).of(Recipe(("lite0",), "last", "depth", Ridge()))
    assert 0 < agreed["ms of lite0"] < 50
    assert found == pytest.approx(sum(agreed.values()), abs=0.0051)


def test_a_head_is_timed_on_one_image() -> None:
    seen = []

    class Watched(Linear):
        def scores(self, features: np.ndarray) -> np.ndarray:
            seen.append(features.shape)
            return super().scores(features)

    blank_head = blank(Ridge(), examples=1, features=5, classes=2)
    ms = module._head_ms(Watched(blank_head.weights, blank_head.bias), 5)
    assert seen == [(1, 5)] * (1 + REPEATS)
    assert 0 <= ms < 50


def test_limits_keep_out_what_costs_more(climb: Climb) -> None:
    costs = Costs(("size",), climb, lambda _, find: find())
    recipe = Recipe(("lite0",), "last", "depth", Ridge())
    assert costs.keeps(recipe, {"size": 3.0, "latency": None})
    assert not costs.keeps(recipe, {"size": 1.0, "latency": None})
    assert costs.keeps(Recipe(("lite0",)), {"size": 1.0})
    assert costs.keeps(recipe, {"size": None})
