import numpy as np
import pytest
import timm
import torch
from torch import nn

from regraft.backbones.card import Card
from regraft.backbones.depths import HEAD, Embedding
from regraft.backbones.own_classifier import classifier_of
from regraft.backbones.runtimes import torch_runtime
from regraft.backbones.sources import build, identify


def built(name: str, tmp_path, **settings: object) -> tuple[nn.Module, Card]:
    if ":" not in name:
        return build(identify(name))
    origin, _, architecture = name.partition(":")
    if origin == "timm":
        network = timm.create_model(architecture, **settings)
    else:
        from torchvision import models

        network = models.get_model(architecture, **settings)
        for parameter in network.parameters():
            nn.init.normal_(parameter, std=0.05)  # Some of torchvision's classifiers begin with zeros.
    torch.save(network.state_dict(), tmp_path / "w.pth")
    return build(identify(f"{name}@{tmp_path / 'w.pth'}"))


def logits(network: nn.Module, card: Card, images: np.ndarray) -> np.ndarray:
    pixels = (images / 255 - np.array(card.mean)) / np.array(card.std)
    with torch.no_grad():
        return network(torch.tensor(pixels.transpose(0, 3, 1, 2), dtype=torch.float32)).numpy()


@pytest.mark.parametrize(
    ("name", "block"),
    [
        ("lite0", HEAD),
        ("timm:test_resnet", "layer4"),  # The last stage's mean is the embedding.
        ("timm:test_vit", HEAD),
        ("timm:ghostnet_050", HEAD),
        ("torchvision:mobilenet_v3_small", HEAD),
        ("torchvision:resnet18", "layer4"),
    ],
)
def test_scores_follow_from_rows(name: str, block: str, tmp_path) -> None:
    network, card = built(name, tmp_path)
    head = classifier_of(network, card)
    assert head is not None
    assert head.block == block
    images = np.random.default_rng(0).integers(0, 256, (2, card.image_px, card.image_px, 3), dtype=np.uint8)
    expected = logits(network, card, images)
    scores = head.scores(torch_runtime(Embedding(network, card))(images), card)
    np.testing.assert_allclose(scores, expected, atol=1e-3 * np.abs(expected).max())
    assert head.names is None


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("timm:test_resnet", {"num_classes": 0}),  # an encoder
        ("timm:deit_tiny_distilled_patch16_224", {}),  # the mean of two classifiers
        ("timm:crossvit_tiny_240", {}),  # one classifier for each branch
        ("torchvision:squeezenet1_1", {}),  # rectified after the classifier
    ],
)
def test_networks_without_one_linear_classifier_have_none(name: str, settings: dict, tmp_path) -> None:
    assert classifier_of(*built(name, tmp_path, **settings)) is None


def test_names_are_kept_where_there_are_as_many_as_classes(tmp_path) -> None:
    network, card = built("timm:test_resnet", tmp_path, num_classes=3)
    named = classifier_of(network, card, names=["a", "b", "c"])
    assert named is not None
    assert named.names == ("a", "b", "c")
    assert named.weights.shape == (96, 3)
    other = classifier_of(network, card, names=["a"])
    assert other is not None
    assert other.names is None
