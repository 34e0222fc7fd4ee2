from collections.abc import Callable
from pathlib import Path

import pytest
import timm
import torch
from torch import nn

from regraft.backbones import Card
from regraft.backbones.depths import HEAD, Depths, pooled
from regraft.backbones.sources import build, identify
from regraft.backbones.tail import LARGEST, SMALLEST, cut, stages_by_module
from regraft.core.errors import BackboneError

FAMILIES = (
    "timm:test_resnet",
    "timm:test_efficientnet",
    "timm:test_convnext",
    "timm:test_vit",  # position embeddings are added between modules
    "timm:mobilenetv3_small_050",
    "torchvision:mobilenet_v3_small",
    "scratch:lenet5",
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[nn.Module, Card]]:
    folder = tmp_path_factory.mktemp("weights")

    def make(name: str) -> tuple[nn.Module, Card]:
        return build(identify(name if name.startswith("scratch") else with_file(name, folder)))

    return make


def with_file(name: str, folder: Path) -> str:
    origin, _, architecture = name.partition(":")
    file = folder / f"{architecture}.pth"
    if not file.exists():
        torch.manual_seed(0)
        if origin == "timm":
            network = timm.create_model(architecture)
        else:
            from torchvision import models

            network = models.get_model(architecture)
        torch.save(network.state_dict(), file)
    return f"{name}@{file}"


def pictures(card: Card, count: int = 3) -> torch.Tensor:
    noise = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, card.image_px, card.image_px, 3), dtype=torch.uint8, generator=noise)


def of_the_whole(
    network: nn.Module, card: Card, names: tuple[str, ...], images: torch.Tensor
) -> torch.Tensor:
    mean, std = (255 * torch.tensor(each).view(1, 3, 1, 1) for each in (card.mean, card.std))
    pixels = (images.permute(0, 3, 1, 2).float() - mean) / std
    maps = [stage.name for stage in card.stages if stage.is_map and stage.name in names]
    depths = Depths(network, [name for name in names if name != HEAD])
    with torch.no_grad():
        return pooled(depths.activations(pixels), names, maps)


@pytest.mark.parametrize("trained", [1, 2, 0], ids=["last", "two", "all"])
@pytest.mark.parametrize("name", FAMILIES)
def test_a_tail_gives_what_the_whole_network_gives(name: str, trained: int, built) -> None:
    network, card = built(name)
    count = trained or len(stages_by_module(card))
    tail, images = cut(network, card, trained=count), pictures(card)
    whole = of_the_whole(built(name)[0], card, tail.names, images)
    fed = tail.hand_on(images)
    with torch.no_grad():
        # What is handed on is kept in half precision.
        assert (tail(fed) - whole).abs().max() < 5e-3 * whole.abs().max()
    assert (fed.dtype == torch.uint8) == (not trained)
    if trained:
        # Weights that were drawn give some networks activations too small for half precision.
        is_half = SMALLEST < float(fed.abs().max()) < LARGEST
        assert fed.dtype == (torch.float16 if is_half else torch.float32)


@pytest.mark.parametrize("name", FAMILIES)
def test_only_what_lies_behind_the_freeze_point_learns(name: str, built) -> None:
    network, card = built(name)
    tail = cut(network, card, trained=2)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    trained = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    output = tail(tail.hand_on(pictures(card)))
    (output * torch.randn_like(output)).mean().backward()
    learning = [parameter for parameter in network.parameters() if parameter.grad is not None]
    assert learning
    with torch.no_grad():
        for parameter in learning:
            # By its sign: of weights that were drawn some gradients are too small to move anything.
            parameter.add_(parameter.grad.sign(), alpha=0.1)
    moved = {name for name, value in network.state_dict().items() if not torch.equal(before[name], value)}
    assert moved
    assert moved <= trained  # and no statistics of batches


def test_the_network_itself_still_computes_what_it_did(built) -> None:
    network, card = built("timm:test_resnet")
    images = pictures(card)
    names = tuple(stage.name for stage in card.stages)
    before = of_the_whole(network, card, names, images)
    tail = cut(network, card, trained=2)
    tail(tail.hand_on(images))
    assert torch.equal(of_the_whole(network, card, names, images), before)


def test_stages_of_one_module_count_as_one(built) -> None:
    _, card = built("timm:test_vit")
    parts = stages_by_module(card)
    assert parts[-1] == (HEAD,)
    assert len(parts[-2]) == 2
    assert [name for part in parts for name in part] == [stage.name for stage in card.stages]


def test_training_the_last_block_of_a_transformer_trains_its_weights(built) -> None:
    network, card = built("timm:test_vit")
    cut(network, card, trained=2)
    last = stages_by_module(card)[-2][0]
    assert all(parameter.requires_grad for parameter in network.get_submodule(last).parameters())


@pytest.mark.parametrize("count", [-1, 0, 100])
def test_it_says_how_many_stages_there_are(count: int, built) -> None:
    with pytest.raises(
        BackboneError, match=r"has 5 stages \(act1, .*layer4\), so that 1 to 5 of them can be trained"
    ):
        cut(*built("timm:test_resnet"), trained=count)


def test_several_tensors_at_the_freeze_point_are_refused(built) -> None:
    network, card = built("timm:crossvit_tiny_240")
    with pytest.raises(BackboneError, match="hands on several tensors behind"):
        cut(network, card, trained=1)


class Skipping(nn.Module):
    """Its last stage also reads the first one."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 4, 3, 2, 1)
        self.third, self.classifier = nn.Conv2d(4, 4, 1), nn.Linear(4, 2)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        first = self.first(pixels)
        last = self.third(self.second(first)).mean((2, 3)) + first.mean((2, 3))
        return self.classifier(last)


def test_what_reads_past_the_freeze_point_is_refused(built) -> None:
    from regraft.backbones import Stage

    stages = (
        Stage("first", 4, True),
        Stage("second", 4, True),
        Stage("third", 4, True),
        Stage(HEAD, 4, False),
    )
    card = Card("own", "own", "", "", "", 32, 1.0, "bilinear", (0.5,) * 3, (0.5,) * 3, stages, 0, 0)
    with pytest.raises(BackboneError, match="also read what comes from further ahead"):
        cut(Skipping(), card, trained=2)
    cut(Skipping(), card, trained=3)


def test_a_saved_run_is_refused(built) -> None:
    class Run(nn.Module):
        def activations(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
            return {}

    with pytest.raises(BackboneError, match="is a saved run"):
        cut(Run(), built("timm:test_resnet")[1], trained=1)
