import io
import json
import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from regraft.core.errors import ArtifactError, BackboneError, DataError
from regraft.data import Skipped
from regraft.heads import HEADS, Linear, Ridge
from regraft.pipeline.model import IMAGES_AT_ONCE, Model, load
from regraft.pipeline.recipe import Recipe

ImageOf = Callable[[str], PIL.Image.Image]
ModelOf = Callable[[Any], Model]


@pytest.fixture
def model(colour_model: ModelOf) -> Model:
    return colour_model(Ridge(penalty=1.0))


@pytest.fixture
def saved(model: Model, tmp_path: Path) -> Path:
    model.save(tmp_path / "saved")
    return tmp_path / "saved"


def rewrite(folder: Path, **changes: object) -> None:
    settings = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(settings | changes))


# Saving and loading


@pytest.mark.parametrize("head", [settings() for settings in HEADS.values()], ids=HEADS.keys())
def test_a_loaded_model_says_what_the_saved_one_said(
    head: Any, colour_model: ModelOf, image_of: ImageOf, tmp_path: Path
) -> None:
    model = colour_model(head)
    model.save(tmp_path / "m")
    images = [image_of("red"), image_of("blue"), image_of("green")]
    again = load(tmp_path / "m")
    assert again.predict(images) == model.predict(images)
    assert [one.label for one in again.predict(images)] == ["red", "blue", "green"]
    assert (again.recipe, again.cards, again.temperature) == (model.recipe, model.cards, 0.5)
    assert (again.affine is None) == isinstance(model.classifier, Linear)


def test_a_model_is_two_files_of_data(saved: Path) -> None:
    names = sorted(file.name for file in saved.iterdir())
    assert names[1] == "model.json"
    assert names[0].startswith("model-")
    assert names[0].endswith(".safetensors")
    assert len(names) == 2


def test_saving_over_a_model_leaves_only_the_new_one(saved: Path, model: Model) -> None:
    assert isinstance(model.classifier, Linear)
    other = replace(model, classifier=replace(model.classifier, bias=model.classifier.bias + 1))
    other.save(saved)
    assert len(list(saved.iterdir())) == 2
    np.testing.assert_array_equal(load(saved).classifier.bias, other.classifier.bias)


def test_killed_between_its_two_files_the_old_model_is_whole(
    saved: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    assert isinstance(model.classifier, Linear)
    monkeypatch.setattr("regraft.core.artifact.write_json", killed)
    with pytest.raises(KeyboardInterrupt):
        replace(model, classifier=replace(model.classifier, bias=model.classifier.bias + 1)).save(saved)
    np.testing.assert_array_equal(load(saved).classifier.bias, model.classifier.bias)


@pytest.mark.parametrize("name", ["model.pkl", "model.pt", "model.pth", "model.joblib"])
def test_formats_that_can_run_code_are_refused(name: str, tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "exploded",))

    file = tmp_path / "bomb" / name
    file.parent.mkdir()
    file.write_bytes(pickle.dumps(Bomb()))
    for where in (file, file.parent):
        with pytest.raises(ArtifactError, match="are not read, since loading them can run code"):
            load(where)
    file.rename(file.parent / "model.json")
    with pytest.raises(ArtifactError, match="not valid JSON"):
        load(file.parent)
    assert not (tmp_path / "exploded").exists()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        ArtifactError, match=r"There is no folder .*none. Name the one that 'regraft fit' wrote"
    ):
        load(tmp_path / "none")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 99}, "is of format 99; this version of regraft reads format 1"),
        ({"classes": ["red", "green"]}, "2 classes for 3 scores"),
        ({"classes": ["red", "red", "blue"]}, "3 classes for 3 scores"),
        ({"classes": 3}, "describes no model that can be used"),
        ({"classes": [1, 2, 3]}, "must be of type str"),
        ({"temperature": 0}, "its temperature is 0"),
        ({"temperature": "warm"}, "must be of type float"),
        ({"classifier": "tree"}, "Unknown kind of classifier 'tree'"),
        ({"classifier": "neighbours"}, "lacks examples"),
        ({"cards": []}, "was fitted on rows of 6"),
        ({"cards": [{}]}, "lacks the setting"),
        ({"recipe": {"backbones": ["lite1"]}}, "its networks are"),
        ({"recipe": {"wings": 2}}, "has no setting 'wings'"),
        ({"sha256": "../../../etc/passwd"}, "Cannot read"),
        ({"sha256": "1" * 64}, "Cannot read"),
    ],
)
def test_settings_that_were_tampered_with(saved: Path, changes: dict[str, Any], message: str) -> None:
    rewrite(saved, **changes)
    with pytest.raises(ArtifactError, match=message):
        load(saved)


@pytest.mark.parametrize("text", ["[]", "{}", '"model"', '{"format": 1}'])
def test_json_that_is_no_model(tmp_path: Path, text: str) -> None:
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(ArtifactError, match=r"model.json describes no model"):
        load(tmp_path)


@pytest.mark.parametrize("missing", ["classes", "cards", "recipe", "classifier", "temperature"])
def test_settings_that_lack_something(saved: Path, missing: str) -> None:
    settings = json.loads((saved / "model.json").read_text())
    del settings[missing]
    (saved / "model.json").write_text(json.dumps(settings))
    with pytest.raises(ArtifactError, match=f"it lacks '{missing}'"):
        load(saved)


