from pathlib import Path

import PIL.Image

from regraft.data import read, write_digits


def test_the_digits_are_written_once(tmp_path: Path) -> None:
    folder = write_digits(tmp_path / "digits")
    dataset = read(folder)
    assert len(dataset) == 1797
    assert dataset.classes == tuple("0123456789")
    assert dataset.class_counts["3"] == 183
    with PIL.Image.open(folder / "0" / "0000.png") as image:
        assert (image.size, image.mode, image.getextrema()) == ((8, 8), "L", (0, 239))
    (folder / "0" / "0000.png").unlink()
    changed = {path: path.stat().st_mtime_ns for path in folder.rglob("*.png")}
    write_digits(folder)
    assert {path: path.stat().st_mtime_ns for path in changed} == changed
    assert (folder / "0" / "0000.png").exists()
