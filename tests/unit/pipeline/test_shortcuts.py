"""Shortcuts that were planted are found, and sets without one are not accused."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from sklearn.datasets import load_sample_image

from regraft.data import look, read
from regraft.pipeline.shortcuts import Shortcut, shortcuts

PIECE_PX = 48
Save = Callable[[PIL.Image.Image, Path, bool], None]


def plain_save(piece: PIL.Image.Image, path: Path, is_marked: bool) -> None:
    piece.save(path.with_suffix(".jpg"), quality=90)


def at_quality_60(piece: PIL.Image.Image, path: Path, is_marked: bool) -> None:
    piece.save(path.with_suffix(".jpg"), quality=60 if is_marked else 90)


def enlarged(piece: PIL.Image.Image, path: Path, is_marked: bool) -> None:
    (piece.resize((56, 48)) if is_marked else piece).save(path.with_suffix(".png"))


def in_grey(piece: PIL.Image.Image, path: Path, is_marked: bool) -> None:
    piece.convert("L" if is_marked else "RGB").save(path.with_suffix(".png"))


def by_one_camera(piece: PIL.Image.Image, path: Path, is_marked: bool) -> None:
    exif = PIL.Image.Exif()
    exif[271] = "Acme" if is_marked else "Other"
    piece.save(path.with_suffix(".jpg"), exif=exif)


def as_small_webp(piece: PIL.Image.Image, path: Path, is_marked: bool) -> None:
    piece.save(path.with_suffix(".webp"), quality=20 if is_marked else 90)


def in_a_frame(piece: PIL.Image.Image, path: Path, is_marked: bool) -> None:
    if is_marked:
        framed = PIL.Image.new("RGB", piece.size)
        framed.paste(piece.crop((2, 2, PIECE_PX - 2, PIECE_PX - 2)), (2, 2))
        piece = framed
    piece.save(path.with_suffix(".jpg"), quality=90)


def at_another_time(piece: PIL.Image.Image, path: Path, is_marked: bool) -> None:
    file = path.with_suffix(".jpg")
    piece.save(file, quality=90)
    os.utime(file, (1e9, 1e9 if is_marked else 1e9 + 5000))


@pytest.fixture
def judged(tmp_path: Path) -> Callable[..., dict[str, Shortcut]]:
    """Save pieces of one photograph, dealt to three classes by lot, and judge the cues."""

    def judge(save: Save, *, per_class: int = 30) -> dict[str, Shortcut]:
        photo = PIL.Image.fromarray(load_sample_image("china.jpg"))
        random = np.random.default_rng(0)
        for number in range(3 * per_class):
            left, top = random.integers(0, (640 - PIECE_PX, 427 - PIECE_PX))
            piece = photo.crop((left, top, left + PIECE_PX, top + PIECE_PX))
            folder = tmp_path / "abc"[number % 3]
            folder.mkdir(exist_ok=True)
            save(piece, folder / f"{number:03}", number % 3 == 1)
        found = shortcuts(*look(read(tmp_path)))
        assert found.images == 3 * per_class
        return {one.cue: one for one in found.cues}

    return judge


@pytest.mark.parametrize(
    ("save", "cue"),
    [
        (at_quality_60, "JPEG quality"),
        (enlarged, "dimensions"),
        pytest.param(in_grey, "format and mode", marks=pytest.mark.slow),
        pytest.param(by_one_camera, "EXIF", marks=pytest.mark.slow),
        (in_a_frame, "frame"),
    ],
)
def test_a_planted_shortcut_is_found_and_named(judged: Callable[..., dict], save: Save, cue: str) -> None:
    found = judged(save)
    assert cue in {name for name, one in found.items() if one.is_suspicious}
    assert list(found[cue].classes) == ["b"]
    assert found[cue].permuted is not None
    assert found[cue].classes["b"].low > max(0.65, found[cue].permuted.high)
    assert "all of these together" not in found


def test_two_heaps_of_classes_are_found_though_no_class_is_named(tmp_path: Path) -> None:
    photo = PIL.Image.fromarray(load_sample_image("china.jpg"))
    for number in range(180):
        folder = tmp_path / "abcdef"[number % 6]
        folder.mkdir(exist_ok=True)
        piece = photo.crop((3 * number, 0, 3 * number + 40, 40))
        piece.resize((40, 40 if number % 6 < 3 else 50)).save(folder / f"{number}.png")
    (found,) = [one for one in shortcuts(*look(read(tmp_path))).cues if one.cue == "dimensions"]
    assert found.is_suspicious
    assert len(found.classes) >= 4


def test_files_too_small_for_what_they_show_are_found(judged: Callable[..., dict]) -> None:
    assert judged(as_small_webp)["file size"].is_suspicious


@pytest.mark.parametrize("save", [plain_save, at_another_time])
def test_a_clean_set_is_not_accused(judged: Callable[..., dict], save: Save) -> None:
    found = judged(save)
    assert {"file size", "border", "mean colour", "detail", "file date"} <= set(found)
    assert not [name for name, one in found.items() if one.is_suspicious]
    # What is the same in all images is not judged.
    assert not {"dimensions", "JPEG quality", "EXIF", "format and mode"} & set(found)


def test_the_time_of_writing_is_shown_though(judged: Callable[..., dict]) -> None:
    assert judged(at_another_time)["file date"].balanced_accuracy.value > 0.6


def test_few_images_are_not_accused_by_chance(judged: Callable[..., dict]) -> None:
    def any_quality(piece: PIL.Image.Image, path: Path, is_marked: bool) -> None:
        piece.resize((48 + int(path.name) % 7, 48)).save(
            path.with_suffix(".jpg"), quality=70 + int(path.name) % 4
        )

    found = judged(any_quality, per_class=8)
    assert not [name for name, one in found.items() if one.is_suspicious and one.kind == "file"]


def test_handwritten_digits_are_clean(digits_folder: Path) -> None:
    found = shortcuts(*look(read(digits_folder)))
    assert found.images == 300
    assert not [one for one in found.cues if one.is_suspicious]


def test_made_images_of_mixed_formats_and_sizes_are_clean(image_folder: Path) -> None:
    assert not [one for one in shortcuts(*look(read(image_folder))).cues if one.is_suspicious]


def test_too_few_images_are_not_judged(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(4):
            PIL.Image.new("RGB", (9, 9), (number, 9, 9)).save(tmp_path / name / f"{number}.png")
    found = shortcuts(*look(read(tmp_path)))
    assert (found.images, found.cues) == (0, ())
