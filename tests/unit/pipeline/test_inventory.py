from pathlib import Path
from typing import Any

import pytest

from regraft.core.errors import ArtifactError, RecipeError
from regraft.pipeline import Recipe, clear_cache, describe_backbone, fit, list_backbones, list_cache


def test_the_networks_that_need_no_internet(no_hub: None) -> None:
    rows = list_backbones(here=True)["backbones"]
    assert [row["name"] for row in rows] == ["lite0", "lite1", "lite2", "lenet5"]
    assert {row["licence"] for row in rows} == {"Apache-2.0"}


@pytest.fixture
def no_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def test_the_list_sorted_and_of_one_family() -> None:
    rows = list_backbones(sort="parameters_m", family="resnet")["backbones"]
    assert {row["family"] for row in rows} == {"ResNet"}
    sizes = [row["parameters_m"] for row in rows]
    assert sizes == sorted(sizes)
    assert len(sizes) > 5


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sort": "parameters"}, "no column 'parameters'. Did you mean parameters_m"),
        ({"family": "Resnat"}, "ResNet"),
    ],
)
def test_columns_and_families_that_are_not_there(wrong: dict[str, str], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        list_backbones(**wrong)


def test_a_network_whose_weights_are_elsewhere_is_described_without_fetching_them(no_hub: None) -> None:
    found = describe_backbone("resnet50")
    assert (found["here"], found["width"], found["architecture"]) == (False, 2048, "resnet50")


def test_a_network_described(networks: Any) -> None:
    found = describe_backbone("lite0")
    assert (found["architecture"], found["width"], found["runtime"]) == ("mean colour", 18, "openvino")
    assert found["images_per_s"] > 0


def test_listing_an_empty_cache(empty_cache: Path) -> None:
    found = list_cache()
    assert found["folder"] == str(empty_cache)
    assert (found["networks"], found["trials"]) == ([], 0)


def test_what_a_fit_leaves_is_listed_and_cleared(
    empty_cache: Path, paint: Any, networks: Any, tmp_path: Path, as_it_is: Recipe
) -> None:
    fit(paint(each=6), budget="60s", out=tmp_path / "run", recipe=as_it_is)
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
    again = fit(paint(each=6), budget="60s", out=tmp_path / "run 2", recipe=as_it_is)
    assert again.report.data["forward_passes"] >= 18


def test_what_cannot_be_deleted_is_said(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty_cache / "trials").mkdir(parents=True)

    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("shutil.rmtree", refuse)
    with pytest.raises(ArtifactError, match=r"Cannot clear the cache .*Permission denied"):
        clear_cache()
