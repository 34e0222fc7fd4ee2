"""ONNX files exported here from small networks give the rows that the networks themselves give."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import timm
import torch
from safetensors.torch import save_file

from regraft.backbones import Backbone, load
from regraft.backbones.onnx_bytes import read_facts
from regraft.backbones.runtimes import relative_error
from regraft.backbones.sources import build, identify
from regraft.core.errors import BackboneError

PX = 96
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def drawn(architecture: str, **settings: object) -> torch.nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return timm.create_model(architecture, **settings).eval()


def export(network: torch.nn.Module, file: Path, *shape: int, dynamic: bool = True, **facts: str) -> Path:
    shapes = ({0: torch.export.Dim("images")},) if dynamic else None
    torch.onnx.export(
        network.eval(),
        (torch.rand(*(shape or (2, 3, PX, PX))),),
        file,
        dynamic_shapes=shapes,
        external_data=False,
        verbose=False,
        dynamo=True,
    )
    if facts:
        written = onnx.load(file)
        onnx.helper.set_model_props(written, facts)
        onnx.save(written, file)
    return file


def images(count: int = 5, px: int = PX) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, px, px, 3), dtype=np.uint8)


def block(backbone: Backbone, stage: str, rows: np.ndarray, pooling: str = "mean") -> np.ndarray:
    found = next(one for one in backbone.card.blocks if (one.stage, one.pooling) == (stage, pooling))
    return rows[:, found.start : found.stop]


@pytest.fixture(scope="module")
def resnet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """One small network as ONNX and as weights for timm, whose mean and deviation are 0.5 each."""
    folder = tmp_path_factory.mktemp("resnet")
    network = drawn("test_resnet", num_classes=7)
    save_file(network.state_dict(), folder / "weights.safetensors")
    names = json.dumps([f"class {number}" for number in range(7)])
    file = export(network, folder / "resnet.onnx", mean="0.5, 0.5, 0.5", std="[0.5 0.5 0.5]", classes=names)
    return file, folder / "weights.safetensors"


@pytest.fixture(scope="module")
def both(resnet: tuple[Path, Path]) -> tuple[Backbone, Backbone]:
    return load(f"onnx:{resnet[0]}"), load(f"timm:test_resnet@{resnet[1]}:{PX}px", runtime="torch")


@pytest.fixture(scope="module")
def vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small transformer as ONNX, of images of 160 pixels."""
    return export(drawn("test_vit"), tmp_path_factory.mktemp("vit") / "vit.onnx", 2, 3, 160, 160)


# --- Rows ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "stage"), [(24, "layer1"), (12, "layer2"), (6, "layer3"), (3, "layer4")])
@pytest.mark.parametrize("pooling", ["mean", "grid"])
def test_depths_are_those_of_the_network_itself(
    both: tuple[Backbone, Backbone], side: int, stage: str, pooling: str
) -> None:
    ours, timms = both
    rows, expected = ours.embed(images()), timms.embed(images())
    assert rows.shape == (5, ours.card.width)
    part, reference = block(ours, f"{side}x{side}", rows, pooling), block(timms, stage, expected, pooling)
    assert relative_error(part, reference) < 1e-5


def test_the_card_says_what_the_file_says(both: tuple[Backbone, Backbone], resnet: tuple[Path, Path]) -> None:
    ours, timms = both
    assert ours.runtime == "openvino"
    assert ours.relative_error < 1e-6
    assert (ours.card.mean, ours.card.std) == ((0.5,) * 3, (0.5,) * 3)
    assert (ours.card.image_px, ours.card.pretrained_on) == (PX, "not stated")
    assert ours.card.multiply_adds == pytest.approx(timms.card.multiply_adds, rel=0.01)
    assert ours.card.parameters == pytest.approx(timms.card.parameters, rel=0.01)
    assert [stage.name for stage in ours.card.stages] == ["48x48", "24x24", "12x12", "6x6", "3x3"]
    assert load(f"onnx:{resnet[0]}").card == ours.card
    assert load(f"onnx:{resnet[0]}").key == ours.key


