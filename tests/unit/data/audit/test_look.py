from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from regraft.data import look, read
from regraft.data.audit.look import LARGE_PIXELS, name_of_pixels


@pytest.fixture
def folder(tmp_path: Path, photo: PIL.Image.Image) -> Path:
    small = photo.resize((90, 60))
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(20):
            small.crop((0, 0, 40 + number, 50)).save(tmp_path / name / f"{number:02}.png")
    return tmp_path


def test_what_is_seen_is_in_the_order_of_the_images(folder: Path) -> None:
    usable, seen = look(read(folder))
    assert len(usable) == 40
    assert [one.header.width for one in seen] == [*range(40, 60)] * 2
    assert [one.file_bytes for one in seen] == [path.stat().st_size for path in usable.paths]
    assert [one.modified for one in seen] == [path.stat().st_mtime for path in usable.paths]


def test_damaged_files_leave_the_order_alone(folder: Path) -> None:
    for number in (0, 7, 19):
        path = folder / "a" / f"{number:02}.png"
        path.write_bytes(path.read_bytes()[:200])
    usable, seen = look(read(folder))
    assert [one.header.width for one in seen[:17]] == [n for n in range(40, 60) if n not in (40, 47, 59)]
    assert [one.path.name for one in usable.skipped] == ["00.png", "07.png", "19.png"]
    assert all(one.reason for one in usable.skipped)


def test_one_picture_in_several_formats_has_one_name(folder: Path) -> None:
    picture = PIL.Image.open(folder / "a" / "05.png")
    picture.save(folder / "b" / "same.bmp")
    picture.save(folder / "b" / "same.tif")
    picture.save(folder / "b" / "almost.jpg", quality=95)
    usable, seen = look(read(folder))
    names = {path.name: one.pixels for path, one in zip(usable.paths, seen, strict=True) if "b" in path.parts}
    assert names["05.png"] == names["same.bmp"] == names["same.tif"]
    assert names["almost.jpg"] != names["05.png"]
    assert len(set(names.values())) == 21


def test_the_name_covers_shape_and_order() -> None:
    pixels = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    others = [pixels.reshape(4, 3, 3), pixels[::-1], pixels[:, ::-1], pixels[..., ::-1]]
    assert name_of_pixels(pixels) not in [name_of_pixels(other) for other in others]
    assert name_of_pixels(pixels) == name_of_pixels(pixels[::-1][::-1])


def test_a_large_jpeg_is_known_again_with_other_notes(tmp_path: Path, photo: PIL.Image.Image) -> None:
    large = photo.resize((2000, 1500))
    assert large.width * large.height > LARGE_PIXELS
    exif = PIL.Image.Exif()
    exif[271] = "Acme"
    for name, options in (("a", {}), ("b", {"exif": exif})):
        (tmp_path / name).mkdir()
        large.save(tmp_path / name / "1.jpg", quality=80, **options)
        large.crop((0, 0, 1990, 1500)).save(tmp_path / name / "2.jpg", quality=80)
    _, (first, cropped, again, _) = look(read(tmp_path))
    assert first.pixels == again.pixels != cropped.pixels
    assert (first.header.width, first.header.notes, again.header.camera) == (2000, 0, "Acme")
