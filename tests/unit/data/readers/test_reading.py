import pytest

from regraft.core.errors import DataError
from regraft.data import Labelled, find_images, path_of, read


def test_a_folder_and_a_table_give_the_same_data(put, tmp_path):
    put("d/a/1.png", 1)
    put("d/b/2.png", 2)
    (tmp_path / "t.csv").write_text("path,label\nd/a/1.png,a\nd/b/2.png,b\n")
    folder, table = read(str(tmp_path / "d")), read(tmp_path / "t.csv")
    assert folder.examples == table.examples
    assert folder.fingerprint == table.fingerprint


def test_what_is_neither(put, tmp_path):
    with pytest.raises(DataError, match="neither a folder nor a table"):
        read(put("x.png"))
    with pytest.raises(DataError, match="no folder or table"):
        read(tmp_path / "missing.csv")


@pytest.mark.parametrize("name", ["x" * 5000, "~nobody-of-this-name/photos"])
def test_a_path_that_cannot_even_be_looked_at(name):
    with pytest.raises(DataError, match="Cannot look at"):
        read(name)


def test_a_path_with_a_zero_byte():
    with pytest.raises(DataError, match="no folder or table"):
        read("a\0b")


def test_a_source_may_say_how_it_is_read(put, tmp_path):
    for i, name in enumerate(["d/cat_1.png", "d/dog_1.png"]):
        put(name, i)
    (tmp_path / "t.csv").write_text("path,label,label_stage\nd/cat_1.png,a,I\nd/dog_1.png,a,II\n")
    folder = Labelled(tmp_path / "d", label_from="{label}_*")
    assert read(folder).classes == ("cat", "dog")
    assert path_of(folder) == path_of(tmp_path / "d") == tmp_path / "d"
    assert read(Labelled(tmp_path / "t.csv", task="stage")).classes == ("I", "II")
    dataset = read(tmp_path / "t.csv")
    assert path_of(dataset) is None
    assert read(dataset) is dataset
    assert read(dataset, task="stage").classes == ("I", "II")
    with pytest.raises(DataError, match="is a table, whose column says the labels"):
        read(tmp_path / "t.csv", label_from="{label}_*")


def test_find_images_expands_folders_in_order_and_once(put, tmp_path):
    for i, name in enumerate(["z.png", "d/b.png", "d/a/c.jpg", "d/.x.png"]):
        put(name, i)
    odd = tmp_path / "upload"
    odd.write_bytes(b"x")
    (tmp_path / "d" / "loop").symlink_to(tmp_path / "d")
    found = find_images([tmp_path / "z.png", str(tmp_path / "d"), odd, tmp_path / "d" / "b.png"])
    assert [str(p.relative_to(tmp_path)) for p in found] == ["z.png", "d/a/c.jpg", "d/b.png", "upload"]


def test_find_images_says_what_is_missing(tmp_path):
    with pytest.raises(DataError, match=r"no file or folder .*none\.png"):
        find_images([tmp_path / "none.png"])
    with pytest.raises(DataError, match=f"no image in {tmp_path}"):
        find_images([tmp_path])
