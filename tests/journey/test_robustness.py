"""Signals, kills, full disks, broken files, and two at once."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
AS_IT_IS = ("--depths", "last", "--scaling", "depth", "--head", "ridge")
"""One fit and no search, where the search is not what is tested."""
AS_GIVEN = ("--together", "given")
"""No near copies are looked for."""


def stored(cache: Path) -> int:
    """How many images have features by now."""
    files = list(cache.glob("features-*.sqlite"))
    if not files:
        return 0
    try:
        connection = sqlite3.connect(f"file:{files[0]}?mode=ro", uri=True)
        try:
            return int(connection.execute("select count(*) from images").fetchone()[0])
        finally:
            connection.close()
    except sqlite3.Error:
        return 0


def is_usable(line: Any, run: Path, image: Path, classes: set[str]) -> None:
    """A finished run with every file, whose model predicts."""
    assert (run / "manifest.json").is_file()
    assert (run / "report.html").is_file()
    assert not (run / "started.json").exists()
    assert json.loads(line("predict", run, image, "--json").out)["label"] in classes


# Broken files


@pytest.fixture
def planted(tmp_path: Path, image_folder: Path) -> tuple[Path, set[str]]:
    """The images, and among them broken files of every kind, which are named."""
    root = tmp_path / "planted"
    shutil.copytree(image_folder, root)
    photo = next((root / "discs").glob("*.jpg")).read_bytes()
    (root / "discs" / "cut.jpg").write_bytes(photo[: len(photo) // 2])
    (root / "discs" / "empty.png").write_bytes(b"")
    (root / "stripes" / "notes.png").write_text("Not an image at all.")
    (root / "stripes" / "telephone.heic").write_bytes(b"ftypheic")
    (root / "stripes" / "readme.txt").write_text("Ignored, since it does not claim to be an image.")
    (root / "gradients" / "nowhere.jpg").symlink_to(tmp_path / "nowhere.jpg")
    names = {"cut.jpg", "empty.png", "notes.png", "telephone.heic", "nowhere.jpg"}
    if not IS_ROOT:
        (root / "discs" / "secret.png").write_bytes(photo)
        (root / "discs" / "secret.png").chmod(0)
        names.add("secret.png")
    return root, names


def test_broken_files_are_listed_and_the_fit_goes_on(
    regraft: Any, planted: tuple[Path, set[str]], snapshot: Any
) -> None:
    root, names = planted
    before = snapshot(root)
    found = regraft.fit(root, *AS_IT_IS)
    assert found["images"] == 40
    assert found["skipped"] == len(names)
    assert {Path(one["path"]).name for one in found["skipped_files"]} == names
    assert all(one["reason"] for one in found["skipped_files"])
    assert snapshot(root) == before
    looked = regraft("inspect", root, "--json").json
    assert {Path(one["path"]).name for one in looked["skipped_files"]} == names
    assert f"{len(names)} files skipped" in regraft("inspect", root).out
    assert snapshot(root) == before


def test_strict_ends_with_an_error(regraft: Any, planted: tuple[Path, set[str]], image_folder: Path) -> None:
    root, names = planted
    assert "Not every file in" in regraft.fails("fit", root, "--strict", *AS_IT_IS)
    looked = regraft.done("inspect", root, "--strict")
    assert looked.status == 1
    assert f"{len(names)} files skipped" in looked.out
    assert f"{len(names)} files in {root} cannot be used" in " ".join(looked.err.split())
    assert regraft("inspect", image_folder, "--strict").status == 0


def test_a_read_only_folder(regraft: Any, tmp_path: Path, image_folder: Path, snapshot: Any) -> None:
    root = tmp_path / "sealed"
    shutil.copytree(image_folder, root)
    folders = [root, *(path for path in root.rglob("*") if path.is_dir())]
    for path in root.rglob("*"):
        path.chmod(0o444 if path.is_file() else 0o555)
    root.chmod(0o555)
    before = snapshot(root)
    try:
        found = regraft.fit(root, *AS_IT_IS)
        regraft("predict", found["run"], root)
        regraft("evaluate", found["run"], root)
        assert snapshot(root) == before
    finally:
        for folder in folders:
            folder.chmod(0o755)


# Running again


def test_what_was_computed_is_never_computed_again(
    alone: Any, tmp_path: Path, image_folder: Path, digits_folder: Path
) -> None:
    root = tmp_path / "photos"
    shutil.copytree(image_folder, root)
    first = alone.fit(root, *AS_IT_IS)
    assert first["forward_passes"] == 40
    second = alone.fit(root, *AS_IT_IS)
    assert second["forward_passes"] == 0
    for key in ("chosen", "validation", "test", "confusion", "parts"):
        assert second[key] == first[key], key

    for number, digit in enumerate(sorted((digits_folder / "0").iterdir())[:10]):
        shutil.copy(digit, root / "discs" / f"new {number}.png")
    assert alone.fit(root, *AS_IT_IS)["forward_passes"] == 10

    moved = tmp_path / "elsewhere" / "moved cache"
    moved.parent.mkdir()
    alone.cache = alone.cache.rename(moved)
    root = root.rename(tmp_path / "renamed photos")
    assert alone.fit(root, *AS_IT_IS)["forward_passes"] == 0


@pytest.mark.slow
def test_two_fits_at_once_on_one_cache(alone: Any, image_folder: Path, digits_folder: Path) -> None:
    words = ("--backbones", "lite0", "--budget", "120s", "--json", *AS_IT_IS, *AS_GIVEN)
    running = [alone.begin("fit", source, *words) for source in (image_folder, image_folder, digits_folder)]
    done = [alone.end(process) for process in running]
    assert [one.status for one in done] == [0, 0, 0], [one.err for one in done]
    assert len({one.json["run"] for one in done}) == 3
    assert done[0].json["test"] == done[1].json["test"]
    for source in (image_folder, digits_folder):
        assert alone.fit(source, *AS_IT_IS, *AS_GIVEN)["forward_passes"] == 0


@pytest.mark.slow
def test_two_first_fits_at_once_convert_the_same_network(
    tmp_path: Path, regraft: Any, image_folder: Path
) -> None:
    regraft.cache = tmp_path / "empty"
    words = ("--backbones", "lite0", "--budget", "120s", "--json", *AS_IT_IS)
    running = [regraft.begin("fit", image_folder, *words) for _ in range(3)]
    assert [regraft.end(process).status for process in running] == [0, 0, 0]
    assert len(list((tmp_path / "empty" / "networks").iterdir())) == 1


# Signals and kills


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_while_images_are_embedded(
    number: int, alone: Any, digits_folder: Path, until: Callable[..., None]
) -> None:
    words = ("--backbones", "lite0", *AS_GIVEN, "--out", "run", "--json")
    process = alone.begin("fit", digits_folder, *words)
    until(lambda: stored(alone.cache) > 0, process)
    process.send_signal(number)
    done = alone.end(process)
    assert done.status == 0, done.err
    assert "keeping the best so far" in done.err
    assert done.json["images"] < 300
    is_usable(alone, alone.folder / "run", digits_folder / "1" / "001.png", set("0123456789"))


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGTERM])
def test_stopped_while_it_climbs(
    number: int, regraft: Any, digits_folder: Path, until: Callable[..., None]
) -> None:
    words = ("--backbones", "lite0", "--seed", str(100 + number), *AS_GIVEN)
    process = regraft.begin("fit", digits_folder, *words, "--out", "run", "--json")
    until((regraft.folder / "run" / "model" / "model.json").exists, process)
    process.send_signal(number)
    done = regraft.end(process)
    assert done.status == 0, done.err
    found = done.json
    assert found["images"] == 300
    assert "stopped before it was tried" in found["ladder"][-1]["reason"]
    assert found["test"]["accuracy"]["value"] > 0.5
    is_usable(regraft, regraft.folder / "run", digits_folder / "1" / "001.png", set("0123456789"))


def test_killed_twice_and_begun_again(alone: Any, digits_folder: Path, until: Callable[..., None]) -> None:
    asked = ("--backbones", "lite0", "--budget", "120s", *AS_GIVEN)
    words = ("fit", digits_folder, *asked, "--out", "run", "--json")
    process = alone.begin(*words)
    until(lambda: stored(alone.cache) > 0, process)
    process.kill()
    alone.end(process)
    assert not (alone.folder / "run" / "manifest.json").exists()
    assert "did not finish" in alone.fails("report", "run")
    reached = stored(alone.cache)

    process = alone.begin(*words)
    until((alone.folder / "run" / "model" / "model.json").exists, process)
    process.kill()
    alone.end(process)
    # The best so far outlives its fit.
    assert alone("predict", "run", digits_folder / "1" / "001.png").out.count("\n") == 2

    found = alone(*words).json
    assert 0 < reached < 300
    assert found["images"] == 300
    assert found["forward_passes"] == 0
    is_usable(alone, alone.folder / "run", digits_folder / "1" / "001.png", set("0123456789"))


# Disks


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts disks of a given size, where this may be done."""
    mounted: list[Path] = []

    def mount(size: str) -> Path:
        folder = tmp_path / f"disk {len(mounted)}"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        if not IS_ROOT or not shutil.which("mount") or subprocess.run(command, check=False).returncode:
            pytest.skip("no right to mount a small disk here")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_under_the_run(regraft: Any, image_folder: Path, small_disk: Any) -> None:
    without_a_model, with_a_model = small_disk("16k") / "run", small_disk("64k") / "run"
    for folder in (without_a_model, with_a_model):
        message = regraft.fails("fit", image_folder, "--backbones", "lite0", "--out", folder, *AS_IT_IS)
        assert message.startswith(f"regraft: Cannot write {folder}")
        assert "No space left on device. Free some space or choose another place" in message
        assert not (folder / "manifest.json").exists()
        assert [*folder.rglob(".*")] == []
    assert "no model in" in regraft.fails("predict", without_a_model, image_folder)
    # Where the model had room and its page had not, the model can be used.
    assert "stripes" in regraft("predict", with_a_model, image_folder).out


