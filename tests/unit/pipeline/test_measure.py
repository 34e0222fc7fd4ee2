"""The cost of a network: measured as it is, remembered for what it was measured on."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from regraft.core.errors import BackboneError
from regraft.pipeline import clear_cache, describe_backbone
from regraft.pipeline import measure as module
from regraft.pipeline.measure import measure, remembered


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = timm.create_model("test_resnet")
    file = tmp_path_factory.mktemp("measure") / "weights.safetensors"
    save_file(network.state_dict(), file)
    return file


@pytest.fixture
def name(weights: Path) -> str:
    return f"timm:test_resnet@{weights}:64px"


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCHES", 3)
    monkeypatch.setattr(module, "SINGLES", 20)


@pytest.fixture(scope="module")
def measured(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which a network was measured. Copy it; do not change it."""
    cache = tmp_path_factory.mktemp("measured")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REGRAFT_CACHE", str(cache))
        patch.setattr(module, "BATCHES", 3)
        patch.setattr(module, "SINGLES", 20)
        measure(f"timm:test_resnet@{weights}:64px")
    return cache


@pytest.fixture
def known(measured: Path, empty_cache: Path) -> Path:
    """The cache of one test, in which the network was measured."""
    shutil.copytree(measured, empty_cache)
    return empty_cache


@pytest.mark.usefixtures("few")
def test_a_measurement_is_whole_and_remembered(name: str, empty_cache: Path) -> None:
    assert remembered(name) is None
    found = measure(name)
    assert found["runtime"] == "openvino"
    assert found["images_per_s"] > 1e3 / found["latency_ms"] / 10
    assert 0 < found["latency_ms"] <= found["latency_p90_ms"]
    assert 5 < found["memory_mb"] < 2000
    assert 1.5 < found["size_mb"] < 4  # 470,000 numbers of four bytes, and the graph
    assert remembered(name) == found
    assert remembered(name, runtime="openvino") == found


@pytest.mark.usefixtures("few")
def test_a_description_tells_what_was_measured(name: str, empty_cache: Path) -> None:
    assert "latency_ms" not in describe_backbone(name)
    found = describe_backbone(name, measured=True)
    assert found["latency_ms"] > 0
    assert describe_backbone(name) == found
    clear_cache()
    assert remembered(name) is None


@pytest.mark.usefixtures("known")
def test_what_was_measured_otherwise_does_not_count(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert remembered(name) is not None
    assert remembered(name, runtime="torch") is None
    assert remembered(name.replace(":64px", ":96px")) is None
    monkeypatch.setattr(module, "machine", lambda: {"cpu": "another"})
    assert remembered(name) is None


def test_a_damaged_memory_is_no_memory(name: str, known: Path) -> None:
    assert remembered(name) is not None
    [file] = (known / "measured").iterdir()
    file.write_text(file.read_text()[:40])
    assert remembered(name) is None
    file.write_text("[]")
    assert remembered(name) is None


@pytest.mark.usefixtures("few")
@pytest.mark.slow
def test_torch_is_measured_as_torch(name: str, empty_cache: Path) -> None:
    found = measure(name, runtime="torch")
    assert found["runtime"] == "torch"
    assert found["size_mb"] == pytest.approx(4 * 472e3 / 1e6, rel=0.02)
    assert found["memory_mb"] > 50  # torch itself comes with it


def test_a_mistyped_name_is_explained() -> None:
    with pytest.raises(BackboneError, match="lite0"):
        remembered("lite00")


def test_a_network_that_fails_on_its_own_is_explained(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MEMORY", "raise SystemExit('no such luck')")
    with pytest.raises(BackboneError, match="no such luck"):
        module._memory_mb(name, "auto")


def test_repetitions_end_in_time_but_not_before_there_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_S", 0.05)
    seconds = module._repeat(lambda _: time.sleep(0.03), np.zeros((1, 4, 4, 3), np.uint8), 50, 4)
    assert len(seconds) == 4
    assert min(seconds) >= 0.03


@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux tells of a process")
def test_the_peak_is_this_process_own() -> None:
    code = "from regraft.pipeline.measure import _peak_mb; print(_peak_mb())"
    held = np.ones(100_000_000)  # 800 MB in this process count for nothing in the next
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert 20 < float(done.stdout) < held.nbytes / 1e6
