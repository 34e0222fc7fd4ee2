import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from regraft.core.errors import ArtifactError, DataError
from regraft.data import read
from regraft.data.readers import archive as archives
from regraft.data.readers.archive import unpack

Pack = Callable[..., Path]


def picture(colour: int) -> bytes:
    stream = io.BytesIO()
    PIL.Image.fromarray(np.full((8, 8, 3), colour, np.uint8)).save(stream, format="PNG")
    return stream.getvalue()


FILES = {"cat/1.png": picture(1), "cat/2.png": picture(2), "dog/1.png": picture(3)}


@pytest.fixture
def pack(tmp_path: Path, empty_cache: Path) -> Pack:
    """Write an archive of files and of members made by hand."""

    def write(name: str, files: dict[str, bytes] = FILES, *extra: tarfile.TarInfo | zipfile.ZipInfo) -> Path:
        path = tmp_path / name
        if path.suffix == ".zip":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as whole:
                for inside, data in files.items():
                    whole.writestr(inside, data)
                for info in extra:
                    whole.writestr(info, b"x")
        else:
            kind = {"gz": "gz", "tgz": "gz", "bz2": "bz2", "xz": "xz"}.get(name.rsplit(".", 1)[-1], "")
            with tarfile.open(path, f"w:{kind}") as whole:
                for inside, data in files.items():
                    info = tarfile.TarInfo(inside)
                    info.size = len(data)
                    whole.addfile(info, io.BytesIO(data))
                for info in extra:
                    whole.addfile(info)
        return path

    return write


def link(name: str, to: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


@pytest.mark.parametrize(
    "name", ["pets.zip", "pets.tar", "pets.tar.gz", "Pets.TGZ", "pets.tar.bz2", "a.b.txz"]
)
def test_an_archive_is_read_as_the_folder_in_it(pack: Pack, empty_cache: Path, name: str) -> None:
    dataset = read(pack(name))
    assert dataset.class_counts == {"cat": 2, "dog": 1}
    assert dataset.root.name == {"Pets.TGZ": "Pets", "a.b.txz": "a.b"}.get(name, "pets")
    assert dataset.root.is_relative_to(empty_cache / "archives")
    assert dataset.paths[0].read_bytes() == FILES["cat/1.png"]


def test_every_layout_and_a_folder_around_it(pack: Pack) -> None:
    parts = {f"set/{part}/{name}": data for part in ("train", "test") for name, data in FILES.items()}
    assert {e.part for e in read(pack("parts.zip", parts)).examples} == {"train", "test"}
    table = b"path,label\n1.png,cat\n2.png,dog\n"
    listed = {"set/labels.csv": table, "set/1.png": picture(1), "set/2.png": picture(2)}
    assert read(pack("table.tar", listed)).classes == ("cat", "dog")
    flat = {"cat_1.png": picture(1), "dog_1.png": picture(2)}
    assert read(pack("flat.zip", flat), label_from="{label}_*").classes == ("cat", "dog")


def test_it_is_unpacked_once(pack: Pack, empty_cache: Path) -> None:
    path = pack("pets.zip")
    folder = unpack(path)
    (folder / "cat" / "1.png").unlink()
    path.rename(path.with_name("renamed.zip"))
    assert unpack(path.with_name("renamed.zip")) == folder
    assert not (folder / "cat" / "1.png").exists()
    assert len(list((empty_cache / "archives").iterdir())) == 1


def test_many_at_once_agree(pack: Pack, empty_cache: Path) -> None:
    path = pack("pets.tar.gz")
    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(unpack, [path] * 8))
    assert len(folders) == 1
    assert [one.name for one in (empty_cache / "archives").iterdir()] == [folders.pop().parent.name]


def test_what_is_the_systems_is_left_out(pack: Pack) -> None:
    hidden = {"__MACOSX/cat/._1.png": b"x", "cat/.DS_Store": b"x", ".git/1.png": b"x", "cat/Thumbs.db": b"x"}
    folder = unpack(pack("pets.zip", FILES | hidden))
    assert {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()} == set(FILES)


def test_backslashes_separate(pack: Pack) -> None:
    assert read(pack("windows.zip", {"cat\\1.png": picture(1), "dog\\1.png": picture(2)})).classes == (
        "cat",
        "dog",
    )


@pytest.mark.parametrize(
    "name", ["../out.png", "/out.png", "cat/../../out.png", "C:/out.png", "a\\..\\..\\out.png"]
)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_no_path_escapes(pack: Pack, tmp_path: Path, empty_cache: Path, name: str, kind: str) -> None:
    if kind == "tar" and "\\" in name:
        # A backslash is an ordinary letter in a tar.
        assert len(read(pack(f"bad.{kind}", FILES | {name: b"x"}))) == 3
        return
    with pytest.raises(DataError, match="leads out of it, so nothing of it is unpacked"):
        unpack(pack(f"bad.{kind}", FILES | {name: b"x"}))
    assert not list(tmp_path.rglob("out.png"))
    assert list((empty_cache / "archives").iterdir()) == []


