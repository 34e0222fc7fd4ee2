import os
from pathlib import Path

import numpy as np
import pytest

from regraft.core.errors import ArtifactError
from regraft.heads import Linear
from regraft.pipeline import trials as trials_module
from regraft.pipeline.model import Model
from regraft.pipeline.recipe import Recipe
from regraft.pipeline.trials import Trials

KEY = "ab" * 32


@pytest.fixture
def trials(tmp_path: Path) -> Trials:
    return Trials(tmp_path)


@pytest.fixture
def model() -> Model:
    classifier = Linear(np.empty((0, 2), np.float32), np.array([0.5, -0.5], np.float32))
    return Model(("a", "b"), (), Recipe(), classifier)


@pytest.fixture
def scores() -> np.ndarray:
    return np.array([[1.0, 2.0], [np.nan, np.nan]], np.float32)


def test_what_was_kept_is_read_again(trials: Trials, model: Model, scores: np.ndarray) -> None:
    assert not trials.has(KEY)
    assert trials.read(KEY) is None
    trials.write(KEY, model, scores)
    assert trials.has(KEY)
    found = trials.read(KEY)
    assert found is not None
    assert found[0].classes == model.classes
    np.testing.assert_array_equal(found[0].classifier.bias, model.classifier.bias)
    np.testing.assert_array_equal(found[1], scores)


@pytest.mark.parametrize("pattern", ["model.json", "model-*.safetensors", "held-out.safetensors"])
@pytest.mark.parametrize("damage", ["cut", "removed", "text"])
def test_a_damaged_trial_is_no_trial_and_is_written_over(
    trials: Trials, model: Model, scores: np.ndarray, pattern: str, damage: str
) -> None:
    trials.write(KEY, model, scores)
    (file,) = trials.folder.glob(f"*/{pattern}")
    if damage == "removed":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:7] if damage == "cut" else b"no trial at all")
    assert trials.read(KEY) is None
    trials.write(KEY, model, scores)
    assert trials.read(KEY) is not None


def test_the_oldest_make_room(
    trials: Trials, model: Model, scores: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials_module, "MOST_KEPT", 3)
    keys = [f"{number:064}"[::-1] for number in range(5)]
    for age, key in enumerate(keys):
        trials.write(key, model, scores)
        os.utime(trials.folder / key[:32], (1000 + age, 1000 + age))
    assert [trials.has(key) for key in keys] == [False, False, True, True, True]


def test_without_space_a_trial_is_not_kept_and_nothing_fails(
    trials: Trials, model: Model, scores: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise ArtifactError("no space left")

    monkeypatch.setattr(trials_module, "write_bytes", full)
    trials.write(KEY, model, scores)
    assert not trials.has(KEY)
