import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision import models

from regraft.backbones import torchvision_weights
from regraft.backbones.depths import HEAD, Embedding
from regraft.backbones.runtimes import torch_runtime
from regraft.backbones.sources import build, identify
from regraft.core.errors import BackboneError

SMALL = "mobilenet_v3_small"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet_18", "torchvision has no architecture 'resnet_18'. Did you mean resnet18"),
        ("resnet50.IMAGENET1K_V3", "no weights 'IMAGENET1K_V3' of resnet50. Did you mean IMAGENET1K_V"),
        ("fcn_resnet50", "torchvision has no architecture 'fcn_resnet50'"),
    ],
)
def test_names_that_torchvision_does_not_know(name: str, message: str) -> None:
    with pytest.raises(BackboneError, match=message):
        build(identify(f"torchvision:{name}"))


def test_weights_in_torchs_cache_are_used_with_their_own_view(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    weights = models.get_model_weights(SMALL).DEFAULT
    network = models.get_model(SMALL)
    kept = torchvision_weights.cached_file(weights.url)
    kept.parent.mkdir(parents=True)
    torch.save(network.state_dict(), kept)
    # torchvision compares the file's hash with its name.
    monkeypatch.setattr(weights.__class__, "get_state_dict", lambda *_, **__: torch.load(kept))
    built, card = build(identify(f"torchvision:{SMALL}"))
    assert torch.equal(built.classifier[3].weight, network.classifier[3].weight)
    assert (card.image_px, card.crop_fraction, card.interpolation) == (224, 224 / 256, "bilinear")
    assert card.pretrained_on == "IMAGENET1K_V1"
    assert len(card.sha256) == 64


@pytest.mark.slow
def test_a_server_that_cannot_be_reached_is_said_at_once(tmp_path: Path) -> None:
    script = (
        "import time; from regraft.backbones import connection\n"
        "from regraft.backbones.sources import build, identify\n"
        "from regraft.core.errors import BackboneError\n"
        "import torchvision\n"
        "connection.socket.create_connection = lambda *_: (_ for _ in ()).throw(OSError('unreachable'))\n"
        "started = time.monotonic()\n"
        "try: build(identify('alexnet'))\n"
        "except BackboneError as error: print(error)\n"
        "print(time.monotonic() - started < 15)"
    )
    proxies = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
    environment = {key: value for key, value in os.environ.items() if key.lower() not in proxies}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment | {"TORCH_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    message, quick = done.stdout.strip().splitlines()
    assert "weights of alexnet could not be fetched" in message
    assert "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth" in message
    assert str(tmp_path / "hub" / "checkpoints") in message
    assert quick == "True"


@pytest.mark.parametrize(
    ("architecture", "linear", "px"),
    [
        (SMALL, "classifier.3", 96),
        ("resnet18", "fc", 96),
        pytest.param("alexnet", "classifier.6", 96, marks=pytest.mark.slow),
        pytest.param("vit_b_32", "heads.head", 96, marks=pytest.mark.slow),
    ],
)
def test_the_head_is_what_the_last_linear_layer_reads(
    architecture: str, linear: str, px: int, tmp_path: Path
) -> None:
    own = models.get_model(architecture).eval()
    torch.save(own.state_dict(), tmp_path / "w.pth")
    network, card = build(identify(f"torchvision:{architecture}@{tmp_path / 'w.pth'}:{px}px"))
    images = np.random.default_rng(0).integers(0, 256, (2, px, px, 3), dtype=np.uint8)
    rows = torch_runtime(Embedding(network, card))(images)
    pixels = (images / 255 - np.array(card.mean)) / np.array(card.std)
    read: list[torch.Tensor] = []
    network.get_submodule(linear).register_forward_pre_hook(lambda _, inputs: read.append(inputs[0]))
    with torch.no_grad():
        network(torch.tensor(pixels.transpose(0, 3, 1, 2), dtype=torch.float32))
    last = next(block for block in reversed(card.blocks) if block.pooling == "mean")
    np.testing.assert_allclose(rows[:, last.start : last.stop], read[0], rtol=1e-3, atol=1e-4)
    assert (last.stage == HEAD) == (architecture != "resnet18")


@pytest.mark.parametrize("aux_logits", [True, False])
def test_a_network_with_a_second_classifier_half_way_loads_with_and_without_it(
    aux_logits: bool, tmp_path: Path
) -> None:
    state = models.googlenet(weights=None, init_weights=False, aux_logits=aux_logits).state_dict()
    torch.save(state, tmp_path / "w.pth")
    network, card = build(identify(f"torchvision:googlenet@{tmp_path / 'w.pth'}:64px"))
    assert set(network.state_dict()) == set(state)
    assert card.stages[-1].width == 1024
