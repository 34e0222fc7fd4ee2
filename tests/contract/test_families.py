"""One contract for every family of networks: stages and rows are what the card says, and nothing moves."""

import copy
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from torch import nn

from regraft.backbones import FAMILIES, Backbone, Card, load
from regraft.backbones.depths import HEAD, Embedding, activations_of
from regraft.backbones.freezing import freeze
from regraft.backbones.layout import place_of
from regraft.backbones.runtimes import relative_error, torch_runtime
from regraft.backbones.sources import build, identify

SLOW = pytest.mark.slow
FAST = {
    "AlexNet": "torchvision:alexnet:64px",
    "ResNet": "timm:test_resnet",
    "Inception": "torchvision:googlenet:64px",
    "DenseNet": "timm:densenet121:64px",
    "EfficientNet": "timm:test_efficientnet:64px",
    "EfficientNet-Lite": "timm:tf_efficientnet_lite0:64px",
    "EfficientNetV2": "timm:tf_efficientnetv2_b0:64px",
    "MobileNetV2": "timm:mobilenetv2_035:64px",
    "MobileNetV3": "timm:mobilenetv3_small_050:64px",
    "MobileNetV4": "timm:mobilenetv4_conv_small_035:64px",
    "ConvNeXt": "timm:test_convnext:64px",
    "RegNet": "timm:regnetx_002:64px",
    "ViT": "timm:test_vit:64px",
    "DeiT": "timm:deit_tiny_distilled_patch16_224:64px",
    "Swin": "timm:swin_tiny_patch4_window7_224:64px",
    "DINOv2": "timm:vit_small_patch14_reg4_dinov2:56px",
    "DINOv3": "timm:vit_tiny_patch16_dinov3_qkvb:64px",
    "CLIP": "timm:vit_xsmall_patch16_clip_224:64px",
    "SigLIP": "timm:test_vit3:64px",
    "LeNet": "scratch:lenet5",
}
"""A small member of every family of the catalogue, at a small size where it takes one."""
FURTHER = {
    "VGG": "timm:vgg11_bn:64px",
    "Inception": "timm:inception_v3:96px",
    "SigLIP": "timm:vit_base_patch32_siglip_256:64px",
    "CLIP by convolution": "timm:resnet50_clip",
    "branches": "timm:crossvit_9_240",
    "tuples": "timm:pit_ti_224",
    "tokens and sizes": "timm:mvitv2_tiny",
    "parallel depths": "timm:coat_lite_tiny",
    "nested lists": "timm:twins_svt_small",
    "two kinds of tokens": "timm:tnt_s_legacy_patch16_224",
    "resolutions": "timm:hrnet_w18_small",
    "units out of order": "timm:hiera_tiny_224",
    "no list of stages": "timm:efficientvit_m0",
    "channels last": "torchvision:swin_t",
    "a map for a classifier": "torchvision:squeezenet1_1",
    "tokens of torchvision": "torchvision:vit_b_32:64px",
}
"""Families that hand on their activations in ways of their own."""
MEMBERS = [
    *(pytest.param(name, id=family) for family, name in FAST.items()),
    *(pytest.param(name, id=f"{family}, more", marks=SLOW) for family, name in FURTHER.items()),
]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[nn.Module, Card]]:
    """The network with weights drawn at random, from a file, and its card."""
    folder = tmp_path_factory.mktemp("families")

    @cache
    def make(name: str) -> tuple[nn.Module, Card]:
        return build(identify(_named(name, folder)))

    return make


def _named(name: str, folder: Path) -> str:
    if name.startswith("scratch:"):
        return name
    origin, architecture, *size = name.split(":")
    file = folder / f"{architecture}.pth"
    if not file.exists():
        torch.save(_random_state(origin, architecture), file)
    return ":".join([origin, f"{architecture}@{file}", *size])


def _random_state(origin: str, architecture: str) -> dict[str, torch.Tensor]:
    from torchvision import models

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        settings = {"init_weights": False, "aux_logits": False} if architecture == "googlenet" else {}
        network = (
            timm.create_model(architecture)
            if origin == "timm"
            else models.get_model(architecture, **settings)
        )
        for module in network.modules():
            if isinstance(getattr(module, "running_var", None), torch.Tensor):
                # As after training: statistics that are not 0 and 1 show whether they are used.
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
        if origin == "torchvision":
            classifier = [module for module in network.modules() if isinstance(module, nn.Linear)][-1:]
            for module in classifier:  # Some begin with zeros.
                nn.init.normal_(module.weight, std=0.02)
    return network.state_dict()


def images_for(card: Card, count: int = 2) -> np.ndarray:
    random = np.random.default_rng(count)
    images = random.integers(0, 256, (count, card.image_px, card.image_px, 3), dtype=np.uint8)
    images[0] //= 3
    return images


def pixels_of(card: Card, images: np.ndarray) -> torch.Tensor:
    scaled = (images / 255 - np.array(card.mean)) / np.array(card.std)
    return torch.tensor(scaled.transpose(0, 3, 1, 2), dtype=torch.float32)


def test_every_family_of_the_catalogue_has_a_member_here() -> None:
    exempt = {"DINO pathology"}  # ViT by another name.
    assert {row.family for row in FAMILIES} - exempt <= {*FAST, *FURTHER}


