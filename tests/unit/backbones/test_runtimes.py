"""Every runtime and precision against torch in full precision, on one small network."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from regraft.backbones import Backbone, backbone, load
from regraft.backbones.runtimes import onnxruntime as with_onnx
from regraft.backbones.runtimes import openvino as with_openvino
from regraft.backbones.runtimes import relative_error
from regraft.backbones.runtimes import torch as with_torch
from regraft.backbones.sources import build, identify
from regraft.core.errors import BackboneError

WITHOUT_TORCH = """
import sys
import numpy as np
from regraft.backbones import load
network = load(sys.argv[1], runtime="onnxruntime")
network.embed(np.zeros((1, network.card.image_px, network.card.image_px, 3), np.uint8))
print([name for name in ("torch", "timm", "openvino", "onnx") if name in sys.modules])
"""


def images(of: Backbone, count: int = 5) -> np.ndarray:
    px = of.card.image_px
    return np.random.default_rng(0).integers(0, 256, (count, px, px, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def name(whole: tuple[str, Path]) -> str:
    return whole[0]


@pytest.fixture(scope="module")
def reference(name: str) -> Backbone:
    return load(name, runtime="torch")


# --- ONNX Runtime -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def on_onnx(name: str) -> Backbone:
    return load(name, runtime="onnxruntime")


def test_onnx_runtime_agrees_with_torch(on_onnx: Backbone, reference: Backbone) -> None:
    assert on_onnx.runtime == "onnxruntime"
    assert (on_onnx.card, on_onnx.key) == (reference.card, reference.key)
    assert on_onnx.relative_error < 1e-5
    rows = on_onnx.embed(images(on_onnx))
    assert rows.dtype == np.float32
    assert relative_error(rows, reference.embed(images(on_onnx))) < 1e-5
    assert relative_error(on_onnx.embed(images(on_onnx)[::-1])[::-1], rows) < 1e-6
    assert on_onnx.embed(images(on_onnx)[:0]).shape == (0, on_onnx.card.width)


@pytest.mark.slow
def test_threads_may_share_onnx_runtime(on_onnx: Backbone) -> None:
    batches = [np.roll(images(on_onnx), shift, axis=1) for shift in range(4)]
    alone = [on_onnx.embed(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(on_onnx.embed, batches))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_onnx_runtime_needs_no_torch(on_onnx: Backbone, name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, name], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("missing", ["onnxruntime", "onnx", "onnxscript"])
def test_a_missing_package_is_named(
    name: str, empty_cache: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    found = with_onnx.find_spec
    monkeypatch.setattr(
        with_onnx, "find_spec", lambda package: None if package == missing else found(package)
    )
    with pytest.raises(BackboneError, match=rf'needs {missing}\. Run: pip install "regraft\[onnx\]"'):
        load(name, runtime="onnxruntime")


def test_a_network_that_onnx_cannot_express_is_explained(tmp_path: Path) -> None:
    import torch

    class Strange(torch.nn.Module):
        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            return torch.linalg.svdvals(pixels[:, :, :, 0].float())

    with pytest.raises(BackboneError, match=r"ONNX cannot express this network .*--runtime torch"):
        with_onnx.convert_to_onnx(Strange(), 8, tmp_path / "network.onnx")


# --- Torch --------------------------------------------------------------------------------------------


def test_a_batch_in_pieces_is_the_same_batch(reference: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    many = images(reference, 19)
    pieces = reference.embed(many)
    monkeypatch.setattr(with_torch, "IMAGES_PER_CPU_PIECE", 100)
    assert relative_error(pieces, reference.embed(many)) < 1e-6


COMPILED = """
import sys
import numpy as np
import torch
from regraft.backbones import load
from regraft.backbones.runtimes import relative_error
original, compiled = torch.compile, []
def compile_eagerly(module):
    # All that torch.compile does but the code for this processor, which needs a compiler.
    compiled.append(type(module).__name__)
    return original(module, backend="aot_eager")
