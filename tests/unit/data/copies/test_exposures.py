import os
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from regraft.data import Exposure, read_exposures

MAKE, MODEL, CHANGED, TAKEN, FRACTION, SERIAL = 271, 272, 306, 36867, 37521, 42033
NOON_S = 1709294400.0
"""2024-03-01 12:00:00 UTC."""


def write(path: Path, notes: dict[int, Any], inner: dict[int, Any]) -> Path:
    exif = PIL.Image.Exif()
    exif.update(notes)
    exif.get_ifd(0x8769).update(inner)
    PIL.Image.new("RGB", (20, 10), (90, 20, 200)).save(path, exif=exif.tobytes())
    return path


def read(path: Path) -> Exposure | None:
    return dict(read_exposures({"it": path})).get("it")


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tiff"])
def test_the_time_of_the_exposure_and_the_camera(tmp_path: Path, kind: str) -> None:
    noted = {TAKEN: "2024:03:01 12:00:00", FRACTION: "25", SERIAL: "007"}
    path = write(tmp_path / f"photo.{kind}", {MAKE: "Acme\0", MODEL: "One "}, noted)
    assert read(path) == Exposure("Acme One 007", NOON_S + 0.25)


def test_when_the_file_was_written_does_not_matter(tmp_path: Path) -> None:
    path = write(tmp_path / "photo.jpg", {}, {TAKEN: "2024:03:01 12:00:00"})
    before = read(path)
    os.utime(path, (1, 1))
    assert read(path) == before == Exposure("", NOON_S)


def test_when_a_picture_was_changed_says_nothing(tmp_path: Path) -> None:
    assert read(write(tmp_path / "photo.jpg", {CHANGED: "2024:03:01 12:00:00", MODEL: "One"}, {})) is None


@pytest.mark.parametrize("stamp", ["0000:00:00 00:00:00", "yesterday", "", "    :  :     :  :  "])
def test_a_time_that_is_none(tmp_path: Path, stamp: str) -> None:
    assert read(write(tmp_path / "photo.jpg", {MODEL: "One"}, {TAKEN: stamp})) is None


def test_a_fraction_that_is_none(tmp_path: Path) -> None:
    path = write(tmp_path / "photo.jpg", {}, {TAKEN: "2024:03:01 12:00:00", FRACTION: "half"})
    assert read(path) == Exposure("", NOON_S)


def test_no_pixel_is_decoded(tmp_path: Path) -> None:
    path = write(tmp_path / "photo.jpg", {MODEL: "One"}, {TAKEN: "2024:03:01 12:00:00"})
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"\xff\xda") + 20])
    assert read(path) == Exposure("One", NOON_S)


def test_files_that_tell_nothing(tmp_path: Path) -> None:
    PIL.Image.new("RGB", (20, 10)).save(tmp_path / "plain.jpg")
    PIL.Image.new("RGB", (20, 10)).save(tmp_path / "plain.png")
    PIL.Image.new("RGB", (20, 10)).save(tmp_path / "plain.webp")
    (tmp_path / "text.jpg").write_text("Exif? No.")
    damaged = write(tmp_path / "damaged.jpg", {MODEL: "One"}, {TAKEN: "2024:03:01 12:00:00"})
    data = damaged.read_bytes()
    start = data.index(b"Exif")
    damaged.write_bytes(data[: start + 6] + b"\xff" * 60 + data[start + 66 :])
    files = {path.name: path for path in [*sorted(tmp_path.iterdir()), tmp_path / "none.jpg"]}
    assert len(files) == 6
    assert dict(read_exposures(files)) == {}
