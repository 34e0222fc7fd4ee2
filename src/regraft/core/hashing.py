"""Names made from content: of bytes, of files, and of settings."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

CHUNK_BYTES = 1 << 20


def sha256_of_bytes(data: bytes) -> str:
    """SHA-256 of some bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file's content, as 64 hexadecimal digits, read in pieces of 1 MiB.

    Raises:
        OSError: the file cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def plain(value: Any) -> Any:
    """A value as JSON knows it: dataclasses become objects, tuples lists, paths strings."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def fingerprint(value: Any) -> str:
    """SHA-256 of a value's JSON with sorted keys: equal settings have equal fingerprints, across runs.

    >>> fingerprint({"b": 1, "a": (2, 3)}) == fingerprint({"a": [2, 3], "b": 1})
    True
    """
    text = json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # A file name that is not UTF-8 holds lone surrogates, which JSON knows as escapes.
    return sha256_of_bytes(text.encode(errors="backslashreplace"))


def unit_interval(key: str) -> float:
    """A number in [0, 1), uniform over keys and always the same for one key: a lot drawn by content.

    >>> 0 <= unit_interval("any text") < 1
    True
    """
    return int(sha256_of_bytes(key.encode())[:13], 16) / 16**13
