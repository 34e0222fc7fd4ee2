import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from regraft.core.errors import DataError
from regraft.data import read_folder


def reasons(dataset):
    return {one.path.name: one.reason for one in dataset.skipped}


def test_classes_are_folders_in_natural_order(put, tmp_path):
    for i, name in enumerate(["10/a.jpg", "2/b.PNG", "2/deep/er/c.webp", "Ünïcode 猫/d.bmp"]):
        put(name, i)
    dataset = read_folder(tmp_path)
    assert dataset.classes == ("2", "10", "Ünïcode 猫")
    assert [e.path.name for e in dataset.examples] == ["a.jpg", "b.PNG", "c.webp", "d.bmp"]
    assert dataset.labels.tolist() == [1, 0, 0, 2]
    assert {e.part for e in dataset.examples} == {None}
    first = dataset.examples[0]
    assert first.path.is_absolute()
    assert first.sha256 == hashlib.sha256(first.path.read_bytes()).hexdigest()


def test_examples_are_sorted_by_path(put, tmp_path):
    for i, name in enumerate(["b/2.png", "a b/1.png", "a/z/3.png", "a/b.png"]):
        put(name, i)
    dataset = read_folder(tmp_path)
    assert list(dataset.paths) == sorted(dataset.paths)


def test_parts_are_honoured_in_any_case(put, tmp_path):
    for i, name in enumerate(["Train/a/1.png", "train/b/2.png", "VALID/a/3.png", "test/b/4.png"]):
        put(name, i)
    dataset = read_folder(tmp_path)
    assert dataset.classes == ("a", "b")
    assert {e.path.name: e.part for e in dataset.examples} == {
        "1.png": "train",
        "2.png": "train",
        "3.png": "val",
        "4.png": "test",
    }


def test_train_alone_is_a_part(put, tmp_path):
    put("train/a/1.png", 1)
    put("train/b/2.png", 2)
    dataset = read_folder(tmp_path)
    assert dataset.classes == ("a", "b")
    assert {e.part for e in dataset.examples} == {"train"}


def test_train_among_vehicles_is_a_class(put, tmp_path):
    put("train/night/1.png", 1)
    put("car/2.png", 2)
    assert read_folder(tmp_path).classes == ("car", "train")


def test_a_folder_beside_the_parts_is_listed(put, tmp_path):
    for i, name in enumerate(["train/a/1.png", "test/a/2.png", "unlabelled/3.png"]):
        put(name, i)
    dataset = read_folder(tmp_path)
    assert dataset.classes == ("a",)
    assert reasons(dataset) == {"3.png": "lies beside train and test but is no part"}


def test_train_may_have_classes_that_test_lacks_but_not_the_reverse(put, tmp_path):
    put("train/a/1.png", 1)
    put("train/b/2.png", 2)
    put("test/a/3.png", 3)
    assert read_folder(tmp_path).missing_classes("test") == ("b",)
    put("test/c/4.png", 4)
    with pytest.raises(DataError, match="no image of 'c'"):
        read_folder(tmp_path)


def test_what_is_not_the_users_is_ignored(put, tmp_path):
    put("a/1.png", 1)
    for name in [".hidden/x.png", "a/.x.png", "__MACOSX/a/x.png", "a/__MACOSX/x.png"]:
        put(name, 2)
    for name in ["a/Thumbs.db", "a/notes.txt", "a/.DS_Store", "labels.csv", "a/noextension"]:
        (tmp_path / name).write_text("x")
    dataset = read_folder(tmp_path)
    assert [e.path.name for e in dataset.examples] == ["1.png"]
    assert dataset.skipped == ()


def test_scans_without_an_extension_are_found_by_content(put, tmp_path):
    for label in "ab":
        put(f"{label}/1.png")
        for name in ("IM0001", "1.2.840.113619.2", "1.2.840.unknown"):
            (tmp_path / label / name).write_bytes(label.encode() * 128 + b"DICM")
        (tmp_path / label / "IM0002").write_bytes(bytes(128) + b"none")
        (tmp_path / label / "7").mkdir()
    found = {path.name for path in read_folder(tmp_path).paths}
    assert found == {"1.png", "IM0001", "1.2.840.113619.2"}


def test_images_that_cannot_be_used_are_listed_with_a_reason(put, tmp_path):
    put("a/1.png", 1)
    put("loose.png", 2)
    (tmp_path / "a/empty.jpg").touch()
    (tmp_path / "a/drawing.PSD").write_text("x")
    (tmp_path / "a/broken-link.jpg").symlink_to(tmp_path / "nowhere.jpg")
    assert reasons(read_folder(tmp_path)) == {
        "loose.png": "lies in no class folder",
        "empty.jpg": "the file is empty (0 bytes)",
        "drawing.PSD": "PSD images are not read; save it as JPEG or PNG",
        "broken-link.jpg": "there is no such file",
    }


