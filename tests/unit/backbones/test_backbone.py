import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from regraft.backbones import Backbone, backbone, converted, load, runtimes
from regraft.core.errors import ArtifactError, BackboneError
from regraft.core.files import read_json

SMALL = "test_resnet"
Weights = Callable[..., Path]

WITHOUT_TORCH = """
import sys
import numpy as np
from regraft.backbones import load
network = load("lite0", runtime="openvino")
rows = network.embed(np.zeros((1, 224, 224, 3), np.uint8))
assert rows.shape == (1, network.card.width)
print([name for name in ("torch", "timm", "torchvision") if name in sys.modules])
"""


def images(of: Backbone, count: int = 3) -> np.ndarray:
    px = of.card.image_px
    return np.random.default_rng(0).integers(0, 256, (count, px, px, 3), dtype=np.uint8)


@pytest.fixture
def name(weights: Weights) -> str:
    return f"timm:{SMALL}@{weights()}"


def folders(cache: Path) -> list[Path]:
    return sorted((cache / "networks").glob("[!.]*"))


# --- Loading ------------------------------------------------------------------------------------------


def test_lite0_from_the_cache_needs_neither_torch_nor_timm() -> None:
    load("lite0", runtime="openvino")  # converts at the first time
    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_bundled_weights_agree_on_both_runtimes() -> None:
    quick, reference = load("lite0", runtime="openvino"), load("lite0", runtime="torch")
    assert quick.card == reference.card
    assert quick.key == reference.key
    assert quick.relative_error < 1e-5
    assert runtimes.relative_error(quick.embed(images(quick)), reference.embed(images(quick))) < 1e-5


