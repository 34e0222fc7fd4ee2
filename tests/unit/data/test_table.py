import pytest

from regraft.core.errors import DataError
from regraft.data import read_table


@pytest.fixture
def table(put, tmp_path):
    for i in range(3):
        put(f"images/{i}.png", i)

    def write(text, name="t.csv", encoding="utf-8"):
        (tmp_path / name).write_bytes(text.encode(encoding))
        return tmp_path / name

    return write


def test_columns(table, tmp_path):
    path = table(
        "Label,PATH,extra,group,domain,split\n"
        "dog,images/0.png,?,g1,lab,train\n"
        "cat,images/1.png,?,,,Validation\n"
        'cat,"images/2.png",?,,,\n'
    )
    dataset = read_table(path)
    assert dataset.classes == ("cat", "dog")
    assert dataset.root == tmp_path
    first, second, third = dataset.examples
    assert (first.label, first.group, first.domain, first.part) == (1, "g1", "lab", "train")
    assert (second.label, second.group, second.domain, second.part) == (0, "", "", "val")
    assert third.part is None


@pytest.mark.parametrize(
    ("separator", "name", "encoding"),
    [
        (";", "t.csv", "utf-8-sig"),
        ("\t", "t.csv", "utf-8"),
        ("\t", "t.tsv", "utf-16"),
        (",", "t.csv", "latin-1"),
    ],
)
def test_separators_and_encodings(table, separator, name, encoding):
    lines = ["path,label", "images/0.png,Bär", "images/1.png,Kuh"]
    path = table("\r\n".join(lines).replace(",", separator), name, encoding)
    assert read_table(path).classes == ("Bär", "Kuh")


def test_backslashes_and_dots_and_absolute_paths(table, tmp_path):
    path = table(f"path,label\nimages\\0.png,a\n./images/../images/1.png,a\n{tmp_path}/images/2.png,b\n")
    assert [p.name for p in read_table(path).paths] == ["0.png", "1.png", "2.png"]
    assert read_table(path).paths[1] == tmp_path / "images" / "1.png"


def test_rows_that_cannot_be_used_are_listed(table, tmp_path):
    path = table("path,label\nimages/0.png,a\nimages/9.png,a\nimages/1.png,\n,b\n\nimages/2.png\n")
    dataset = read_table(path)
    assert len(dataset) == 1
    assert {(one.path.name, one.reason) for one in dataset.skipped} == {
        ("9.png", "there is no such file"),
        ("1.png", "row 4 of t.csv has no label"),
        ("t.csv", "row 5 of t.csv has no path"),
        ("2.png", "row 7 of t.csv has no label"),
    }


def test_one_file_twice(table):
    assert len(read_table(table("path,label\nimages/0.png,a\nimages/../images/0.png,a\n"))) == 1
    with pytest.raises(DataError, match=r"0\.png twice.*label: 'a' in row 2 and 'b' in row 4"):
        read_table(table("path,label\nimages/0.png,a\nimages/1.png,a\nimages\\0.png,b\n"))
    with pytest.raises(DataError, match="values of split: 'train' in row 2 and 'test' in row 3"):
        read_table(table("path,label,split\nimages/0.png,a,train\nimages/0.png,a,test\n"))


def test_an_unknown_split_names_its_row(table):
    with pytest.raises(DataError, match=r"Row 3 of .*t\.csv has the split 'dev'"):
        read_table(table("path,label,split\nimages/0.png,a,train\nimages/1.png,a,dev\n"))


def test_test_needs_its_classes_in_train_or_undecided(table):
    head = "path,label,split\nimages/0.png,a,train\nimages/1.png,b,test\n"
    with pytest.raises(DataError, match="no image of 'b'"):
        read_table(table(head))
    assert len(read_table(table(head + "images/2.png,b,\n"))) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column named 'path'.*found are: none"),
        ("file,label\nx,a\n", "no column named 'path'.*'file', 'label'"),
        ("path,label,path\nx,a,y\n", "more than one column named 'path'"),
        ("path,label\n", "lists no usable image"),
        ("path,label\nx.png,a\n", r"lists no usable image.*x\.png: there is no such file.*relative to"),
        ('path,label\n"' + "x" * 200_000 + '",a\n', "no readable table"),
    ],
)
def test_unusable_tables(table, text, message):
    with pytest.raises(DataError, match=message):
        read_table(table(text))


def test_a_missing_table(tmp_path):
    with pytest.raises(DataError, match=r"Cannot read the table .*none\.csv"):
        read_table(tmp_path / "none.csv")
