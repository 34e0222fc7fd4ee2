"""What the catalogue says of a network is what the installed timm and torchvision make of it."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import timm
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from regraft.backbones import FAMILIES, SHORT_NAMES, Row, is_here
from regraft.backbones.depths import activations_of
from regraft.backbones.families import APACHE, BSD, DINOV3, MIT, NC
from regraft.backbones.sources import PREFIXES

LICENCES = {
    "apache-2.0": APACHE,
    "mit": MIT,
    "bsd-3-clause": BSD,
    "cc-by-nc-4.0": NC,
    "dinov3-license": DINOV3,
}
SMALL_G = 1.0
"""Networks that cost more for one image are left to the slow tests."""

ROWS = [
    pytest.param(row, id=row.name, marks=[pytest.mark.slow] if row.multiply_adds_g > SMALL_G else [])
    for row in FAMILIES
]


@cache
def bare(architecture: str) -> nn.Module:
    """A network without numbers."""
    with torch.device("meta"):
        if architecture == "lenet5":
            from regraft.backbones.lenet import lenet5

            return lenet5().eval()
        if not architecture.startswith("torchvision:"):
            return timm.create_model(architecture).eval()
        from torchvision import models

        name = architecture.removeprefix("torchvision:")
        # As it is used, without the classifiers that only training needs.
        return models.get_model(name, **({"aux_logits": False} if name == "googlenet" else {})).eval()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("row", ROWS)
def test_a_row_says_what_its_network_measures(row: Row) -> None:
    origin, _, named = row.source.partition(":")
    network = bare(named if origin == "timm" else row.architecture)
    if origin == "hub":
        network.reset_classifier(0)
    pixels = torch.zeros(1, 3, row.image_px, row.image_px, device="meta")
    network.requires_grad_(requires_grad=False)
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        head = activations_of(network, (), pixels)["head"]
    assert head.shape == (1, row.width)
    parameters = sum(parameter.numel() for parameter in network.parameters()) / 1e6
    assert row.parameters_m == pytest.approx(parameters, rel=1e-3)
    # torchvision's classifiers run in the same pass; timm's do not.
    assert row.multiply_adds_g == pytest.approx(counter.get_total_flops() / 2e9, rel=1e-2)
    if origin == "timm":
        assert network.default_cfg["input_size"][-1] == row.image_px


@pytest.mark.parametrize("row", FAMILIES, ids=lambda row: row.name)
def test_a_row_stands_for_weights_that_exist(row: Row) -> None:
    origin, _, named = row.source.partition(":")
    if origin == "timm":
        stated = timm.get_pretrained_cfg(named, allow_unregistered=False)
        assert stated is not None
        assert stated.hf_hub_id == f"timm/{named}", "`is_here` looks for it under that name"
        assert LICENCES[stated.license] == row.licence
    elif origin == "torchvision":
        from torchvision import models

        architecture, _, tag = named.partition(".")
        assert tag in models.get_model_weights(architecture).__members__
    else:
        assert origin in ("hub", "scratch", row.name)


def test_names_are_short_plain_and_told_apart_from_origins() -> None:
    assert len(SHORT_NAMES) == len(FAMILIES)
    assert all(name.replace("_", "").isalnum() for name in SHORT_NAMES)
    assert not set(SHORT_NAMES) & set(PREFIXES)
    assert len({row.source for row in FAMILIES}) == len(FAMILIES)


def test_the_families_of_the_field_are_there_in_several_sizes() -> None:
    sizes = {row.family: 0 for row in FAMILIES}
    for row in FAMILIES:
        sizes[row.family] += 1
    several = {
        "VGG",
        "ResNet",
        "Inception",
        "DenseNet",
        "EfficientNet",
        "EfficientNet-Lite",
        "EfficientNetV2",
    }
    several |= {"MobileNetV2", "MobileNetV3", "MobileNetV4", "ConvNeXt", "RegNet", "ViT", "DeiT", "Swin"}
    several |= {"DINOv2", "DINOv3", "CLIP", "SigLIP"}
    assert {family for family in several if sizes.get(family, 0) < 2} == set()
    assert {"AlexNet", "LeNet"} <= set(sizes)


def test_whether_weights_are_here_is_known_without_torch() -> None:
    script = (
        "import sys; from regraft.backbones import FAMILIES, is_here; [is_here(row) for row in FAMILIES]; "
        "print({'torch', 'timm', 'torchvision'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_weights_in_a_cache_are_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    resnet, alexnet = SHORT_NAMES["resnet50"], SHORT_NAMES["alexnet"]
    assert not is_here(resnet)
    assert not is_here(alexnet)
    file = tmp_path / "models--timm--resnet50.a1_in1k" / "snapshots" / "0" / "model.safetensors"
    file.parent.mkdir(parents=True)
    file.touch()
    checkpoints = tmp_path / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    (checkpoints / "alexnet-owt-7be5be79.pth").touch()
    assert is_here(resnet)
    assert is_here(alexnet)
    assert is_here(SHORT_NAMES["lite0"])
    assert is_here(SHORT_NAMES["lenet5"])


def test_where_torch_keeps_what_it_fetches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from regraft.backbones.weights_here import _torch_cache

    for name, value in (("TORCH_HOME", tmp_path / "a"), ("XDG_CACHE_HOME", tmp_path / "b")):
        monkeypatch.delenv("TORCH_HOME", raising=False)
        monkeypatch.setenv(name, str(value))
        assert str(_torch_cache()) == f"{torch.hub.get_dir()}/checkpoints"
