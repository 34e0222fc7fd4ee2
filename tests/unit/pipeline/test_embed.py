from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regraft.core.errors import ArtifactError, BackboneError, DataError
from regraft.core.hashing import sha256_of_file
from regraft.pipeline import embed


def test_a_file_of_plain_arrays(paint: Any, networks: Any, tmp_path: Path) -> None:
    photos = paint(each=4)
    (photos / "blue" / "notes.jpg").write_text("no image")
    found = embed(photos, tmp_path / "new folder" / "features.npz", depths="all")
    assert (found["images"], found["width"], found["skipped"], found["forward_passes"]) == (12, 6, 1, 12)
    with np.load(found["file"], allow_pickle=False) as arrays:
        assert set(arrays) == {"features", "labels", "classes", "paths", "groups", "sha256"}
        assert arrays["features"].shape == (12, 6)
        assert arrays["features"].dtype == np.float32
        assert arrays["classes"].tolist() == ["blue", "green", "red"]
        assert arrays["labels"].tolist() == [0] * 4 + [1] * 4 + [2] * 4
        paths = [Path(path) for path in arrays["paths"]]
        assert [path.parent.name for path in paths] == ["blue"] * 4 + ["green"] * 4 + ["red"] * 4
        assert arrays["sha256"].tolist() == [sha256_of_file(path) for path in paths]
        # The mean colour of a blue image is blue.
        assert (arrays["features"][:4, :3].argmax(1) == 2).all()


def test_two_networks_stand_side_by_side(paint: Any, networks: Any, tmp_path: Path) -> None:
    photos = paint(each=2)
    widths = {
        depths: embed(photos, tmp_path / "f.npz", backbones=("lite0", "lite1"), depths=depths)["width"]
        for depths in ("last", "all", "grid")
    }
    assert widths == {"last": 6, "all": 12, "grid": 36}
    assert embed(photos, tmp_path / "f.npz", backbones=("lite0", "lite1"))["forward_passes"] == 0


def test_what_cannot_be_done(paint: Any, networks: Any, tmp_path: Path) -> None:
    photos = paint(each=2)
    with pytest.raises(BackboneError, match="no backbone 'vgg'"):
        embed(photos, tmp_path / "f.npz", backbones=("vgg",))
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtifactError, match="Cannot write"):
        embed(photos, tmp_path / "file" / "f.npz")
    for file in photos.rglob("*.png"):
        file.write_text("no image")
    with pytest.raises(DataError, match=r"No image in .* can be used"):
        embed(photos, tmp_path / "f.npz")
    assert not (tmp_path / "f.npz").exists()