def test_the_classifier_comes_along(both: tuple[Backbone, Backbone], resnet: tuple[Path, Path]) -> None:
    head = both[0].source_head
    assert head is not None
    assert head.names == tuple(f"class {number}" for number in range(7))
    network = drawn("test_resnet", num_classes=7)
    network.load_state_dict(load_weights(resnet[1]))
    pixels = torch.tensor((images() / 255 - 0.5) / 0.5, dtype=torch.float32).permute(0, 3, 1, 2)
    with torch.inference_mode():
        expected = network(pixels).numpy()
    scores = head.scores(both[0].embed(images()), both[0].card)
    np.testing.assert_allclose(scores, expected, atol=1e-4 * np.abs(expected).max())


def load_weights(file: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(file)


@pytest.mark.parametrize(
    "architecture",
    [
        pytest.param("mobilenetv3_small_050", marks=pytest.mark.slow),
        "test_vit",
        pytest.param("test_convnext", marks=pytest.mark.slow),
    ],
)
def test_the_head_is_what_the_classifier_reads(
    architecture: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    network = drawn(architecture)
    if architecture == "test_vit":
        px, file = 160, request.getfixturevalue("vit")
    else:
        px, file = PX, export(network, tmp_path / "network.onnx", 2, 3, PX, PX)
    ours = load(f"onnx:{file}")
    mean, std = np.array(IMAGENET[0]), np.array(IMAGENET[1])
    pixels = torch.tensor(((images(3, px) / 255 - mean) / std), dtype=torch.float32).permute(0, 3, 1, 2)
    with torch.inference_mode():
        expected = network.forward_head(network.forward_features(pixels), pre_logits=True).numpy()
    last = ours.card.stages[-1].name
    assert relative_error(block(ours, last, ours.embed(images(3, px))), expected) < 1e-5
    assert "normalised as for ImageNet" in ours.card.pretrained_on


@pytest.mark.slow
def test_an_encoder_gives_its_output(tmp_path: Path) -> None:
    network = drawn("test_convnext", num_classes=0)
    ours = load(f"onnx:{export(network, tmp_path / 'encoder.onnx')}")
    mean, std = np.array(IMAGENET[0]), np.array(IMAGENET[1])
    pixels = torch.tensor(((images() / 255 - mean) / std), dtype=torch.float32).permute(0, 3, 1, 2)
    with torch.inference_mode():
        expected = network(pixels).numpy()
    assert ours.card.stages[-1].name == "head"
    assert relative_error(block(ours, "head", ours.embed(images())), expected) < 1e-5
    assert ours.source_head is None


class ChannelsLast(torch.nn.Module):
    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return torch.softmax(self.network(pixels.permute(0, 3, 1, 2)), 1)


@pytest.mark.slow
def test_channels_may_come_last_and_scores_as_probabilities(
    both: tuple[Backbone, Backbone], resnet: tuple[Path, Path], tmp_path: Path
) -> None:
    network = drawn("test_resnet", num_classes=7)
    file = export(
        ChannelsLast(network),
        tmp_path / "last.onnx",
        2,
        PX,
        PX,
        3,
        mean="127.5 127.5 127.5",
        std="127.5 127.5 127.5",
    )
    ours = load(f"onnx:{file}")
    assert relative_error(ours.embed(images()), both[0].embed(images())) < 1e-5
    assert ours.source_head is not None


@pytest.mark.slow
def test_a_file_made_for_one_image_takes_many(both: tuple[Backbone, Backbone], tmp_path: Path) -> None:
    class One(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = drawn("test_resnet", num_classes=7)

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            return self.network.forward_features(pixels).mean((2, 3)).reshape(1, 96)

    facts = {"mean": "0.5, 0.5, 0.5", "std": "0.5, 0.5, 0.5"}
    ours = load(f"onnx:{export(One(), tmp_path / 'one.onnx', 1, 3, PX, PX, dynamic=False, **facts)}")
    rows, expected = ours.embed(images(7)), both[0].embed(images(7))
    assert relative_error(block(ours, "3x3", rows), block(both[0], "3x3", expected)) < 1e-5


@pytest.mark.slow
def test_another_size_is_another_candidate(
    resnet: tuple[Path, Path], both: tuple[Backbone, Backbone]
) -> None:
    small = load(f"onnx:{resnet[0]}:64px")
    assert small.card.image_px == 64
    assert small.card.multiply_adds < both[0].card.multiply_adds / 2
    assert small.key != both[0].key
    reference = load(f"timm:test_resnet@{resnet[1]}:64px", runtime="torch")
    last = block(reference, "layer4", reference.embed(images(3, 64)))
    assert relative_error(block(small, "2x2", small.embed(images(3, 64))), last) < 1e-5


# --- What is wrong ------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a network", b"\x08\x07", b"\x80" * 30])
def test_what_is_no_onnx_is_explained(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "some.onnx").write_bytes(content)
    with pytest.raises(BackboneError, match=r"some\.onnx is no ONNX file: "):
        load(f"onnx:{tmp_path / 'some.onnx'}")


def test_a_file_cut_short_is_explained(resnet: tuple[Path, Path], tmp_path: Path) -> None:
    whole = resnet[0].read_bytes()
    (tmp_path / "cut.onnx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BackboneError, match=r"cut\.onnx is no ONNX file: it was cut short"):
        load(f"onnx:{tmp_path / 'cut.onnx'}")


def test_a_missing_file_is_explained(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match="There is no ONNX file"):
        load(f"onnx:{tmp_path / 'nowhere.onnx'}")


def graph(file: Path, *inputs: tuple[str, int, list]) -> str:
    """A network that only hands on its first input."""
    values = [onnx.helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in inputs]
    first, kind, _ = inputs[0]
    result = onnx.helper.make_tensor_value_info("y", kind, None)
    node = onnx.helper.make_node("Identity", [first], ["y"])
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "g", values, [result]))
    onnx.save(model, file)
    return f"onnx:{file}"


FLOAT, INT64 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([("ids", INT64, [1, 16])], "floating point numbers in four axes"),
        ([("x", FLOAT, ["b", 3, 64, 64]), ("mask", FLOAT, ["b", 8])], "a single one"),
        ([("x", FLOAT, ["b", 4, 64, 64])], "three channels"),
        ([("x", FLOAT, ["b", 3, "h", "w"])], r"any size\. Name one, as in .*:224px"),
        ([("x", FLOAT, ["b", 3, 64, 48])], "48 x 64 pixels"),
    ],
)
def test_an_input_that_is_no_image_is_explained(inputs: list, message: str, tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=message):
        load(graph(tmp_path / "strange.onnx", *inputs))


