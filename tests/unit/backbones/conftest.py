"""A small network with random weights in a file."""

from collections.abc import Callable
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

SMALLEST = "test_resnet"


def _write(path: Path, change: Callable[[dict], object] = lambda state: state) -> Path:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = timm.create_model(SMALLEST)
    state = change(network.state_dict())
    save_file(state, path) if path.suffix == ".safetensors" else torch.save(state, path)
    return path


@pytest.fixture
def weights(tmp_path: Path) -> Callable[..., Path]:
    """Write the state dict of timm's smallest residual network, changed as the test likes."""

    def write(
        name: str = "weights.safetensors", change: Callable[[dict], object] = lambda state: state
    ) -> Path:
        return _write(tmp_path / name, change)

    return write


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """That network's name, and a cache that holds it converted. Copy the cache; do not change it."""
    from regraft.backbones import load

    folder = tmp_path_factory.mktemp("whole")
    name = f"timm:{SMALLEST}@{_write(folder / 'weights.safetensors')}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REGRAFT_CACHE", str(folder / "cache"))
        load(name, runtime="openvino")
    return name, folder / "cache"
