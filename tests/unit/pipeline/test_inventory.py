from pathlib import Path
from typing import Any

import pytest

from regraft.core.errors import ArtifactError
from regraft.pipeline import clear_cache, describe_backbone, fit, list_backbones, list_cache


def test_the_networks_that_need_no_internet() -> None:
    rows = list_backbones()["backbones"]
    assert [row["name"] for row in rows] == ["lite0", "lite1", "lite2"]
    assert {row["licence"] for row in rows} == {"Apache-2.0"}


def test_a_network_described(networks: Any) -> None:
    found = describe_backbone("lite0")
    assert (found["architecture"], found["width"], found["runtime"]) == ("mean colour", 18, "openvino")
    assert found["images_per_s"] > 0


def test_listing_an_empty_cache(empty_cache: Path) -> None:
    found = list_cache()
    assert found["folder"] == str(empty_cache)
    assert (found["networks"], found["trials"]) == ([], 0)


def test_what_a_fit_leaves_is_listed_and_cleared(
    empty_cache: Path, paint: Any, networks: Any, tmp_path: Path
) -> None:
    fit(paint(each=6), budget="60s", out=tmp_path / "run")
    (empty_cache / "networks" / "one").mkdir(parents=True)
    (empty_cache / "networks" / "one" / "network.bin").write_bytes(bytes(2_000_000))
    for name in ("archives", "images"):
        (empty_cache / name / "one").mkdir(parents=True)
        (empty_cache / name / "one" / "x.png").write_bytes(bytes(300_000))
    (empty_cache / "mine.txt").write_text("not regraft's")
    found = list_cache()
    assert {row["name"] for row in found["networks"]} >= {"lite0"}
    assert all(row["images"] == 18 for row in found["networks"])
    assert found["trials"] > 0
    assert found["size_mb"] > 2
    assert (found["archives_mb"], found["images_mb"]) == (0.3, 0.3)
    cleared = clear_cache()
    assert cleared["folder"] == str(empty_cache)
    assert cleared["freed_mb"] == pytest.approx(found["size_mb"], abs=0.2)
    assert [path.name for path in empty_cache.iterdir()] == ["mine.txt"]
    assert fit(paint(each=6), budget="60s", out=tmp_path / "run 2").report.data["forward_passes"] >= 18


def test_what_cannot_be_deleted_is_said(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty_cache / "trials").mkdir(parents=True)

    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("shutil.rmtree", refuse)
    with pytest.raises(ArtifactError, match=r"Cannot clear the cache .*Permission denied"):
        clear_cache()
