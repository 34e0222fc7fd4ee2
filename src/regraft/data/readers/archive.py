"""Unpacking archives into the cache: .zip, .tar, and .tar compressed by gzip, bzip2 or xz.

An archive is somebody else's: no file in it may land outside its folder, and it may not fill the disk.

- A path that is absolute or climbs with `..`, a device, a pipe, or a link that leads out is refused, with the
  whole archive. A link in a tar to a file that lies in it too becomes a copy; one in a zip is refused.
- It may unpack to 1 GB, or 100 times its own size if that is more, into at most a million files, and to no
  more than the disk has room for. What it declares and what comes out are both held against that.
- Hidden files, `__MACOSX` and their like are left out.
"""

import posixpath
import shutil
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from lzma import LZMAError
from pathlib import Path
from typing import IO

from regraft.core.errors import ArtifactError, DataError
from regraft.core.files import cache_folder
from regraft.core.hashing import CHUNK_BYTES, sha256_of_file
from regraft.core.progress import progress
from regraft.data.readers.scan import is_hidden

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
ALWAYS_ALLOWED_BYTES = 10**9
MOST_TIMES_ITS_SIZE = 100
MOST_FILES = 1_000_000

DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    LZMAError,
    struct.error,
    EOFError,
    ValueError,
    OverflowError,
    NotImplementedError,
)


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive.

    Args:
        name: where it wants to lie.
        size: as it declares.
        open: gives its content; None is no file.
        stands_for: of a link, the file in the archive that it leads to.
    """

    name: str
    size: int
    open: Callable[[], IO[bytes] | None]
    stands_for: str = ""


def is_archive(path: Path) -> bool:
    """Whether a file is named as an archive."""
    return path.name.casefold().endswith(ENDINGS)


def unpack(archive: Path) -> Path:
    """Unpack an archive once, and return the folder; the next time it is there already.

    The folder is named after the archive and lies in the cache, under the archive's SHA-256. It appears whole
    or not at all, also if two processes unpack at the same time.

    Raises:
        DataError: the archive cannot be read, is damaged, cut short, encrypted, too large, or not to
            be trusted.
        ArtifactError: the cache cannot be written.
    """
    try:
        kept = cache_folder() / "archives" / sha256_of_file(archive)
    except OSError as error:
        raise DataError(f"Cannot read the archive {archive}: {error.strerror or error}.") from error
    try:
        if not kept.is_dir():
            _unpack_into(archive, kept)
        folder = next(path for path in kept.iterdir() if path.is_dir())
    except OSError as error:
        raise ArtifactError(
            f"Cannot unpack {archive} into the cache {kept.parent}: {error.strerror or error}. Free some "
            f"space, or unpack it yourself and give the folder."
        ) from error
    return folder


def _unpack_into(archive: Path, kept: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=kept.parent, prefix=".unpacking-"))
    try:
        folder = temporary / _stem(archive)
        folder.mkdir()
        _write_all(archive, folder)
        try:
            temporary.rename(kept)
        except OSError:
            # Another process was first; what it left is the same.
            if not kept.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _stem(archive: Path) -> str:
    ending = max((one for one in ENDINGS if archive.name.casefold().endswith(one)), key=len, default="")
    return archive.name[: len(archive.name) - len(ending)] or "archive"


def _write_all(archive: Path, folder: Path) -> None:
    size = archive.stat().st_size
    room = min(max(ALWAYS_ALLOWED_BYTES, MOST_TIMES_ITS_SIZE * size), shutil.disk_usage(folder).free)
    is_zip = archive.name.casefold().endswith(".zip")
    with _damage_named(archive), progress("Unpacking (kB)", size // 1000) as advance:
        for count, member in enumerate((_zip_members if is_zip else _tar_members)(archive), start=1):
            if member.size > room or count > MOST_FILES:
                raise _too_large(archive)
            room -= _write(archive, member, folder, room)
            advance(member.size // 1000)


@contextmanager
def _damage_named(archive: Path) -> Iterator[None]:
    try:
        yield
    except (*DAMAGE, OSError) as error:
        # What the system refuses has a number; what a decompressor finds has none.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DataError(
            f"{archive} is damaged, cut short, or no archive of the kind its name says ({error}). Fetch or "
            f"pack it again."
        ) from error


def _zip_members(archive: Path) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as whole:
        for one in whole.infolist():
            # Some Windows programs write backslashes, against the standard.
            name = one.filename.replace("\\", "/")
            if one.flag_bits & 1:
                raise DataError(f"{archive} is encrypted. Unpack it yourself and give the folder.")
            kind = stat.S_IFMT(one.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _not_trusted(archive, name, "is a link or a device")
            if not name.endswith("/") and not _is_left_out(name):
                yield Member(name, one.file_size, partial(whole.open, one))


def _tar_members(archive: Path) -> Iterator[Member]:
    links = []
    with tarfile.open(archive, "r:*") as whole:
        for one in whole:
            if one.isdir() or _is_left_out(one.name):
                continue
            if one.issym() or one.islnk():
                # A symbolic link counts from its own folder, a hard link from the root of the archive.
                target = posixpath.join(posixpath.dirname(one.name) if one.issym() else "", one.linkname)
                links.append(Member(one.name, 0, lambda: None, _inside(archive, posixpath.normpath(target))))
            elif one.isfile():
                yield Member(one.name, one.size, partial(whole.extractfile, one))
            else:
                raise _not_trusted(archive, one.name, "is a device or a pipe")
        # By now there is a copy of whatever a link may lead to.
        yield from links


def _is_left_out(name: str) -> bool:
    return any(is_hidden(piece) and piece not in (".", "..") for piece in name.split("/"))


def _inside(archive: Path, name: str) -> str:
    pieces = name.split("/")
    if name.startswith("/") or ".." in pieces or "\0" in name or pieces[0].endswith(":"):
        raise _not_trusted(archive, name, "leads out of it")
    return name


def _write(archive: Path, member: Member, folder: Path, room: int) -> int:
    """Write one file, and return how many bytes it has."""
    target = folder / _inside(archive, member.name)
    original = folder / member.stands_for
    if member.stands_for and not original.is_file():
        raise _not_trusted(archive, member.name, "is a link to no file in it")
    source = original.open("rb") if member.stands_for else member.open()
    if source is None:
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with source, target.open("wb") as stream:
        while chunk := source.read(CHUNK_BYTES):
            written += len(chunk)
            if written > room:
                raise _too_large(archive)
            stream.write(chunk)
    if written < member.size:
        raise EOFError(f"{member.name} has {written} bytes instead of {member.size}")
    return written


def _not_trusted(archive: Path, name: str, fault: str) -> DataError:
    return DataError(
        f"{archive} holds {name!r}, which {fault}, so nothing of it is unpacked. If you trust it, unpack it "
        f"yourself and give the folder."
    )


def _too_large(archive: Path) -> DataError:
    return DataError(
        f"{archive} would unpack to more than {MOST_FILES:,} files, {ALWAYS_ALLOWED_BYTES // 10**9} GB and "
        f"{MOST_TIMES_ITS_SIZE} times its size, or the disk. If you trust it, unpack it yourself and give "
        f"the folder."
    )