def test_a_size_that_the_graph_cannot_take_is_explained(vit: Path) -> None:
    with pytest.raises(BackboneError, match="cannot take images of 100 pixels"):
        load(f"onnx:{vit}:100px")


def test_it_runs_with_openvino_only(resnet: tuple[Path, Path]) -> None:
    for runtime in ("torch", "onnxruntime"):
        with pytest.raises(BackboneError, match="runs with OpenVINO only"):
            load(f"onnx:{resnet[0]}", runtime=runtime)
    with pytest.raises(BackboneError, match="cannot be trained"):
        build(identify(f"onnx:{resnet[0]}"))


# --- Weights beside the file --------------------------------------------------------------------------


@pytest.fixture
def beside(resnet: tuple[Path, Path], tmp_path: Path) -> Path:
    onnx.save(
        onnx.load(resnet[0]),
        tmp_path / "big.onnx",
        save_as_external_data=True,
        location="big.bin",
        size_threshold=0,
    )
    return tmp_path / "big.onnx"


def test_weights_beside_the_file_count(beside: Path, both: tuple[Backbone, Backbone]) -> None:
    assert read_facts(beside).beside == (beside.with_name("big.bin"),)
    before = identify(f"onnx:{beside}")
    assert relative_error(load(before.name).embed(images()), both[0].embed(images())) < 1e-6
    changed = bytearray(beside.with_name("big.bin").read_bytes())
    changed[:4000] = bytes(4000)
    beside.with_name("big.bin").write_bytes(changed)
    assert identify(f"onnx:{beside}").sha256 != before.sha256


def test_missing_weights_beside_the_file_are_explained(beside: Path) -> None:
    beside.with_name("big.bin").unlink()
    with pytest.raises(BackboneError, match=r"keeps its weights in .*big\.bin, not found"):
        identify(f"onnx:{beside}")


def test_identify_reads_no_more_than_it_needs(
    resnet: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> Callable:
        raise AssertionError("a name is identified without OpenVINO")

    monkeypatch.setattr("regraft.backbones.onnx_input.openvino_core", refuse)
    assert identify(f"onnx:{resnet[0]}").sha256
