"""The smallest residual network, what its fixed part hands on of some pictures, and a solved head."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from regraft.backbones.card import Card, Depths
from regraft.backbones.depths import Embedding
from regraft.backbones.sources import build, identify
from regraft.backbones.tail import cut
from regraft.core.arrays import Features
from regraft.features import Affine
from regraft.heads import Linear
from regraft.training.tunable import Lesson, Tunable

COUNT, CLASSES, PX = 24, 3, 64


@pytest.fixture(scope="module")
def name(tmp_path_factory: pytest.TempPathFactory) -> str:
    file: Path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        save_file(timm.create_model("test_resnet").state_dict(), file)
    return f"timm:test_resnet@{file}:{PX}px"


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    noise = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (COUNT, PX, PX, 3), dtype=torch.uint8, generator=noise)


@pytest.fixture(scope="module")
def stored(name: str, images: torch.Tensor) -> tuple[Card, Features]:
    """The network's card, and its whole rows of all pictures."""
    network, card = build(identify(name))
    with torch.no_grad():
        return card, Embedding(network, card).eval()(images).numpy()


Ready = Callable[..., tuple[Tunable, Lesson]]


@pytest.fixture(scope="module")
def ready(name: str, images: torch.Tensor, stored: tuple[Card, Features]) -> Ready:
    """A model whose last stages can be trained, and what it is to learn."""

    def make(
        *, depths: Depths = "all", stages: int = 2, weights: np.ndarray | None = None
    ) -> tuple[Tunable, Lesson]:
        network, card = build(identify(name))
        tail = cut(network, card, trained=stages)
        rows = np.concatenate([stored[1][:, part] for part in card.columns(depths)], axis=1)
        random = np.random.default_rng(0)
        d = rows.shape[1]
        weights_drawn, bias = random.standard_normal((d, CLASSES)) / d**0.5, random.standard_normal(CLASSES)
        head = Linear(weights_drawn.astype(np.float32), bias.astype(np.float32))
        affine = Affine(rows.mean(0), 1 / (rows.std(0) + 0.1))
        labels = random.integers(0, CLASSES, COUNT)
        lesson = Lesson(tail.hand_on(images), rows, labels, np.ones(COUNT) if weights is None else weights)
        return Tunable(tail, card, depths, head=head, affine=affine), lesson

    return make
