import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from regraft.backbones.batch_statistics import batch_statistics
from regraft.backbones.sources import build, identify

PX = 64


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (20, PX, PX, 3), dtype=np.uint8)


def card_of(name):
    return build(identify(name))[1]


def test_the_first_layer_is_what_the_first_convolution_gives(images):
    found = batch_statistics(card_of("lite0:64px"), images)
    network, card = build(identify("lite0:64px"))
    mean, std = (255 * torch.tensor(each).view(1, 3, 1, 1) for each in (card.mean, card.std))
    with torch.no_grad():
        stem = network.conv_stem((torch.tensor(images).permute(0, 3, 1, 2).float() - mean) / std)
    assert found[0].mean == pytest.approx(stem.mean((0, 2, 3)).numpy(), rel=1e-3, abs=1e-4)
    assert found[0].variance == pytest.approx(stem.var((0, 2, 3), correction=0).numpy(), rel=1e-3)
    assert found[0].source_mean == pytest.approx(network.bn1.running_mean.numpy())
    assert len(found) == sum(isinstance(layer, torch.nn.BatchNorm2d) for layer in network.modules())


def test_a_network_that_was_trained_on_these_images_knows_them(images, tmp_path):
    torch.manual_seed(0)
    network = timm.create_model("resnet10t")
    file = tmp_path / "trained.safetensors"
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, file)
    name = f"timm:resnet10t@{file}"
    _, card = build(identify(f"{name}:{PX}px"))
    mean, std = (255 * torch.tensor(each).view(1, 3, 1, 1) for each in (card.mean, card.std))
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = None  # The running statistics become plain averages: those of this one batch.
    with torch.no_grad():
        network.train()((torch.tensor(images).permute(0, 3, 1, 2).float() - mean) / std)
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, file)
    for layer in batch_statistics(card_of(f"{name}:{PX}px"), images):
        assert layer.mean == pytest.approx(layer.source_mean, rel=0.05, abs=0.05)
        assert layer.variance == pytest.approx(layer.source_variance, rel=0.1, abs=0.02)


def test_a_network_without_batch_normalisation_says_nothing(images):
    assert batch_statistics(card_of("scratch:lenet5"), images) == []
