"""One contract for every network: rows are what timm's own passes give, pooled; both runtimes agree."""

import copy
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from regraft.backbones import Backbone, Card, load
from regraft.backbones.depths import HEAD, Depths, Embedding
from regraft.backbones.layout import place_of
from regraft.backbones.runtimes import relative_error, torch_runtime
from regraft.backbones.sources import build, identify
from regraft.core.hashing import plain
from regraft.core.settings import from_plain

SLOW = pytest.mark.slow
FAMILIES = (
    "resnet10t",
    "mobilenetv3_small_050",
    "convnext_atto",
    "vit_tiny_patch16_224",  # tokens, a class token, a fixed size
    pytest.param("densenet121", marks=SLOW),
    pytest.param("regnetx_002", marks=SLOW),
    pytest.param("efficientnet_b0", marks=SLOW),
    pytest.param("mobilenetv2_050", marks=SLOW),
    pytest.param("deit_tiny_patch16_224", marks=SLOW),
    pytest.param("mobilenetv4_conv_small", marks=SLOW),
    pytest.param("tf_efficientnet_lite0", marks=SLOW),
    pytest.param("convit_tiny", marks=SLOW),  # the class token joins at the tenth block
    pytest.param("swin_tiny_patch4_window7_224", marks=SLOW),  # channels last, a fixed size
    pytest.param("vgg11", marks=SLOW),
    pytest.param("inception_v3", marks=SLOW),
    pytest.param("vit_small_patch14_dinov2", marks=SLOW),  # 518 px
    pytest.param("crossvit_9_240", marks=SLOW),  # two branches: nothing but the head can be read
    pytest.param("pit_ti_224", marks=SLOW),  # stages hand on tuples
    pytest.param("hrnet_w18_small", marks=SLOW),  # lists stages that are no modules
)
CONVERTED = (
    "resnet10t",
    *(
        pytest.param(name, marks=SLOW)
        for name in ("vit_tiny_patch16_224", "mobilenetv3_small_050", "convnext_atto")
    ),
    *(family for family in FAMILIES if not isinstance(family, str)),
)
LATE = (("convit_tiny", "blocks.11:class"),)
BRANCHED = ("crossvit_9_240", "pit_ti_224", "hrnet_w18_small")


@pytest.fixture(scope="session")
def name_of(shared_cache: Path) -> Callable[[str], str]:
    """Weights drawn at random, in a file that all workers share, since its path is part of the name."""

    @cache
    def name(architecture: str) -> str:
        file = shared_cache.parent / "weights" / f"{architecture}.safetensors"
        if not file.exists():
            file.parent.mkdir(exist_ok=True, parents=True)
            temporary = file.with_suffix(f".{id(file)}")
            save_file(_random_state(architecture), temporary)
            temporary.rename(file)
        return f"timm:{architecture}@{file}"

    return name