@pytest.mark.slow
def test_a_full_disk_under_the_cache(
    regraft: Any, finished: dict[str, Any], shared_cache: Path, digits_folder: Path, small_disk: Any
) -> None:
    network = sum(path.stat().st_size for path in (shared_cache / "networks").rglob("*") if path.is_file())
    regraft.cache = small_disk(f"{network // 1024 + 1024}k") / "cache"
    shutil.copytree(shared_cache / "networks", regraft.cache / "networks")
    words = ("fit", digits_folder, "--backbones", "lite0", "--budget", "120s", "--out", "run", *AS_IT_IS)
    for _ in range(2):
        message = regraft.fails(*words)
        assert "The feature store" in message
        assert "full" in message
        assert "name another folder in $REGRAFT_CACHE" in message
    # On a larger disk what was kept is found, whole.
    reached = stored(regraft.cache)
    larger = regraft.folder / "larger"
    shutil.copytree(regraft.cache, larger)
    regraft.cache = larger
    assert regraft(*words, "--json").json["forward_passes"] == 300 - reached


@pytest.mark.slow
def test_a_full_disk_before_a_network_is_kept(regraft: Any, image_folder: Path, small_disk: Any) -> None:
    regraft.cache = small_disk("1m") / "cache"
    message = regraft.fails("fit", image_folder, "--backbones", "lite0", "--out", "run", *AS_IT_IS)
    assert "Free some space, or name another folder in $REGRAFT_CACHE" in message
    assert not any((regraft.cache / "networks").iterdir())


def test_output_that_cannot_be_written(regraft: Any, run: Path, image_folder: Path) -> None:
    single = next((image_folder / "discs").iterdir())
    if not Path("/dev/full").exists():
        pytest.skip("no device that is always full")
    command = [regraft.begin("--version").args[0], "predict", str(run), str(single)]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip() == "regraft: [Errno 28] No space left on device"


def test_a_reader_that_stops_reading(regraft: Any, run: Path, image_folder: Path) -> None:
    process = regraft.begin("predict", run, image_folder)
    process.stdout.close()
    assert process.wait(60) == 0
    assert process.stderr.read() == ""