@pytest.mark.parametrize("name", MEMBERS)
def test_stages_are_ordered_and_as_the_card_says(name: str, built) -> None:
    network, card = built(name)
    names = [stage.name for stage in card.stages]
    assert 2 <= len(names) == len(set(names)) <= 14
    assert HEAD not in names[:-1]
    listed = [stage for stage in names if stage != HEAD]
    ran: list[str] = []
    modules = list(dict.fromkeys(place_of(stage).module for stage in listed))
    hooks = [
        network.get_submodule(module).register_forward_hook(lambda *_, module=module: ran.append(module))
        for module in modules
    ]
    outputs = activations_of(network, listed, pixels_of(card, images_for(card)))
    for hook in hooks:
        hook.remove()
    assert ran == modules
    for stage in card.stages:
        value = outputs[stage.name]
        assert value.shape[:2] == (2, stage.width)
        assert (value.ndim == 4) == stage.is_map
        assert torch.isfinite(value).all()
    first = [stage.name for stage in card.stages if stage.is_map and not place_of(stage.name).branch]
    sides = [outputs[stage].shape[-1] for stage in first]
    assert sides == sorted(sides, reverse=True)
    assert all(outputs[stage].shape[-1] == outputs[stage].shape[-2] for stage in first)


@pytest.mark.parametrize("name", MEMBERS)
def test_maps_are_laid_out_as_the_image_is(name: str, built) -> None:
    """What changes in one corner of the image changes that corner of shallow maps most."""
    network, card = built(name)
    stage = next(stage.name for stage in card.stages if stage.is_map)
    images = images_for(card, 1)
    corner = images.copy()
    quarter = card.image_px // 4
    corner[:, :quarter, -quarter:] = 255 - corner[:, :quarter, -quarter:]
    before, after = (
        activations_of(network, [stage], pixels_of(card, one))[stage] for one in (images, corner)
    )
    moved = (after - before).abs().sum(1)[0].numpy()
    half = moved.shape[0] // 2
    if half:
        assert moved[:half, -half:].mean() == max(
            part.mean()
            for rows in (moved[:half], moved[-half:])
            for part in (rows[:, :half], rows[:, -half:])
        )


@pytest.mark.parametrize("name", MEMBERS)
def test_the_last_mean_is_the_networks_own_embedding(name: str, built) -> None:
    network, card = built(name)
    images = images_for(card)
    rows = torch_runtime(Embedding(copy.deepcopy(network), card))(images)
    assert rows.shape == (2, card.width)
    last = [block for block in card.blocks if block.pooling == "mean"][-1]
    part = rows[:, last.start : last.stop]
    with torch.no_grad():
        own = _own_embedding(network, pixels_of(card, images))
    assert relative_error(part, own) < 1e-4
    assert relative_error(rows[:1], rows[1:]) > 1e-3  # images differ, and so do their rows


def _own_embedding(network: nn.Module, pixels: torch.Tensor) -> np.ndarray:
    """By timm's two passes, or what torchvision's classifier is given."""
    if hasattr(network, "forward_head"):
        return network.forward_head(network.forward_features(pixels), pre_logits=True).flatten(1).numpy()
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    if not linear:
        return network.features(pixels).mean((2, 3)).numpy()
    given: list[torch.Tensor] = []
    hook = linear[-1].register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    network(pixels)
    hook.remove()
    return given[0].numpy()


@pytest.mark.parametrize("name", MEMBERS)
def test_embedding_moves_no_statistics(name: str, built) -> None:
    network, card = built(name)
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    embed = torch_runtime(Embedding(copy.deepcopy(network), card))
    first, second = embed(images_for(card)), embed(images_for(card))
    np.testing.assert_array_equal(first, second)
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert all(torch.equal(before[key], tensor) for key, tensor in network.state_dict().items())


@pytest.mark.parametrize("name", MEMBERS)
def test_training_moves_only_what_lies_behind_the_freeze_point(name: str, built) -> None:
    network, card = built(name)
    network = copy.deepcopy(network)
    middle = card.stages[(len(card.stages) - 1) // 2].name
    fixed = set(freeze(network, card, until=middle))
    network.train()
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    scores = network(
        torch.randn(3, 3, card.image_px, card.image_px, generator=torch.Generator().manual_seed(0))
    )
    scores = scores[0] if isinstance(scores, (tuple, list)) else scores
    optimizer = torch.optim.SGD((p for p in network.parameters() if p.requires_grad), lr=0.01)
    (scores * torch.randn_like(scores)).mean().backward()
    optimizer.step()
    moved = {key for key, tensor in network.state_dict().items() if not torch.equal(before[key], tensor)}
    assert fixed
    assert moved
    assert not moved & fixed
    ran = [module for module in network.modules() if "train" in vars(module)]
    assert ran
    statistics = {id(buffer) for module in ran for buffer in module.buffers()}
    names = {key for key, buffer in network.named_buffers() if id(buffer) in statistics}
    assert not moved & names


CONVERTED = [
    pytest.param(name, id=family, marks=[] if family in ("ResNet", "ViT") else [SLOW])
    for family, name in (FAST | {f"{family}, more": name for family, name in FURTHER.items()}).items()
]


@pytest.mark.parametrize("name", CONVERTED)
def test_openvino_agrees_with_torch(
    name: str, built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path))
    network, card = built(name)
    converted: Backbone = load(card.name, runtime="openvino")
    assert (converted.runtime, converted.card) == ("openvino", card)
    images = images_for(card, 3)
    expected = torch_runtime(Embedding(copy.deepcopy(network), card))(images)
    assert relative_error(converted.embed(images), expected) < 1e-4
