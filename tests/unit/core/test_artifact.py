from pathlib import Path

import numpy as np
import pytest

from regraft.core.artifact import keep_beside, read_artifact, write_artifact
from regraft.core.errors import ArtifactError


def names(folder: Path) -> list[str]:
    return sorted(file.name.split("-")[0] for file in folder.iterdir())


def test_weights_lie_beside_a_model_as_long_as_it_speaks_of_them(tmp_path: Path) -> None:
    weights, folder = tmp_path / "w.safetensors", tmp_path / "model"
    weights.write_bytes(b"some weights")
    kept = keep_beside(weights, folder)
    assert (folder / kept).read_bytes() == b"some weights"
    assert keep_beside(folder / kept, folder) == kept
    write_artifact(folder, {"network": kept}, {"x": np.ones(2)}, beside=[kept])
    assert names(folder) == ["model", "model.json", "network"]
    weights.write_bytes(b"others")
    other = keep_beside(weights, folder)
    assert other != kept
    write_artifact(folder, {"network": other}, {"x": np.zeros(2)}, beside=[other])
    assert (folder / other).exists()
    assert not (folder / kept).exists()
    write_artifact(folder, {}, {"x": np.zeros(2)})
    assert names(folder) == ["model", "model.json"]
    assert read_artifact(folder)[2]["x"].tolist() == [0, 0]


def test_weights_that_cannot_be_read_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"Cannot read the weights .*gone: No such file"):
        keep_beside(tmp_path / "gone", tmp_path)