torch.compile = compile_eagerly
network, reference = load(sys.argv[1], runtime="torch-compile"), load(sys.argv[1], runtime="torch")
px = network.card.image_px
many = np.random.default_rng(0).integers(0, 256, (11, px, px, 3), dtype=np.uint8)
print(network.runtime, network.key == reference.key, compiled)
print(relative_error(network.embed(many), reference.embed(many)) < 1e-5)
"""


@pytest.mark.slow
def test_a_compiled_network_gives_the_same(name: str) -> None:
    # In a process of its own: the shape checks of these tests are nothing that can be compiled.
    done = subprocess.run([sys.executable, "-c", COMPILED, name], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["torch-compile True ['Embedding']", "True"], done.stderr


# --- Precisions ---------------------------------------------------------------------------------------


@pytest.fixture
def with_bf16() -> None:
    if not with_openvino.has_bf16():
        pytest.skip("this CPU does not compute in bfloat16")


@pytest.mark.usefixtures("with_bf16")
@pytest.mark.parametrize("runtime", ["openvino", "torch"])
def test_bf16_is_near_and_says_how_near(name: str, reference: Backbone, runtime: str) -> None:
    network = load(f"{name}:bf16", runtime=runtime)
    assert network.card.precision == "bf16"
    assert network.key != reference.key
    rows, expected = network.embed(images(network)), reference.embed(images(network))
    assert 1e-4 < relative_error(rows, expected) < 0.1
    assert 1e-4 < network.relative_error < 0.1


def test_int8_is_near_and_says_how_near(name: str, reference: Backbone) -> None:
    network = load(f"{name}:int8")
    assert (network.card.precision, network.runtime) == ("int8", "openvino")
    rows, expected = network.embed(images(network)), reference.embed(images(network))
    assert 1e-3 < relative_error(rows, expected) < 0.5
    assert 1e-3 < network.relative_error < 0.5
    assert network.key != reference.key


@pytest.mark.slow
def test_two_quantisations_are_near_and_equal_keys_mean_equal_numbers(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for folder in ("one", "other"):
        monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path / folder))
        network = load(f"{name}:int8")
        found.append((network.key, network.embed(images(network))))
    (key, rows), (other_key, other_rows) = found
    # Sums over threads may differ in their last digit, and a weight may then be rounded to its neighbour.
    assert relative_error(other_rows, rows) < 0.1
    assert key != other_key or np.array_equal(rows, other_rows)


@pytest.mark.slow
def test_int8_weights_are_small(name: str, whole: tuple[str, Path], empty_cache: Path) -> None:
    load(f"{name}:int8")
    small = next(empty_cache.glob("networks/*/network.bin")).stat().st_size
    full = next(whole[1].glob("networks/*/network.bin")).stat().st_size
    assert small < 0.4 * full


def test_without_nncf_int8_is_explained(
    name: str, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regraft.backbones.quantise.find_spec", lambda _: None)
    with pytest.raises(BackboneError, match=r'pip install "regraft\[int8\]"'):
        load(f"{name}:int8")


def test_a_cpu_without_bf16_is_told(name: str, empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(with_openvino, "has_bf16", lambda: False)
    monkeypatch.setattr(with_torch, "has_bf16", lambda: False)
    for runtime in ("auto", "openvino", "torch"):
        with pytest.raises(BackboneError, match="does not compute in bf"):
            load(f"{name}:bf16", runtime=runtime)
    assert not list(empty_cache.glob("networks/*"))


@pytest.mark.parametrize(
    ("suffix", "runtime", "message"),
    [
        ("fp16", "auto", "Torch on this CPU does not compute in fp16"),
        ("fp16", "openvino", "Use --runtime torch on a GPU"),
        ("int8", "torch", "runs with OpenVINO only"),
        ("int8", "onnxruntime", "runs with OpenVINO only"),
        ("bf16", "onnxruntime", "full precision here"),
    ],
)
def test_a_runtime_without_a_precision_says_so(name: str, suffix: str, runtime: str, message: str) -> None:
    with pytest.raises(BackboneError, match=message):
        load(f"{name}:{suffix}", runtime=runtime)


def test_with_a_gpu_a_quantised_network_still_runs_with_openvino(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backbone, "has_cuda", lambda: True)
    assert backbone.address(f"{name}:int8")[1] == "openvino"
    assert backbone.address(f"{name}:fp16")[1] == "torch"
    assert backbone.address(name)[1] == "torch"
    assert backbone.address(name, runtime="openvino")[1] == "openvino"


# --- The network's own classifier ---------------------------------------------------------------------


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime", "torch"])
def test_class_scores_follow_from_rows(name: str, runtime: str) -> None:
    import torch

    network = load(name, runtime=runtime)
    head = network.source_head
    assert head is not None
    assert head.weights.shape[1] == len(head.bias) == 1000
    some = images(network, 2)
    plainly, card = build(identify(name))
    mean, std = np.array(card.mean), np.array(card.std)
    pixels = torch.tensor((some / 255 - mean) / std, dtype=torch.float32).permute(0, 3, 1, 2)
    with torch.inference_mode():
        expected = plainly(pixels).numpy()
    scores = head.scores(network.embed(some), network.card)
    np.testing.assert_allclose(scores, expected, atol=1e-4 * np.abs(expected).max())