def test_without_a_gpu_openvino_is_preferred(
    whole: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGRAFT_CACHE", str(whole[1]))
    monkeypatch.setattr(backbone, "has_cuda", lambda: False)
    assert load(whole[0]).runtime == "openvino"
    monkeypatch.setattr(backbone, "has_cuda", lambda: True)
    assert load(whole[0]).runtime == "torch"
    assert load(whole[0], runtime="openvino").runtime == "openvino"


def test_another_decoding_has_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    one = load("lite0", runtime="torch")
    before = one.key
    monkeypatch.setattr("regraft.backbones.backbone.DECODE_VERSION", -1)
    assert one.key != before


def test_other_weights_have_another_key(weights: Weights, empty_cache: Path) -> None:
    one = load(f"timm:{SMALL}@{weights()}", runtime="torch")
    change = lambda state: {key: tensor * 2 if tensor.ndim == 4 else tensor for key, tensor in state.items()}
    other = load(f"timm:{SMALL}@{weights(change=change)}", runtime="torch")
    assert one.card.name == other.card.name
    assert one.key != other.key


def test_throughput_is_measured(name: str) -> None:
    assert load(name, runtime="torch").measure_images_per_s(4) > 0


@pytest.mark.parametrize("runtime", ["torch", "openvino"])
def test_any_uint8_array_will_do(
    whole: tuple[str, Path], runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGRAFT_CACHE", str(whole[1]))
    network = load(whole[0], runtime=runtime)
    plainly = network.embed(images(network, 5))
    frozen = images(network, 5)
    frozen.flags.writeable = False
    np.testing.assert_array_equal(network.embed(frozen), plainly)
    mirrored = np.ascontiguousarray(images(network, 5)[:, :, ::-1])[:, :, ::-1]
    np.testing.assert_allclose(network.embed(mirrored), plainly, rtol=1e-5, atol=1e-5)
    every_second = np.repeat(images(network, 5), 2, axis=0)[::2]
    np.testing.assert_allclose(network.embed(every_second), plainly, rtol=1e-5, atol=1e-5)
    assert network.embed(images(network, 5)[:0]).shape == (0, network.card.width)


def test_rows_of_one_batch_are_not_overwritten_by_the_next(
    whole: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGRAFT_CACHE", str(whole[1]))
    network = load(whole[0], runtime="openvino")
    first = network.embed(images(network, 3))
    copy = first.copy()
    network.embed(255 - images(network, 3))
    np.testing.assert_array_equal(first, copy)


def test_threads_may_share_a_network(whole: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from concurrent.futures import ThreadPoolExecutor

    monkeypatch.setenv("REGRAFT_CACHE", str(whole[1]))
    network = load(whole[0], runtime="openvino")
    batches = [np.roll(images(network, 6), shift, axis=1) for shift in range(8)]
    alone = [network.embed(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(network.embed, batches))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


FIRST_BATCHES = """
import sys
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from regraft.backbones import load
network = load(sys.argv[1], runtime="openvino")
px = network.card.image_px
with ThreadPoolExecutor(2) as pool:
    list(pool.map(network.embed, [np.zeros((8, px, px, 3), np.uint8)] * 3))
"""


@pytest.mark.slow
def test_two_threads_may_come_first(whole: tuple[str, Path]) -> None:
    """OpenVINO's bindings hung in one process of fifty where two threads made the first inference."""
    environment = os.environ | {"REGRAFT_CACHE": str(whole[1])}
    for _ in range(40):
        command = [sys.executable, "-c", FIRST_BATCHES, whole[0]]
        running = [subprocess.Popen(command, env=environment) for _ in range(6)]
        assert [process.wait(timeout=60) for process in running] == [0] * 6


INTERRUPTED = """
import os, signal, sys, time
import numpy as np
from regraft.backbones import load
signal.signal(signal.SIGINT, signal.default_int_handler)  # A shell's background jobs begin with it ignored.
networks = [load(sys.argv[1], runtime="openvino") for _ in range(3)]
for network in networks:
    px = network.card.image_px
    network.embed(np.zeros((1, px, px, 3), np.uint8))
    del network
while networks:
    networks.pop(0)
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(20)  # Any thread may receive the signal; the main one then hears of it a moment later.
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_still_works_after_networks_were_let_go(whole: tuple[str, Path]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, whole[0]],
        env=os.environ | {"REGRAFT_CACHE": str(whole[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "interrupted\n")


# --- Conversions that go wrong ------------------------------------------------------------------------


def refuse(*_: object) -> None:
    raise BackboneError("OpenVINO cannot run this network (aten::strange). Use --runtime torch.")


@pytest.mark.parametrize(
    ("what", "replacement"),
    [
        ("convert_to_openvino", refuse),
        ("relative_error", lambda *_: 0.5),
        ("relative_error", lambda *_: float("nan")),
    ],
    ids=["cannot be converted", "computes something else", "computes nothing"],
)
def test_a_network_that_openvino_cannot_run_runs_on_torch(
    name: str, empty_cache: Path, monkeypatch: pytest.MonkeyPatch, what: str, replacement: Callable
) -> None:
    monkeypatch.setattr(converted, what, replacement)
    assert load(name, runtime="auto").runtime == "torch"
    with pytest.raises(BackboneError, match=r"timm:test_resnet.*Use --runtime torch"):
        load(name, runtime="openvino")
    assert folders(empty_cache) == []
    assert list((empty_cache / "networks").iterdir()) == []


def test_an_operation_that_openvino_does_not_know_is_explained() -> None:
    import torch

    class Strange(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.linalg.svdvals(images[:, :, :, 0].float())

    with pytest.raises(BackboneError, match=r"OpenVINO cannot run this network .*--runtime torch"):
        runtimes.convert_to_openvino(Strange(), 8)


@pytest.fixture
def rebuilt(whole: tuple[str, Path], empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A copy of the converted network, and a conversion that takes no time. Lists what was converted."""
    shutil.copytree(whole[1], empty_cache)
    again: list[Path] = []

    def convert(_source: object, runtime: str, folder: Path) -> None:
        again.append(folder)
        temporary = folder.with_name(".converting-x")
        shutil.copytree(whole[1] / "networks" / folder.name, temporary)
        converted._put_in_place(temporary, folder, runtime)

    monkeypatch.setattr(converted, "_convert", convert)
    return again


def test_a_whole_converted_network_is_not_made_again(whole: tuple[str, Path], rebuilt: list[Path]) -> None:
    assert load(whole[0], runtime="openvino").runtime == "openvino"
    assert rebuilt == []


@pytest.mark.parametrize("what", ["network.bin", "network.xml", "card.json"])
@pytest.mark.parametrize("damage", ["missing", "cut short", "empty", "garbage"])
def test_a_damaged_converted_network_is_made_again(
    whole: tuple[str, Path], rebuilt: list[Path], empty_cache: Path, what: str, damage: str
) -> None:
    [folder] = folders(empty_cache)
    file = folder / what
    content = file.read_bytes()
    damaged = {"cut short": content[: len(content) // 2], "empty": b"", "garbage": b"[3, " + content}
    file.unlink() if damage == "missing" else file.write_bytes(damaged[damage])
    network = load(whole[0], runtime="openvino")
    assert network.embed(images(network)).shape == (3, network.card.width)
    assert rebuilt == [folder]
    assert folders(empty_cache) == [folder]
    assert file.read_bytes() == content


@pytest.mark.parametrize(
    "record", [[], {}, {"card": {}, "relative_error": 0, "bytes": {}}, {"card": 3, "bytes": 4}]
)
def test_a_card_of_another_kind_is_made_again(
    whole: tuple[str, Path], rebuilt: list[Path], empty_cache: Path, record: object
) -> None:
    [folder] = folders(empty_cache)
    (folder / "card.json").write_text(json.dumps(record))
    assert load(whole[0], runtime="openvino").card.architecture == SMALL
    assert "card" in read_json(folder / "card.json")
    assert rebuilt == [folder]


def test_a_damaged_network_is_converted_again(whole: tuple[str, Path], empty_cache: Path) -> None:
    shutil.copytree(whole[1], empty_cache)
    [folder] = folders(empty_cache)
    (folder / "network.bin").write_bytes(b"")
    network = load(whole[0], runtime="openvino")
    reference = load(whole[0], runtime="torch")
    assert runtimes.relative_error(network.embed(images(network)), reference.embed(images(network))) < 1e-5


def test_a_cache_that_cannot_be_written_is_explained(name: str, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path / "file"))
    with pytest.raises(ArtifactError, match="Cannot write the cache folder"):
        load(name, runtime="openvino")


def test_a_full_disk_is_explained(name: str, empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(converted, "write_json", full)
    with pytest.raises(ArtifactError, match=r"No space left.*REGRAFT_CACHE"):
        load(name, runtime="openvino")
    assert list((empty_cache / "networks").iterdir()) == []


# --- Several processes --------------------------------------------------------------------------------

CONVERT = (
    "import sys; from regraft.backbones import load; print(load(sys.argv[1], runtime='openvino').runtime)"
)


def convert(name: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", CONVERT, name], stdout=subprocess.PIPE, text=True)


def test_two_processes_convert_at_once(
    name: str, empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CI", raising=False)
    (tmp_path / "home").mkdir()
    processes = [convert(name), convert(name)]
    assert [process.communicate()[0] for process in processes] == ["openvino\n", "openvino\n"]
    assert [process.returncode for process in processes] == [0, 0]
    assert len(list((empty_cache / "networks").iterdir())) == 1
    # OpenVINO's converter leaves a number there to tell users apart, and reports to Google Analytics.
    assert not (tmp_path / "home" / "intel").exists()


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.slow
def test_a_process_killed_while_converting_leaves_nothing_that_counts(name: str, empty_cache: Path) -> None:
    with convert(name) as process:
        deadline = time.monotonic() + 60
        while not list(empty_cache.glob("networks/.converting-*")) and time.monotonic() < deadline:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    assert folders(empty_cache) == []
    assert list(empty_cache.glob("networks/.converting-*"))
    assert load(name, runtime="openvino").runtime == "openvino"
