import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from regraft.core.errors import ArtifactError
from regraft.core.files import write_json
from regraft.core.hashing import sha256_of_file
from regraft.data import read
from regraft.pipeline import Recipe, fit
from regraft.pipeline.run import Report, claim_folder, read_report


def test_a_new_folder_is_named_after_the_images(
    tmp_path: Path, paint: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    folder = claim_folder(paint("my photos", each=2), None)
    assert folder.parent == tmp_path / "elsewhere" / "runs"
    assert re.fullmatch(r"my photos-\d{8}-\d{6}-\d+", folder.name)
    assert json.loads((folder / "started.json").read_text())["source"] == str(tmp_path / "my photos")


def test_a_run_folder_inside_the_images_is_refused(tmp_path: Path, paint: Any) -> None:
    photos = paint(each=2)
    (tmp_path / "link").symlink_to(photos)
    for source in (photos, str(photos), read(photos)):
        for inside in (photos, photos / "run", photos / "red" / "run", tmp_path / "link" / "run"):
            with pytest.raises(ArtifactError, match="would lie inside the images' folder"):
                claim_folder(source, inside)
    assert sorted(path.name for path in photos.iterdir()) == ["blue", "green", "red"]


def test_beside_a_table_a_run_folder_does_no_harm(
    tmp_path: Path, paint: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint("images", each=2)
    table = tmp_path / "labels.csv"
    rows = [f"images/{c}/0-0{i}.png,{c}" for c in ("red", "green") for i in range(2)]
    table.write_text("\n".join(["path,label", *rows]))
    monkeypatch.chdir(tmp_path)
    assert claim_folder(Path("labels.csv"), None).name.startswith("labels-")
    assert claim_folder(read(table), None).name.startswith("images-")


def test_what_lies_in_the_way(tmp_path: Path, paint: Any) -> None:
    photos = paint(each=2)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ArtifactError, match=r"file is a file. Name a folder with --out"):
        claim_folder(photos, tmp_path / "file")
    with pytest.raises(ArtifactError, match="Cannot write"):
        claim_folder(photos, tmp_path / "file" / "run")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("mine")
    with pytest.raises(ArtifactError, match="is not empty and holds no run"):
        claim_folder(photos, tmp_path / "full")
    write_json(tmp_path / "done" / "manifest.json", {})
    with pytest.raises(ArtifactError, match="holds a finished run"):
        claim_folder(photos, tmp_path / "done")


def test_an_empty_folder_and_an_unfinished_run_are_taken(tmp_path: Path, paint: Any) -> None:
    photos = paint(each=2)
    (tmp_path / "empty").mkdir()
    assert claim_folder(photos, tmp_path / "empty") == tmp_path / "empty"
    write_json(tmp_path / "empty" / "model" / "model.json", {})
    assert claim_folder(photos, tmp_path / "empty") == tmp_path / "empty"


def test_a_report_is_read_from_finished_runs_only(tmp_path: Path, paint: Any) -> None:
    with pytest.raises(ArtifactError, match="holds no finished run"):
        read_report(tmp_path)
    folder = claim_folder(paint(each=2), tmp_path / "run")
    with pytest.raises(ArtifactError, match="A fit began there but did not finish"):
        read_report(folder)


def test_the_folder_of_a_fit(tmp_path: Path, paint: Any, networks: Any, as_it_is: Recipe) -> None:
    photos = paint(each=12)
    run = fit(photos, budget="60s", out=tmp_path / "run", recipe=as_it_is)
    names = {str(path.relative_to(run.folder)) for path in run.folder.rglob("*") if path.is_file()}
    (arrays,) = (name for name in names if name.endswith(".safetensors"))
    files = {"model/model.json", arrays, "recipe.json", "report.json", "report.html"}
    files |= {"data.csv", "predictions.csv"}
    assert names == files | {"manifest.json"}
    manifest = json.loads((run.folder / "manifest.json").read_text())["files"]
    assert manifest == {name: sha256_of_file(run.folder / name) for name in files}
    written = {path: path.stat().st_mtime_ns for path in run.folder.rglob("*") if path.is_file()}
    assert max(written, key=written.__getitem__) == run.folder / "manifest.json"
    assert read_report(run.folder) == run.report
    with (run.folder / "data.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 36
    assert {row["split"] for row in rows} == {"train", "test"}
    with (run.folder / "predictions.csv").open(newline="") as stream:
        tested = list(csv.DictReader(stream))
    assert {row["path"] for row in tested} == {row["path"] for row in rows if row["split"] == "test"}
    assert all(row["label"] == row["predicted"] for row in tested)


def test_killed_before_the_manifest_a_run_can_be_begun_again(
    tmp_path: Path, paint: Any, networks: Any, monkeypatch: pytest.MonkeyPatch, as_it_is: Recipe
) -> None:
    def killed(path: Path, value: Any) -> None:
        if path.name == "manifest.json":
            raise KeyboardInterrupt
        write_json(path, value)

    photos = paint(each=6)
    with monkeypatch.context() as patch:
        patch.setattr("regraft.pipeline.run.write_json", killed)
        with pytest.raises(KeyboardInterrupt):
            fit(photos, budget="60s", out=tmp_path / "run", recipe=as_it_is)
    with pytest.raises(ArtifactError, match="did not finish"):
        read_report(tmp_path / "run")
    run = fit(photos, budget="60s", out=tmp_path / "run", recipe=as_it_is)
    assert read_report(tmp_path / "run") == run.report


def test_a_file_name_that_is_not_utf8(tmp_path: Path, paint: Any, networks: Any, as_it_is: Recipe) -> None:
    photos = paint(each=6)
    odd = photos / "red" / b"caf\xe9.png".decode("utf-8", "surrogateescape")
    (photos / "red" / "0-00.png").rename(odd)
    run = fit(photos, budget="60s", out=tmp_path / "run", recipe=as_it_is)
    assert b"caf\xe9.png" in (run.folder / "data.csv").read_bytes()
    assert read_report(run.folder).data["images"] == 18


def test_a_report_is_saved_as_a_page_or_as_json(
    tmp_path: Path, paint: Any, networks: Any, as_it_is: Recipe
) -> None:
    report = fit(paint(each=6), budget="60s", out=tmp_path / "run", recipe=as_it_is).report
    report.save(tmp_path / "a" / "page.HTML")
    report.save(str(tmp_path / "numbers.json"))
    assert (tmp_path / "a" / "page.HTML").read_text().lstrip().lower().startswith("<!doctype html>")
    assert Report(json.loads((tmp_path / "numbers.json").read_text())) == report