@pytest.mark.parametrize(
    ("info", "fault"),
    [
        (link("cat/out.png", "/etc/passwd"), "leads out"),
        (link("cat/out.png", "../../out"), "leads out"),
        (link("out", ".."), "leads out"),
        (link("cat/out.png", "../out", tarfile.LNKTYPE), "leads out"),
        (link("cat/9.png", "8.png"), "is a link to no file in it"),
        (link("more", "cat"), "is a link to no file in it"),
        (link("pipe", "", tarfile.FIFOTYPE), "is a device or a pipe"),
        (link("null", "", tarfile.CHRTYPE), "is a device or a pipe"),
    ],
)
def test_links_that_lead_out_and_devices_are_refused(pack: Pack, info: tarfile.TarInfo, fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        unpack(pack("bad.tar.gz", FILES, info))


def test_links_inside_become_copies(pack: Pack) -> None:
    links = [link("dog/2.png", "../cat/1.png"), link("dog/3.png", "cat/2.png", tarfile.LNKTYPE)]
    folder = unpack(pack("pets.tar", FILES, *links))
    assert (folder / "dog/2.png").read_bytes() == FILES["cat/1.png"]
    assert (folder / "dog/3.png").read_bytes() == FILES["cat/2.png"]
    assert not [path for path in folder.rglob("*") if path.is_symlink()]


def test_a_link_in_a_zip_is_refused(pack: Pack) -> None:
    info = zipfile.ZipInfo("cat/9.png")
    info.external_attr = 0o120777 << 16
    with pytest.raises(DataError, match="is a link or a device"):
        unpack(pack("bad.zip", FILES, info))


@pytest.mark.parametrize("name", ["bomb.zip", "bomb.tar.gz"])
def test_bombs_are_refused_by_what_they_declare(
    pack: Pack, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(archives, "ALWAYS_ALLOWED_BYTES", 1000)
    path = pack(name, FILES | {"zeros.png": bytes(3_000_000)})
    assert path.stat().st_size < 10_000
    with pytest.raises(DataError, match="would unpack to more than"):
        unpack(path)


def test_bombs_are_refused_by_what_comes_out(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pack("bomb.zip", {"zeros.png": bytes(3_000_000)})
    monkeypatch.setattr(archives, "ALWAYS_ALLOWED_BYTES", 1000)
    told = archives._zip_members

    def lying(archive: Path):
        for member in told(archive):
            yield archives.Member(member.name, 10, member.open)

    monkeypatch.setattr(archives, "_zip_members", lying)
    with pytest.raises(DataError, match="would unpack to more than"):
        unpack(path)


def test_too_many_files(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_FILES", 2)
    with pytest.raises(DataError, match="more than 2 files"):
        unpack(pack("pets.zip"))


@pytest.mark.parametrize("name", ["pets.zip", "pets.tar", "pets.tar.gz", "pets.tar.bz2", "pets.tar.xz"])
def test_damaged_and_cut_archives(pack: Pack, empty_cache: Path, name: str) -> None:
    files = {f"cat/{i}.png": np.random.default_rng(i).bytes(5000) for i in range(4)}
    path = pack(name, files)
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"no archive at all", b""):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="is damaged, cut short, or no archive"):
            unpack(path)
    assert list((empty_cache / "archives").iterdir()) == []


def test_flipped_bits_never_do_worse_than_an_error(pack: Pack) -> None:
    random = np.random.default_rng(0)
    for name in ("pets.zip", "pets.tar", "pets.tar.gz", "pets.tar.bz2", "pets.tar.xz"):
        path = pack(name)
        whole = np.frombuffer(path.read_bytes(), np.uint8)
        for _ in range(60):
            flipped = whole.copy()
            flipped[random.integers(len(whole), size=3)] ^= 1 << random.integers(8, size=3, dtype=np.uint8)
            path.write_bytes(flipped.tobytes())
            try:
                folder = unpack(path)
            except (DataError, ArtifactError):
                continue
            assert folder.is_dir()


def test_an_encrypted_archive(pack: Pack) -> None:
    path = pack("secret.zip")
    data = bytearray(path.read_bytes())
    # The flag of encryption, in the first entry of the central directory.
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))
    with pytest.raises(DataError, match=r"is encrypted\. Unpack it yourself"):
        unpack(path)


def test_a_cache_that_cannot_be_written(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    path = pack("pets.zip")
    monkeypatch.setattr(os, "mkdir", full)
    with pytest.raises(ArtifactError, match="No space left on device"):
        unpack(path)


def test_a_missing_archive(tmp_path: Path, empty_cache: Path) -> None:
    with pytest.raises(DataError, match="Cannot read the archive"):
        unpack(tmp_path / "none.zip")