def test_a_file_without_permission_is_listed(put, tmp_path, monkeypatch):
    put("a/1.png", 1)
    put("a/2.png", 2)
    opened = Path.open

    def guarded(path, *args, **kwargs):
        if path.name == "2.png":
            raise PermissionError(13, "Permission denied")
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", guarded)
    assert reasons(read_folder(tmp_path)) == {"2.png": "cannot be read: Permission denied"}


def test_links_in_a_circle_end(put, tmp_path):
    put("a/1.png", 1)
    put("b/2.png", 2)
    (tmp_path / "a/self").symlink_to(tmp_path / "a")
    (tmp_path / "a/up").symlink_to(tmp_path)
    (tmp_path / "loop").symlink_to(tmp_path)
    dataset = read_folder(tmp_path)
    assert [e.path.name for e in dataset.examples] == ["1.png", "2.png"]
    assert dataset.classes == ("a", "b")


def test_a_class_may_be_a_link(put, tmp_path):
    put("elsewhere/1.png", 1)
    root = tmp_path / "data"
    root.mkdir()
    (root / "a").symlink_to(tmp_path / "elsewhere")
    assert read_folder(root).paths == (root / "a" / "1.png",)


def test_an_empty_folder_is_no_class(put, tmp_path):
    put("a/1.png", 1)
    (tmp_path / "b").mkdir()
    assert read_folder(tmp_path).classes == ("a",)


def test_nothing_is_written(put, tmp_path):
    put("a/1.png", 1)
    before = {p: p.stat().st_mtime_ns for p in [tmp_path, *tmp_path.rglob("*")]}
    read_folder(tmp_path)
    assert {p: p.stat().st_mtime_ns for p in [tmp_path, *tmp_path.rglob("*")]} == before


def test_a_relative_path_becomes_absolute(put, tmp_path, monkeypatch):
    put("a/1.png", 1)
    monkeypatch.chdir(tmp_path)
    assert read_folder(".").paths == (tmp_path / "a" / "1.png",)


def test_unusable_folders_say_what_where_and_what_to_do(put, tmp_path):
    with pytest.raises(DataError, match=f"no folder {tmp_path}/missing"):
        read_folder(tmp_path / "missing")
    with pytest.raises(DataError, match=rf"no image in {tmp_path}.*sub-folder"):
        read_folder(tmp_path)
    file = put("flat.png")
    with pytest.raises(DataError, match="holds 1 images but no class folder"):
        read_folder(tmp_path)
    with pytest.raises(DataError, match="is a file, not a folder"):
        read_folder(file)
    file.unlink()
    (tmp_path / "a").mkdir()
    (tmp_path / "a/empty.jpg").touch()
    with pytest.raises(DataError, match=r"No image.*can be read.*0 bytes"):
        read_folder(tmp_path)


def test_parts_without_classes_are_not_taken_for_classes(put, tmp_path):
    put("train/1.png", 1)
    put("test/2.png", 2)
    with pytest.raises(DataError, match="holds 2 images but no class folder"):
        read_folder(tmp_path)


def test_names_that_are_not_utf8(put, tmp_path):
    try:
        (tmp_path / "caf\udce9").mkdir()
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    put("caf\udce9/1.png", 1)
    dataset = read_folder(tmp_path)
    assert dataset.classes == ("caf\ufffd",)
    assert len(dataset.fingerprint) == 64


def test_domains(put, tmp_path):
    for i, name in enumerate(["photo/dog/1.png", "photo/cat/2.png", "sketch/dog/3.png", "sketch/cat/4.png"]):
        put(name, i)
    dataset = read_folder(tmp_path)
    assert dataset.classes == ("cat", "dog")
    assert [(e.path.name, e.domain) for e in dataset.examples] == [
        ("2.png", "photo"),
        ("1.png", "photo"),
        ("4.png", "sketch"),
        ("3.png", "sketch"),
    ]
    as_classes = read_folder(tmp_path, label_from="{label}/**")
    assert as_classes.classes == ("photo", "sketch")
    assert {e.domain for e in as_classes.examples} == {""}


def test_labels_in_names(put, tmp_path):
    for i, name in enumerate(["cat_1.png", "deep/dog_p7.png", "nothing.png"]):
        put(name, i)
    dataset = read_folder(tmp_path, label_from="{label}_*")
    assert dataset.classes == ("cat", "dog")
    assert reasons(dataset) == {"nothing.png": "does not fit the pattern '{label}_*'"}
    with pytest.raises(DataError, match=r"the first, cat_1\.png, does not fit the pattern '\{label\}-\*'"):
        read_folder(tmp_path, label_from="{label}-*")


