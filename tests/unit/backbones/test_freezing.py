import copy
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import timm
import torch
from torch import nn

from regraft.backbones import Card
from regraft.backbones.depths import HEAD, Depths
from regraft.backbones.freezing import freeze, thaw
from regraft.backbones.sources import build, identify
from regraft.core.errors import BackboneError

FAMILIES = (
    "timm:test_resnet",
    "timm:test_efficientnet",
    "timm:test_convnext",
    "timm:test_vit",  # position embeddings belong to no module
    "timm:mobilenetv3_small_050",
    pytest.param("timm:crossvit_tiny_240", marks=pytest.mark.slow),  # stages hand on several tensors
    "torchvision:mobilenet_v3_small",  # no timm: the classifier is run in the same pass
    "scratch:lenet5",
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[nn.Module, Card]]:
    folder = tmp_path_factory.mktemp("weights")
    kept: dict[str, tuple[nn.Module, Card]] = {}

    def make(name: str) -> tuple[nn.Module, Card]:
        if name not in kept:
            kept[name] = build(identify(name if name.startswith("scratch") else with_file(name, folder)))
        network, card = kept[name]
        return copy.deepcopy(network), card

    return make


def with_file(name: str, folder: Path) -> str:
    origin, _, architecture = name.partition(":")
    if origin == "timm":
        network = timm.create_model(architecture)
    else:
        from torchvision import models

        network = models.get_model(architecture)
    torch.save(network.state_dict(), folder / f"{architecture}.pth")
    return f"{name}@{folder / architecture}.pth"


def step(network: nn.Module, card: Card) -> set[str]:
    """One step of training on noise; the names of all tensors that moved, statistics included."""
    network.train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    optimizer = torch.optim.SGD((p for p in network.parameters() if p.requires_grad), lr=0.01)
    scores = network(torch.randn(3, 3, card.image_px, card.image_px))
    (scores * torch.randn_like(scores)).mean().backward()
    optimizer.step()
    return {name for name, tensor in network.state_dict().items() if not torch.equal(before[name], tensor)}


def depths_until(card: Card, stage: str) -> list[str]:
    names = [one.name for one in card.stages]
    return names[: names.index(stage) + 1] if stage in names else names


@pytest.mark.parametrize("position", [0, 0.5, 1], ids=["first", "middle", "head"])
@pytest.mark.parametrize("name", FAMILIES)
def test_nothing_before_the_freeze_point_moves_and_something_behind_it_does(
    name: str, position: float, built
) -> None:
    torch.manual_seed(0)
    network, card = built(name)
    stages = [stage.name for stage in card.stages if stage.name != HEAD]
    until = HEAD if position == 1 else stages[int(position * (len(stages) - 1))]
    fixed = set(freeze(network, card, until=until))
    kept = depths_until(card, until)
    pixels = torch.randn(2, 3, card.image_px, card.image_px)
    network.train()
    # Also with dropout and batch statistics on: up to the freeze point nothing depends on the mode.
    before = read(network, kept, pixels)
    moved = step(network, card)
    assert fixed
    assert moved
    assert not moved & fixed
    after = read(network, kept, pixels)
    assert all(torch.equal(before[stage], after[stage]) for stage in before)
    parameters = {parameter for parameter, _ in network.named_parameters()}
    trained = {parameter for parameter, value in network.named_parameters() if value.requires_grad}
    assert fixed | trained == parameters
    assert not fixed & trained
    if until == HEAD:
        assert len(trained) <= 4
        assert moved == trained


def read(network: nn.Module, stages: list[str], pixels: torch.Tensor) -> dict[str, torch.Tensor]:
    reader = Depths(copy.deepcopy(network), [stage for stage in stages if stage != HEAD])
    with torch.no_grad():
        found = reader.activations(pixels)
    return {stage: found[stage] for stage in stages if stage in found}


@pytest.mark.parametrize("name", ["timm:test_resnet", "timm:mobilenetv3_small_050"])
def test_without_a_freeze_point_statistics_move(name: str, built) -> None:
    # What the test above would miss if steps moved nothing at all.
    network, card = built(name)
    thaw(network)
    assert any("running_mean" in tensor for tensor in step(network, card))


def test_deeper_freeze_points_fix_more(built) -> None:
    network, card = built("timm:test_vit")
    fixed = [set(freeze(network, card, until=stage.name)) for stage in card.stages]
    assert all(shallow <= deep for shallow, deep in pairwise(fixed))
    assert {"cls_token", "pos_embed", "patch_embed.proj.weight"} <= fixed[0]
    assert not any(parameter.startswith("blocks.1") for parameter in fixed[0])


def test_a_copy_of_a_frozen_network_is_frozen_by_itself(built) -> None:
    network, card = built("timm:test_resnet")
    freeze(network, card, until="layer2")
    twin = copy.deepcopy(network).train()
    assert not twin.get_submodule("layer2").training
    assert twin.get_submodule("layer4").training
    network.get_submodule("layer2").training = True
    assert not twin.get_submodule("layer2").training


def test_what_is_thawed_trains_again(built) -> None:
    network, card = built("timm:test_resnet")
    freeze(network, card, until=HEAD)
    thaw(network)
    assert "conv1.0.weight" in step(network, card)
    assert network.get_submodule("layer1").training


def test_a_stage_that_the_card_does_not_name(built) -> None:
    network, card = built("timm:test_resnet")
    with pytest.raises(BackboneError, match=r"no stage 'layer9'\. Did you mean layer"):
        freeze(network, card, until="layer9")
