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


def test_weights_and_times(table):
    path = table(
        "path,label,weight,time\nimages/0.png,a,2.5,2024-01-31\nimages/1.png,a,,\nimages/2.png,b,1e-3,\n"
    )
    dataset = read_table(path)
    assert dataset.weights.tolist() == [2.5, 1.0, 0.001]
    assert [e.time for e in dataset.examples] == [1706659200.0, None, None]


@pytest.mark.parametrize("weight", ["0", "-1", "nan", "inf", "heavy"])
def test_a_weight_that_is_none_names_its_row(table, weight):
    with pytest.raises(DataError, match=rf"Row 3 of .*t\.csv has the weight '{weight}'. It must be above 0"):
        read_table(table(f"path,label,weight\nimages/0.png,a,1\nimages/1.png,b,{weight}\n"))


def test_a_time_that_is_none_names_its_row(table):
    with pytest.raises(DataError, match=r"Row 2 of .*t\.csv has the time 'noon'. Write a number or a date"):
        read_table(table("path,label,time\nimages/0.png,a,noon\n"))
    with pytest.raises(DataError, match="mixes numbers and dates"):
        read_table(table("path,label,time\nimages/0.png,a,17\nimages/1.png,a,2024-01-31\n"))


def test_several_labels_in_a_cell(table):
    dataset = read_table(table("path,label\nimages/0.png,dog | cat\nimages/1.png,\nimages/2.png,dog\n"))
    assert dataset.is_multilabel
    assert dataset.classes == ("cat", "dog")
    assert [e.labels for e in dataset.examples] == [(0, 1), (), (1,)]
    assert dataset.labels.tolist() == [-1, -1, -1]
    assert dataset.skipped == ()


def test_tasks(table):
    path = table(
        "path,label,Label_Stage,label_marks\nimages/0.png,a,I,x|y\nimages/1.png,a,II,\nimages/2.png,,II,y\n"
    )
    dataset = read_table(path)
    assert dataset.tasks == ("stage", "marks")
    assert [e.tasks for e in dataset.examples] == [("I", "x|y"), ("II", "")]
    # Chosen while reading, a task also has the images that the column `label` says nothing about.
    assert read_table(path, task="Stage").labels.tolist() == [0, 1, 1]
    assert dataset.for_task("stage").labels.tolist() == [0, 1]
    assert read_table(path, task="marks").is_multilabel
    with pytest.raises(DataError, match=r"no column 'label_stag'.*Did you mean stage"):
        read_table(path, task="stag")


def test_a_table_of_tasks_alone_wants_one_chosen(table):
    path = table("path,label_stage,label_grade\nimages/0.png,I,1\nimages/1.png,II,2\n")
    with pytest.raises(
        DataError, match=r"no column 'label'. Choose one of its tasks with --task: grade, stage"
    ):
        read_table(path)
    assert read_table(path, task="grade").classes == ("1", "2")
    with pytest.raises(DataError, match="It has no such column"):
        read_table(table("path,label\nimages/0.png,a\n"), task="stage")


def test_one_file_with_two_labels_is_told_how_to_have_both(table):
    with pytest.raises(DataError, match=r"If it has both labels, write 'a\|b' in one row"):
        read_table(table("path,label\nimages/0.png,a\nimages/0.png,b\n"))


def test_one_file_with_and_without_a_label(table):
    with pytest.raises(
        DataError, match=r"label: 'a' in row 2 and '' in row 3\. Keep the row that is right\.$"
    ):
        read_table(table("path,label\nimages/0.png,a\nimages/0.png,\n"))


@pytest.mark.parametrize("address", ["https://example.org/1.png", "s3://bucket/1.png", "file:///tmp/1.png"])
def test_web_addresses_are_refused(table, address):
    with pytest.raises(DataError, match=r"Row 3 of .*t\.csv names the web address .*Nothing is downloaded"):
        read_table(table(f"path,label\nimages/0.png,a\n{address},b\n"))


def test_other_ways_to_write_a_path(table, tmp_path, monkeypatch, put):
    monkeypatch.setenv("HOME", str(tmp_path))
    put("caf\u00e9.png", 7)
    put("~odd.png", 8)
    path = table(
        "file_name,label\n~/images/0.png,a\nC:\\data\\1.png,a\ncafe\u0301.png,a\n~odd.png,a\nimages\\2.png,b\n"
    )
    dataset = read_table(path)
    assert [p.name for p in dataset.paths] == ["caf\u00e9.png", "0.png", "2.png", "~odd.png"]
    assert [one.reason for one in dataset.skipped] == ["there is no such file"]


def test_rows_that_no_file_can_be_meant_by(table, tmp_path):
    path = table(
        "path,label\nimages/0.png,a\na\0b.png,a\nimages,a\nimages/1.png,a,b\n" + "x" * 5000 + ".png,a\n"
    )
    dataset = read_table(path)
    assert len(dataset) == 1
    reasons = sorted(one.reason for one in dataset.skipped)
    assert reasons[0] == "cannot be read: File name too long"
    assert reasons[1] == "cannot be read: it is a folder, a pipe or a device"
    assert reasons[2:] == [
        "row 3 of t.csv has no path",
        "row 5 of t.csv has 3 cells for 2 columns; a cell with the separator in it needs quotes",
    ]
