"""Files as people have them: other numbers of classes, no classifier, wrapped, of torchvision, wrong."""

from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision import models

from regraft.backbones import SHORT_NAMES, Row
from regraft.backbones.sources import build, identify
from regraft.backbones.state_files import read_state
from regraft.core.errors import BackboneError


def random_state(architecture: str, **settings: object) -> dict[str, torch.Tensor]:
    if architecture.startswith("torchvision:"):
        name = architecture.removeprefix("torchvision:")
        return dict(models.get_model(name, **settings).state_dict())
    return dict(timm.create_model(architecture, **settings).state_dict())


@pytest.mark.parametrize("classes", [1, 7, 0])
@pytest.mark.parametrize("architecture", ["test_vit", "test_resnet", "torchvision:mobilenet_v3_small"])
def test_a_file_has_as_many_classes_as_it_has(architecture: str, classes: int, tmp_path: Path) -> None:
    state = random_state(architecture, **({"num_classes": classes} if classes else {}))
    if not classes:
        last = list(state)[-1].rpartition(".")[0]
        state = {name: tensor for name, tensor in state.items() if not name.startswith(f"{last}.")}
    torch.save(state, tmp_path / "w.pth")
    network, card = build(identify(f"file:{architecture}@{tmp_path / 'w.pth'}"))
    own, _ = build(identify(card.name))
    assert all(torch.equal(own.state_dict()[name], tensor) for name, tensor in state.items())
    scores = network(torch.zeros(1, 3, card.image_px, card.image_px))
    assert scores.shape[1] == classes or not classes
    assert (card.licence, card.pretrained_on) == ("not stated", "not stated")


def test_every_name_of_one_file_is_one_network(tmp_path: Path) -> None:
    file = tmp_path / "w.pth"
    torch.save(random_state("mobilenetv3_small_050"), file)
    names = [f"{name}@{file}" for name in ("file:mobilenetv3_s050", "file:timm:mobilenetv3_small_050")]
    assert {identify(name) for name in names} == {identify(f"timm:mobilenetv3_small_050@{file}")}
    assert identify(f"file:torchvision:alexnet@{file}") == identify(f"torchvision:alexnet@{file}")
    assert identify(f"file:alexnet@{file}") == identify(f"torchvision:alexnet@{file}")


def test_a_tag_states_where_the_numbers_of_a_file_come_from(tmp_path: Path) -> None:
    torch.save(random_state("mobilenetv3_small_050"), tmp_path / "w.pth")
    _, card = build(identify(f"timm:mobilenetv3_small_050.lamb_in1k@{tmp_path / 'w.pth'}"))
    assert (card.licence, card.pretrained_on) == ("apache-2.0", "lamb_in1k")


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"state_dict": {f"model.{key}": t for key, t in state.items()}, "epoch": 3},
        lambda state: {"module": 1, "model": {f"module.backbone.{key}": t for key, t in state.items()}},
        lambda state: {f"_orig_mod.{key}": t for key, t in state.items()},
        lambda state: {"state_dict": {k: t * 0 for k, t in state.items()}, "state_dict_ema": state},
        lambda state: {"optimizer": {"lr": 1}, "model_ema": {f"module.{k}": t for k, t in state.items()}},
        lambda state: {
            key: tensor.half() if tensor.is_floating_point() else tensor for key, tensor in state.items()
        },
    ],
    ids=["lightning", "detector", "compiled", "mean of weights", "mean, parallel", "half precision"],
)
def test_wrappings_are_seen_through(wrap, tmp_path: Path) -> None:
    state = random_state("test_vit")
    torch.save(wrap(state), tmp_path / "w.pth")
    network, _ = build(identify(f"timm:test_vit@{tmp_path / 'w.pth'}"))
    for name, tensor in network.state_dict().items():
        np.testing.assert_allclose(tensor, state[name], atol=1e-3)


@pytest.mark.parametrize("architecture", ["resnet18", "torchvision:resnet18"])
def test_weights_of_another_architecture_are_told_which_they_fit(architecture: str, tmp_path: Path) -> None:
    torch.save(random_state("mobilenetv3_small_050", num_classes=4), tmp_path / "w.pth")
    name = f"file:{architecture}@{tmp_path / 'w.pth'}"
    message = r"do not fit resnet18: .*missing.*They fit mobilenetv3_small_050\."
    with pytest.raises(BackboneError, match=message):
        build(identify(name))


def test_weights_that_fit_nothing_that_is_known(tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(3, 3)}, tmp_path / "w.safetensors")
    with pytest.raises(BackboneError, match="Name the architecture they were saved from"):
        build(identify(f"timm:test_vit@{tmp_path / 'w.safetensors'}"))


@pytest.mark.parametrize("position", ["first", "last"])
@pytest.mark.parametrize("architecture", ["test_resnet", "test_vit", "torchvision:mobilenet_v3_small"])
def test_no_missing_tensor_is_ever_filled_in(architecture: str, position: str, tmp_path: Path) -> None:
    state = random_state(architecture)
    names = [name for name in state if "num_batches" not in name]
    del state[names[0] if position == "first" else names[-1]]
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(BackboneError, match=r"1 tensors are missing"):
        build(identify(f"file:{architecture}@{tmp_path / 'w.pth'}"))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_refused(value: float, tmp_path: Path) -> None:
    state = random_state("test_vit")
    state["cls_token"][..., 3] = value
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(BackboneError, match=r"not numbers: 1 tensors, the first of them cls_token"):
        build(identify(f"timm:test_vit@{tmp_path / 'w.pth'}"))


def test_a_file_whose_bytes_were_changed_gives_another_network_or_none(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file(random_state("test_vit"), path)
    content = bytearray(path.read_bytes())
    content[2:6] = b"\xff\xff\xff\xff"  # the length of the header
    path.write_bytes(content)
    with pytest.raises(BackboneError, match="cannot be read as weights"):
        build(identify(f"timm:test_vit@{path}"))


def test_position_embeddings_of_another_size_need_that_size(tmp_path: Path) -> None:
    torch.save(random_state("test_vit", img_size=96), tmp_path / "w.pth")
    name = f"timm:test_vit@{tmp_path / 'w.pth'}"
    with pytest.raises(BackboneError, match="pos_embed is"):
        build(identify(name))
    _, card = build(identify(f"{name}:96px"))
    assert card.image_px == 96


def test_a_whole_module_is_no_state_dict(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "w.pt")
    with pytest.raises(BackboneError, match=r"cannot be read as weights.*state dict"):
        read_state(tmp_path / "w.pt")


def test_a_family_is_added_by_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save(random_state("test_convnext"), tmp_path / "w.pth")
    source = f"timm:test_convnext@{tmp_path / 'w.pth'}"
    row = Row("mine", "Mine", source, 64, 160, 0.27, 0.07, "my images", "MIT", "domain-specific")
    monkeypatch.setitem(SHORT_NAMES, row.name, row)
    network, card = build(identify("mine:96px"))
    assert (card.name, card.image_px, card.architecture) == ("mine:96px", 96, "test_convnext")
    assert network(torch.zeros(1, 3, 96, 96)).shape == (1, 1000)