def _random_state(architecture: str) -> dict[str, torch.Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = timm.create_model(architecture)
        for module in network.modules():
            if isinstance(getattr(module, "running_var", None), torch.Tensor):
                # As after training: statistics that are not 0 and 1 show whether they are used.
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
    return {key: tensor.contiguous().clone() for key, tensor in network.state_dict().items()}


@pytest.fixture(scope="session")
def on_torch(name_of: Callable[[str], str]) -> Callable[[str], Backbone]:
    return cache(lambda architecture: load(name_of(architecture), runtime="torch"))


def _images(card: Card, count: int) -> np.ndarray:
    random = np.random.default_rng(count)
    images = random.integers(0, 256, (count, card.image_px, card.image_px, 3), dtype=np.uint8)
    images[0] //= 3
    return images


@pytest.mark.parametrize("architecture", FAMILIES)
def test_rows_are_what_the_card_says(architecture: str, on_torch: Callable[[str], Backbone]) -> None:
    backbone = on_torch(architecture)
    card = backbone.card
    rows = backbone.embed(_images(card, 2))
    assert rows.shape == (2, card.width)
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()
    assert len({stage.name for stage in card.stages}) == len(card.stages)
    assert from_plain(Card, json.loads(json.dumps(plain(card)))) == card
    assert card.parameters > 1e5
    assert card.multiply_adds > 1e7
    assert 2 <= len(card.stages) <= 14


@pytest.mark.parametrize("architecture", FAMILIES)
def test_an_image_has_the_same_row_in_any_batch(
    architecture: str, on_torch: Callable[[str], Backbone]
) -> None:
    backbone = on_torch(architecture)
    images = _images(backbone.card, 5)
    together = backbone.embed(images)
    alone = np.concatenate([backbone.embed(images[i : i + 1]) for i in (0, 4)])
    assert relative_error(together[[0, 4]], alone) < 1e-5
    assert relative_error(together[:1], together[4:]) > 1e-3  # images differ, and so do their rows


@pytest.mark.parametrize("architecture", FAMILIES)
def test_rows_are_timms_own_activations_pooled(architecture: str, name_of: Callable[[str], str]) -> None:
    network, card = build(identify(name_of(architecture)))
    images = _images(card, 2)
    rows = torch_runtime(Embedding(network, card))(images)
    plainly, _ = build(identify(name_of(architecture)))
    mean, std = np.array(card.mean), np.array(card.std)
    pixels = torch.tensor(((images / 255 - mean) / std).transpose(0, 3, 1, 2), dtype=torch.float32)
    with torch.inference_mode():
        head = plainly.forward_head(plainly.forward_features(pixels), pre_logits=True).flatten(1).numpy()
        listed = [info["module"] for info in getattr(plainly, "feature_info", [])]
        maps, tokens = ({}, {}) if architecture in BRANCHED else _maps(plainly, pixels, listed)
    expected = {("mean", HEAD): head}
    expected |= {("mean", name): value.mean((2, 3)) for name, value in maps.items()}
    expected |= {("mean", f"{name}:class"): value for name, value in tokens.items()}
    expected |= {("grid", name): _grid(value) for name, value in maps.items()}
    for block in card.blocks:
        part = rows[:, block.start : block.stop]
        is_compared = architecture not in BRANCHED and (architecture, block.stage) not in LATE
        if not is_compared and block.stage != HEAD:
            continue  # timm gives no activations of these to compare with.
        assert relative_error(part, expected[block.pooling, block.stage]) < 1e-4, block
    # Where the head is not kept, the last stage's mean must say the same.
    last = next(block for block in reversed(card.blocks) if block.pooling == "mean")
    assert last.stage == HEAD or relative_error(rows[:, last.start : last.stop], head) < 1e-4


def _maps(
    network: torch.nn.Module, pixels: torch.Tensor, listed: list[str]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """timm's own activations, and class tokens where there are some, by the modules they come from."""
    from timm.models import FeatureHookNet

    if not hasattr(network, "forward_intermediates"):
        found = [m.numpy() for m in FeatureHookNet(network)(pixels)]
    elif getattr(network, "num_prefix_tokens", 0) and hasattr(network, "no_embed_class"):
        both = network.forward_intermediates(pixels, intermediates_only=True, return_prefix_tokens=True)
        tokens = {name: prefix[:, 0].numpy() for name, (_, prefix) in zip(listed, both, strict=True)}
        return {name: m.numpy() for name, (m, _) in zip(listed, both, strict=True)}, tokens
    else:
        found = [m.numpy() for m in network.forward_intermediates(pixels, intermediates_only=True)]
    return dict(zip(listed, found, strict=True)), {}


def _grid(maps: np.ndarray) -> np.ndarray:
    """Means over 2 x 2 cells; an odd side's middle row belongs to both."""
    height, width = maps.shape[2:]
    rows = (slice(0, -(-height // 2)), slice(height // 2, height))
    columns = (slice(0, -(-width // 2)), slice(width // 2, width))
    cells = [[maps[:, :, r, c].mean((2, 3)) for c in columns] for r in rows]
    return np.stack([np.stack(row, axis=-1) for row in cells], axis=-2).reshape(len(maps), -1)


@pytest.mark.parametrize("architecture", FAMILIES)
def test_stages_run_from_shallow_to_deep(architecture: str, name_of: Callable[[str], str]) -> None:
    network, card = build(identify(name_of(architecture)))
    ran: list[str] = []
    modules = list(dict.fromkeys(place_of(stage.name).module for stage in card.stages if stage.name != HEAD))
    for name in modules:
        network.get_submodule(name).register_forward_hook(lambda *_, name=name: ran.append(name))
    reader = Depths(network, [stage.name for stage in card.stages if stage.name != HEAD])
    with torch.inference_mode():
        outputs = reader.activations(torch.zeros(1, 3, card.image_px, card.image_px))
    assert ran == modules
    maps = [stage.name for stage in card.stages if stage.is_map and place_of(stage.name).branch in (None, 0)]
    sides = [outputs[name].shape[-1] for name in maps]
    assert sides == sorted(sides, reverse=True)
    assert [outputs[stage.name].shape[1] for stage in card.stages] == [stage.width for stage in card.stages]


@pytest.mark.parametrize("architecture", FAMILIES)
def test_embedding_changes_nothing_in_the_network(architecture: str, name_of: Callable[[str], str]) -> None:
    network, card = build(identify(name_of(architecture)))
    assert not network.training
    before = copy.deepcopy(network.state_dict())
    embed = torch_runtime(Embedding(network, card))
    first, second = embed(_images(card, 2)), embed(_images(card, 2))
    np.testing.assert_array_equal(first, second)
    after = network.state_dict()
    assert all(torch.equal(before[key].float(), after[key].float()) for key in before)
    assert not any(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("architecture", CONVERTED)
def test_openvino_agrees_with_torch(
    architecture: str, name_of: Callable[[str], str], on_torch: Callable[[str], Backbone]
) -> None:
    converted, reference = load(name_of(architecture), runtime="openvino"), on_torch(architecture)
    assert converted.runtime == "openvino"
    assert converted.card == reference.card
    assert converted.key == reference.key
    assert converted.relative_error <= 1e-5
    images = _images(reference.card, 5)
    rows = converted.embed(images)
    assert rows.dtype == np.float32
    assert relative_error(rows, reference.embed(images)) < 1e-4
    assert relative_error(converted.embed(images[:1]), rows[:1]) < 1e-6
    again = converted.embed(images[::-1])
    assert relative_error(again[::-1], rows) < 1e-6
