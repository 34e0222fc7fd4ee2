"""A network of mean colours in place of every pretrained one, and images that it can tell apart."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from regraft.backbones import Backbone, Card, Stage
from regraft.core.arrays import Features, Images
from regraft.core.errors import BackboneError
from regraft.features import fit_affine
from regraft.heads import Ridge
from regraft.pipeline.model import Model, folded
from regraft.pipeline.recipe import Head, Recipe

COLOURS = {"red": (200, 40, 40), "green": (40, 200, 40), "blue": (40, 40, 200)}

CARD = Card(
    name="lite0",
    architecture="mean colour",
    sha256="0" * 64,
    licence="none",
    pretrained_on="nothing",
    image_px=8,
    crop_fraction=1.0,
    interpolation="bilinear",
    mean=(0.0, 0.0, 0.0),
    std=(1.0, 1.0, 1.0),
    stages=(Stage("map", 3, is_map=True), Stage("head", 3, is_map=False)),
    parameters=0,
    multiply_adds=0,
)


def quarters(images: Images) -> Features:
    """Mean colour, its square, and the mean colour of each quarter: the layout that `CARD` describes."""
    cells = images.reshape(len(images), 2, 4, 2, 4, 3).mean((2, 4), dtype=np.float32) / 255
    mean = cells.mean((1, 2))
    return np.concatenate([mean, mean**2, cells.reshape(len(images), 12)], axis=1)


@dataclass
class Networks:
    """Stands in for the loader. `sizes` are the batches that were embedded; `sha256` the weights' name."""

    sizes: list[int]
    sha256: str = CARD.sha256

    def load(self, name: str, *, runtime: str = "auto") -> Backbone:
        if not name.startswith("lite"):
            raise BackboneError(f"There is no backbone {name!r}.")
        return Backbone(replace(CARD, name=name, sha256=self.sha256), "openvino", 0.0, self._embed)

    def _embed(self, images: Images) -> Features:
        self.sizes.append(len(images))
        return quarters(images)


@pytest.fixture
def as_it_is() -> Recipe:
    """One fit and no ladder, where the ladder is not what is tested."""
    return Recipe(("lite0",), "all", "depth", Ridge())


@pytest.fixture
def networks(monkeypatch: pytest.MonkeyPatch, empty_cache: Path) -> Networks:
    """The stand-in, wherever the pipeline loads a network."""
    fake = Networks([])
    loaders = {"model": "load_backbone", "trunk": "load_backbone", "embed": "load", "inventory": "load"}
    for home, loader in loaders.items():
        # Some modules have the name of the function in them, which the package offers in their place.
        monkeypatch.setattr(importlib.import_module(f"regraft.pipeline.{home}"), loader, fake.load)
    monkeypatch.setattr("regraft.pipeline.trunk.is_ready", lambda name, runtime="auto": True)
    return fake


Paint = Callable[..., Path]


@pytest.fixture
def paint(tmp_path: Path) -> Paint:
    """Paint images of one colour with some noise, in one folder per class."""

    def write(name: str = "photos", *, each: int = 8, seed: int = 0, classes: tuple[str, ...] = ()) -> Path:
        random = np.random.default_rng(seed)
        for colour in classes or tuple(COLOURS):
            folder = tmp_path / name / colour
            folder.mkdir(parents=True, exist_ok=True)
            for index in range(each):
                pixels = random.normal(COLOURS[colour], 20, (12, 16, 3)).clip(0, 255).astype(np.uint8)
                PIL.Image.fromarray(pixels).save(folder / f"{seed}-{index:02}.png")
        return tmp_path / name

    return write


@pytest.fixture
def image_of() -> Callable[[str], PIL.Image.Image]:
    """A Pillow image of one colour."""
    return lambda colour: PIL.Image.new("RGB", (16, 12), COLOURS[colour])


@pytest.fixture
def colour_model(networks: Networks) -> Callable[[Head], Model]:
    """A model fitted to a hundred colours around each of the three, by some head."""

    def fit(head: Head) -> Model:
        random, classes = np.random.default_rng(1), tuple(COLOURS)
        pixels = [
            random.normal(COLOURS[name], 20, (8, 8, 3)).clip(0, 255) for name in classes for _ in range(20)
        ]
        recipe = Recipe(("lite0",), "all", "depth", head)
        features = quarters(np.array(pixels, np.uint8))[:, :6]
        affine = fit_affine(recipe.representation, (CARD,), features)
        labels = np.arange(3).repeat(20)
        classifier, remaining = folded(head.fit(affine(features), labels, class_count=3), affine)
        return Model(classes, (CARD,), recipe, classifier, remaining, temperature=0.5)

    return fit