def test_arrays_that_were_changed_cut_short_or_removed(saved: Path) -> None:
    (file,) = saved.glob("*.safetensors")
    data = file.read_bytes()
    for damaged in (data[:-1] + bytes([data[-1] ^ 1]), data[: len(data) // 2], b""):
        file.write_bytes(damaged)
        with pytest.raises(ArtifactError, match="is damaged"):
            load(saved)
    file.unlink()
    with pytest.raises(ArtifactError, match="Cannot read"):
        load(saved)


def test_settings_that_were_cut_short(saved: Path) -> None:
    text = (saved / "model.json").read_text()
    (saved / "model.json").write_text(text[: len(text) // 2])
    with pytest.raises(ArtifactError, match="not valid JSON"):
        load(saved)


# Predicting


def test_every_kind_of_image(model: Model, image_of: ImageOf, tmp_path: Path) -> None:
    red = image_of("red")
    red.save(tmp_path / "red.png")
    stream = io.BytesIO()
    red.save(stream, "PNG")
    pixels = np.asarray(red)
    one_each = [
        tmp_path / "red.png",
        str(tmp_path / "red.png"),
        red,
        pixels,
        (pixels / 255).astype(np.float32),
        stream.getvalue(),
    ]
    answers = [model.predict(source) for source in one_each]
    assert [len(answer) for answer in answers] == [1] * len(one_each)
    assert {answer[0].label for answer in answers} == {"red"}
    assert all(
        answer[0].probability == pytest.approx(answers[0][0].probability, abs=1e-3) for answer in answers
    )
    assert [one.label for one in model.predict(one_each)] == ["red"] * len(one_each)
    assert [one.label for one in model.predict(np.stack([pixels, pixels[:, :, ::-1]]))] == ["red", "blue"]
    assert model.predict([]) == []


def test_probabilities_are_of_every_class_and_sum_to_one(model: Model, image_of: ImageOf) -> None:
    (answer,) = model.predict(image_of("green"))
    assert set(answer.probabilities) == {"red", "green", "blue"}
    assert sum(answer.probabilities.values()) == pytest.approx(1)
    assert answer.probability == answer.probabilities["green"] == max(answer.probabilities.values())


def test_a_generator_is_consumed_a_piece_at_a_time(model: Model, networks: Any, image_of: ImageOf) -> None:
    drawn = 0

    def endless() -> Iterator[PIL.Image.Image]:
        nonlocal drawn
        while True:
            drawn += 1
            yield image_of("red")

    answers = model.predict_each(endless())
    assert drawn == 0
    assert next(answers).label == "red"
    assert drawn == IMAGES_AT_ONCE
    for _ in range(IMAGES_AT_ONCE):
        next(answers)
    assert drawn == 2 * IMAGES_AT_ONCE
    assert max(networks.sizes) == 16


def test_order_is_kept_around_images_that_cannot_be_read(
    model: Model, image_of: ImageOf, tmp_path: Path
) -> None:
    names = [("red", "green", "blue")[index % 3] for index in range(IMAGES_AT_ONCE + 40)]
    sources: list[Any] = [image_of(name) for name in names]
    for index in (0, 15, 16, 17, IMAGES_AT_ONCE - 1, IMAGES_AT_ONCE, len(names) - 1):
        sources[index] = tmp_path / f"{index}.png"
        sources[index].write_bytes(b"no image")
    for index, (answer, source) in enumerate(zip(model.predict_each(sources), sources, strict=True)):
        if isinstance(source, Path):
            assert isinstance(answer, Skipped)
            assert answer.path == source
        else:
            assert answer.label == names[index]


def test_predict_names_the_image_that_cannot_be_read(model: Model, image_of: ImageOf, tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("no image")
    with pytest.raises(DataError, match=r"notes.png cannot be classified: it is no JPEG"):
        model.predict([image_of("red"), tmp_path / "notes.png"])
    with pytest.raises(DataError, match=r"none.png cannot be classified"):
        model.predict(tmp_path / "none.png")


def test_a_model_without_networks_gives_every_image_the_same_answer(
    image_of: ImageOf, tmp_path: Path
) -> None:
    majority = Model(
        ("a", "b"), (), Recipe(), Linear(np.empty((0, 2), np.float32), np.array([0, 1], np.float32))
    )
    majority.save(tmp_path / "m")
    answers = load(tmp_path / "m").predict([image_of("red"), image_of("blue")])
    assert [one.label for one in answers] == ["b", "b"]


def test_two_networks_stand_side_by_side(
    model: Model, networks: Any, image_of: ImageOf, tmp_path: Path
) -> None:
    assert isinstance(model.classifier, Linear)
    twice = replace(
        model,
        cards=(model.cards[0], replace(model.cards[0], name="lite1")),
        recipe=replace(model.recipe, backbones=("lite0", "lite1")),
        classifier=Linear(np.concatenate([model.classifier.weights] * 2) / 2, model.classifier.bias),
    )
    (tmp_path / "broken.png").write_bytes(b"")
    found = [*twice.predict_each([image_of("blue"), tmp_path / "broken.png"])]
    assert found[0].label == "blue"
    assert isinstance(found[1], Skipped)


def test_weights_that_are_not_those_of_the_fit_are_refused(
    saved: Path, networks: Any, image_of: ImageOf
) -> None:
    networks.sha256 = "1" * 64
    with pytest.raises(
        BackboneError, match=r"The weights of lite0 here \(SHA-256 111111111111...\) are not those"
    ):
        load(saved).predict(image_of("red"))
