"""Whatever names, tables and archives hold: a data set, or a `DataError` that says why not."""

import io
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from regraft.core.errors import ArtifactError, DataError
from regraft.data import read_table
from regraft.data.names import part_of_name
from regraft.data.readers.archive import unpack
from regraft.data.readers.filenames import compile_pattern, read_filename
from regraft.data.readers.layout import common_folder, place_folders
from regraft.data.readers.sheet import read_sheet

NAMES = st.sampled_from(
    ["train", "Val", "test_set", "dog", "cat", "photo", "sketch", "images", "caf\u00e9", "1"]
)
TREES = st.sets(st.lists(NAMES, max_size=4).map(tuple), max_size=12)
ROOT = Path("/data")

# One folder serves all examples, each of which writes its own file anew.
ONE_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def places(folders):
    try:
        return place_folders(folders, ROOT)
    except DataError:
        return None


@given(TREES)
def test_every_folder_has_a_place_or_a_reason(folders):
    found = places(folders)
    assert found is None or set(found) == folders


@given(st.sets(st.lists(NAMES, min_size=1, max_size=4).map(tuple), min_size=2, max_size=12))
def test_a_folder_around_everything_changes_nothing(folders):
    assume(common_folder(folders) not in folders)
    found, wrapped = places(folders), places({("around", *one) for one in folders})
    assert found == (wrapped and {one[1:]: place for one, place in wrapped.items()})


@given(TREES)
def test_a_part_is_never_a_domain_and_a_class_at_once(folders):
    for one, place in (places(folders) or {}).items():
        if not isinstance(place, str) and place.part:
            assert place.part in {part_of_name(name) for name in one}


@given(st.text(alphabet="{}label*/_.ab1\\^$[]()|+?", max_size=20), st.text(max_size=20))
@example("{label}", "\n")
@example("{label}**{number}*", "a1")
def test_any_pattern_on_any_name(pattern, name):
    assume("\0" not in name and "/" not in name)
    try:
        compiled = compile_pattern(pattern)
    except DataError:
        return
    found = read_filename(compiled, Path("/d") / (name or "x"), name)
    assert found.path.parent == Path("/d") or name in (".", "..")


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".parquet", ".xlsx", ".ods", ".xls"])
@ONE_FOLDER
@given(content=st.binary(max_size=200))
@example(content=b"path,label\n\x00,a\n")
@example(content=b"\xff\xfep\x00")
@example(content=b'path,label\n"')
def test_any_bytes_as_a_table(ending, content, tmp_path):
    table = tmp_path / f"t{ending}"
    table.write_bytes(content)
    with suppress(DataError):
        for number, row in read_sheet(table).rows:
            assert number > 0
            assert isinstance(row, (str, dict))


@ONE_FOLDER
@given(rows=st.lists(st.lists(st.text(max_size=8), max_size=6), max_size=5))
@example(rows=[["~", "a"]])
@example(rows=[["\ud800", "a"]])
def test_any_rows_under_a_sound_header(rows, tmp_path):
    table = tmp_path / "t.csv"
    lines = ["path,label,group,split,weight,time", *(",".join(row) for row in rows)]
    table.write_bytes("\n".join(lines).encode(errors="surrogatepass"))
    with pytest.raises(DataError):
        # No cell can name an image: there is none.
        read_table(table)


@pytest.mark.parametrize("kind", ["zip", "tar"])
@ONE_FOLDER
@given(
    names=st.lists(st.text(alphabet="./\\a:~", min_size=1, max_size=8), min_size=1, max_size=4, unique=True)
)
def test_no_name_in_an_archive_escapes(kind, names, tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    archive = folder / f"any.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(archive, "w") as whole:
            for name in names:
                whole.writestr(name, b"x")
    else:
        with tarfile.open(archive, "w") as whole:
            for name in names:
                info = tarfile.TarInfo(name)
                info.size = 1
                whole.addfile(info, io.BytesIO(b"x"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REGRAFT_CACHE", str(folder / "deep" / "er" / "cache"))
        # A name may also be too odd for the file system, which is the cache's error.
        with suppress(DataError, ArtifactError):
            unpack(archive)
    outside = [p for p in folder.rglob("*") if p.is_file() and "archives" not in p.parts and p != archive]
    assert outside == []