def test_a_flat_folder_is_advised(put, tmp_path):
    for i, name in enumerate(["cat_1.png", "cat_2.png", "dog_1.png", "dog_2.png"]):
        put(name, i)
    with pytest.raises(
        DataError, match=r"look as if they held the label: try --label-from '\{label\}_\{number\}"
    ):
        read_folder(tmp_path)
    (tmp_path / "train.csv").write_text("path,label\n")
    with pytest.raises(DataError, match=r"If train\.csv says what they are.* give .*/train\.csv"):
        read_folder(tmp_path)


@pytest.mark.parametrize("place", ["labels.csv", "images/metadata.tsv"])
def test_a_table_in_the_folder(put, tmp_path, place):
    put("images/1.png", 1)
    put("images/2.png", 2)
    table, separator = tmp_path / place, "\t" if place.endswith("tsv") else ","
    lines = ["path,label,label_stage"] + [f"{tmp_path}/images/{i}.png,{'xab'[i]},s" for i in (1, 2)]
    table.write_text("\n".join(lines).replace(",", separator))
    assert read_folder(tmp_path).classes == ("a", "b")
    assert read_folder(tmp_path, task="stage").classes == ("s",)
    put("other/3.png", 3)
    assert read_folder(tmp_path).classes == ("images", "other")
    with pytest.raises(DataError, match="Only a table has label columns"):
        read_folder(tmp_path, task="stage")


def test_names_that_differ_little_are_different_classes(put, tmp_path):
    names = ["Cat", "cat", "cat ", "c\u00e4t", "\u732b", "a" * 250, "-rf", "*", "%s", "a'b\"c", "new\nline"]
    for i, name in enumerate(names):
        put(f"{name}/1.png", i)
    assert set(read_folder(tmp_path).classes) == set(names)


def test_one_class_spelt_in_two_unicode_forms(put, tmp_path):
    put("caf\u00e9/1.png", 1)
    put("cafe\u0301/2.png", 2)
    put("b/3.png", 3)
    assert read_folder(tmp_path).class_counts == {"b": 1, "caf\u00e9": 2}


def test_several_classes_may_be_links_to_one_folder(put, tmp_path):
    put("elsewhere/1.png", 1)
    for name in ("train/a", "test/a"):
        (tmp_path / "data" / name).parent.mkdir(parents=True)
        (tmp_path / "data" / name).symlink_to(tmp_path / "elsewhere")
    dataset = read_folder(tmp_path / "data")
    assert [e.part for e in dataset.examples] == ["test", "train"]


def test_links_to_each_other_end(put, tmp_path):
    put("a/1.png", 1)
    folders = [tmp_path / "a" / "x" / "y" / "z" / str(i) for i in range(12)]
    for folder in folders:
        folder.mkdir(parents=True)
        for other in folders:
            (folder / f"to-{other.name}").symlink_to(other)
    put("b/2.png", 2)
    assert len(read_folder(tmp_path)) == 2


@pytest.fixture
def deep(tmp_path):
    """Make folders in each other, each from the one above: nobody could name the last ones at once."""

    def make(top, name, levels):
        top.mkdir(parents=True, exist_ok=True)
        handle = os.open(top, os.O_RDONLY)
        for _ in range(levels):
            os.mkdir(name, dir_fd=handle)
            below = os.open(name, os.O_RDONLY, dir_fd=handle)
            os.close(handle)
            handle = below
        return handle

    yield make
    # Python's own removal stops at the depth of its stack, or at paths that are too long.
    subprocess.run(["rm", "-rf", *tmp_path.iterdir()], check=True)


def test_a_tree_deeper_than_any_path(put, tmp_path, deep):
    put("a/1.png", 1)
    put("b/2.png", 2)
    os.close(deep(tmp_path / "a", "d" * 10, 1200))
    dataset = read_folder(tmp_path)
    assert len(dataset) == 2
    assert any("too long" in one.reason for one in dataset.skipped)


def test_a_tree_deeper_than_the_stack(put, tmp_path, deep):
    put("b/2.png", 2)
    handle = deep(tmp_path / "a", "d", 1100)
    os.close(os.open("1.png", os.O_CREAT | os.O_WRONLY, dir_fd=handle))
    os.link(tmp_path / "b" / "2.png", "3.png", dst_dir_fd=handle)
    os.close(handle)
    dataset = read_folder(tmp_path)
    assert dataset.class_counts == {"a": 1, "b": 1}
    assert reasons(dataset) == {"1.png": "the file is empty (0 bytes)"}


def test_a_pipe_does_not_hang_the_scan(put, tmp_path):
    put("a/1.png", 1)
    os.mkfifo(tmp_path / "a" / "pipe.png")
    assert reasons(read_folder(tmp_path)) == {
        "pipe.png": "cannot be read: it is a folder, a pipe or a device"
    }
