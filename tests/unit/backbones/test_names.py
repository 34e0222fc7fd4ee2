from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from regraft.backbones.card import Card, Stage
from regraft.backbones.depths import Embedding
from regraft.backbones.names import Name, moved, parse, weights_file, with_file
from regraft.backbones.runtimes import torch_runtime
from regraft.backbones.sources import build, identify
from regraft.core.errors import BackboneError
from regraft.core.hashing import fingerprint, plain
from regraft.core.settings import from_plain


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("lite0", Name("lite0")),
        ("lite0:96px", Name("lite0", 96)),
        ("lite0:int8", Name("lite0", None, "int8")),
        ("lite0:int8:096px", Name("lite0", 96, "int8")),
        ("timm:resnet50@/x/w.pth:128px:bf16", Name("timm:resnet50@/x/w.pth", 128, "bf16")),
        ("timm:resnet50@/x/a:int8/w:96px.pth", Name("timm:resnet50@/x/a:int8/w:96px.pth")),
        ("file:torchvision:alexnet@/x:y/w.pth:64px", Name("file:torchvision:alexnet@/x:y/w.pth", 64)),
        ("lite0:96", Name("lite0:96")),
        ("", Name("")),
    ],
)
def test_names_are_taken_apart(text: str, name: Name) -> None:
    assert parse(text) == name


@given(
    st.text(min_size=1).filter(lambda base: parse(f"{base}:40px:int8") == Name(base, 40, "int8")),
    st.none() | st.integers(32, 2000),
    st.sampled_from(["full", "bf16", "int8"]),
)
def test_a_name_put_together_is_taken_apart_again(base: str, image_px: int | None, precision: str) -> None:
    name = Name(base, image_px, precision)
    if image_px is not None or precision != "full":
        assert parse(str(name)) == name or base.endswith(("px", "bf16", "int8"))


@pytest.mark.parametrize("text", ["lite0:31px", "lite0:0px:int8"])
def test_sizes_that_no_network_takes_are_refused(text: str) -> None:
    with pytest.raises(BackboneError, match=r"at least 32, as in 'lite0:32px'"):
        parse(text)


def test_size_and_precision_are_part_of_what_is_identified() -> None:
    source = identify("lite0:int8:96px")
    assert (source.name, source.image_px, source.precision) == ("lite0:96px:int8", 96, "int8")
    assert source.file == identify("lite0").file


def test_a_smaller_size_costs_less_and_reads_the_same_stages() -> None:
    network, card = build(identify("lite0:96px"))
    _, own = build(identify("lite0"))
    assert (card.image_px, own.image_px) == (96, 224)
    assert card.stages == own.stages
    assert card.crop_fraction == own.crop_fraction
    assert card.multiply_adds < own.multiply_adds * (96 / 224) ** 2 * 1.15
    rows = torch_runtime(Embedding(network, card))(np.zeros((1, 96, 96, 3), np.uint8))
    assert rows.shape == (1, own.width)


CARD = Card(
    "n", "a", "s", "l", "p", 32, 1.0, "bicubic", (0.5,) * 3, (0.5,) * 3, (Stage("x", 1, is_map=False),), 1, 1
)


def test_cards_from_before_there_were_precisions_are_read_and_keep_their_key() -> None:
    old = {key: value for key, value in plain(CARD).items() if key != "precision"}
    assert from_plain(Card, old) == CARD
    assert fingerprint([1, 1, CARD.identity]) == fingerprint([1, 1, old])
    int8 = from_plain(Card, old | {"precision": "int8"})
    assert int8.identity == old | {"precision": "int8"}


@pytest.mark.parametrize(
    ("architecture", "refused", "works"),
    [
        ("vit_tiny_patch16_224", 100, "96px or 112px"),
        ("test_vit", 41, "32px or 48px"),
        pytest.param("inception_v3", 40, "76px", marks=pytest.mark.slow),
    ],
)
def test_sizes_that_a_network_cannot_take_are_told_with_those_it_can(
    tmp_path, architecture: str, refused: int, works: str
) -> None:
    import timm

    torch.save(timm.create_model(architecture).state_dict(), tmp_path / "w.pth")
    name = f"timm:{architecture}@{tmp_path / 'w.pth'}"
    with pytest.raises(BackboneError, match=rf"cannot take images of {refused} pixels.*It takes .*{works}"):
        build(identify(f"{name}:{refused}px"))
    size = 96 if architecture != "inception_v3" else 128
    assert build(identify(f"{name}:{size}px"))[1].image_px == size


@pytest.mark.parametrize(
    ("text", "file", "other"),
    [
        ("lite0@w.safetensors:96px", "w.safetensors", "lite0@/x/new:96px"),
        ("timm:resnet50.a1_in1k@/y/w.pth", "/y/w.pth", "timm:resnet50.a1_in1k@/x/new"),
        ("lite0:96px", None, "lite0@/x/new:96px"),
    ],
)
def test_the_weights_file_of_a_name(text: str, file: str | None, other: str) -> None:
    assert weights_file(text) == (None if file is None else Path(file))
    assert with_file(text, Path("/x/new")) == other
    assert moved(text, Path("/z")) == (text if file is None else with_file(text, Path("/z") / file))
