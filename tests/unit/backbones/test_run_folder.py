import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from regraft.backbones import Backbone, load
from regraft.backbones.freezing import freeze
from regraft.backbones.own_classifier import classifier_of
from regraft.backbones.run_folder import class_names
from regraft.backbones.sources import build, identify
from regraft.core.errors import BackboneError
from regraft.features import Affine, columns
from regraft.heads import Linear, Neighbours
from regraft.pipeline.model import Model
from regraft.pipeline.recipe import Recipe

CLASSES = ("ant", "bee", "cow")


@pytest.fixture
def network(weights: Callable[..., Path]) -> Backbone:
    return load(f"timm:test_resnet@{weights()}", runtime="torch")


def saved(network: Backbone, folder: Path, depths: str = "grid", temperature: float = 2.0) -> Model:
    random = np.random.default_rng(0)
    width = sum(part.stop - part.start for part in columns(network.card, depths))
    head = Linear(random.normal(size=(width, 3)).astype(np.float32), random.normal(size=3).astype(np.float32))
    recipe = Recipe(backbones=(network.card.name,), depths=depths)
    model = Model(CLASSES, (network.card,), recipe, head, None, temperature)
    model.save(folder)
    return model


@pytest.mark.parametrize("runtime", ["torch", "openvino"])
@pytest.mark.parametrize("depths", ["last", "all", "grid"])
def test_a_run_gives_its_networks_features_and_its_class_scores(
    depths: str, runtime: str, network: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path / "cache"))
    model = saved(network, tmp_path / "run", depths)
    run = load(f"run:{tmp_path / 'run'}", runtime=runtime)
    assert run.card.stages[:-1] == network.card.stages
    assert (run.card.stages[-1].name, run.card.stages[-1].width) == ("classes", 3)
    px = run.card.image_px
    images = np.random.default_rng(1).integers(0, 256, (2, px, px, 3), dtype=np.uint8)
    rows, plain = run.embed(images), network.embed(images)
    for ours, theirs in zip(
        (b for b in run.card.blocks if b.stage != "classes"), network.card.blocks, strict=True
    ):
        np.testing.assert_allclose(
            rows[:, ours.start : ours.stop], plain[:, theirs.start : theirs.stop], rtol=1e-3, atol=1e-4
        )
    block = next(block for block in run.card.blocks if block.stage == "classes")
    read = np.concatenate([plain[:, part] for part in columns(network.card, depths)], axis=1)
    np.testing.assert_allclose(rows[:, block.start : block.stop], model.scores(read), rtol=1e-3, atol=1e-3)


def test_scaling_before_the_classifier_is_part_of_it(network: Backbone, tmp_path: Path) -> None:
    model = saved(network, tmp_path / "run", "last")
    shift, scale = np.full(96, 0.5, np.float32), np.linspace(1, 2, 96, dtype=np.float32)
    model = replace(model, affine=Affine(shift, scale))
    model.save(tmp_path / "run")
    run = load(f"run:{tmp_path / 'run'}", runtime="torch")
    images = np.random.default_rng(1).integers(0, 256, (2, *[run.card.image_px] * 2, 3), dtype=np.uint8)
    read = np.concatenate([network.embed(images)[:, p] for p in columns(network.card, "last")], axis=1)
    block = next(block for block in run.card.blocks if block.stage == "classes")
    scores = run.embed(images)[:, block.start : block.stop]
    np.testing.assert_allclose(scores, model.scores(read), rtol=1e-3, atol=1e-3)


def test_the_runs_classes_are_the_source_heads(network: Backbone, tmp_path: Path) -> None:
    saved(network, tmp_path / "run")
    source = identify(f"run:{tmp_path / 'run'}")
    built, card = build(source)
    head = classifier_of(built, card, names=class_names(source))
    assert head is not None
    assert (head.block, head.names) == ("classes", CLASSES)
    assert card.pretrained_on.endswith("then 3 classes by regraft")


def test_a_run_can_be_frozen_at_its_networks_stages(network: Backbone, tmp_path: Path) -> None:
    saved(network, tmp_path / "run")
    built, card = build(identify(f"run:{tmp_path / 'run'}"))
    shallow, deep = (set(freeze(built, card, until=stage)) for stage in ("layer1", "classes"))
    # The network's own classifier is never run.
    assert shallow < deep == {name for name, _ in built.named_parameters() if ".fc." not in name}


def test_a_run_within_its_run_folder_is_found(network: Backbone, tmp_path: Path) -> None:
    saved(network, tmp_path / "run" / "model")
    inner, outer = identify(f"run:{tmp_path / 'run' / 'model'}"), identify(f"run:{tmp_path / 'run'}")
    assert replace(outer, name="") == replace(inner, name="")


def test_runs_that_cannot_serve_are_refused(network: Backbone, tmp_path: Path, weights) -> None:
    model = saved(network, tmp_path / "run")
    file = tmp_path / "run" / "model.json"
    settings = json.loads(file.read_text())

    def refused(change: dict, message: str) -> None:
        file.write_text(json.dumps(settings | change))
        with pytest.raises(BackboneError, match=message):
            build(identify(f"run:{tmp_path / 'run'}"))

    refused({"cards": []}, r"has 0 networks \(none\)")
    refused({"cards": settings["cards"] * 2}, r"has 2 networks \(timm:test_resnet.* Name its networks")
    refused({"cards": [{"name": "x"}]}, "describes no network")
    refused({"cards": [settings["cards"][0] | {"sha256": "0" * 64}]}, "not those that the run")
    refused({"recipe": settings["recipe"] | {"depths": "last"}}, "reads other features")
    refused({"temperature": None}, "no classifier that can be used")
    refused({"sha256": "0" * 64}, "is no saved run")
    file.write_text("{}")
    with pytest.raises(BackboneError, match=r"is no saved run: .*describes no model"):
        identify(f"run:{tmp_path / 'run'}")
    width = network.card.width
    voters = Neighbours(np.zeros((3, width), np.float32), np.arange(3), np.ones(3), 3, 1, "cosine")
    replace(model, classifier=voters).save(tmp_path / "run")
    with pytest.raises(BackboneError, match="has a neighbours classifier"):
        build(identify(f"run:{tmp_path / 'run'}"))
