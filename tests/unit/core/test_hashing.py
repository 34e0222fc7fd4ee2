import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from regraft.core.hashing import (
    CHUNK_BYTES,
    fingerprint,
    plain,
    sha256_of_bytes,
    sha256_of_file,
    unit_interval,
)


@dataclass(frozen=True)
class Point:
    x: int
    where: Path


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, 2 * CHUNK_BYTES + 3])
def test_a_file_and_its_bytes_have_one_hash(tmp_path: Path, size: int) -> None:
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    (tmp_path / "f").write_bytes(data)
    assert sha256_of_file(tmp_path / "f") == sha256_of_bytes(data) == hashlib.sha256(data).hexdigest()


def test_plain_knows_dataclasses_tuples_mappings_and_paths() -> None:
    value = {1: (Point(2, Path("a/b")), "text"), "none": None}
    assert plain(value) == {"1": [{"x": 2, "where": "a/b"}, "text"], "none": None}


def test_equal_settings_have_equal_fingerprints_and_others_do_not() -> None:
    point = Point(1, Path("a"))
    assert fingerprint(point) == fingerprint({"where": "a", "x": 1})
    assert fingerprint(point) != fingerprint(Point(2, Path("a")))
    assert fingerprint([1, 2]) != fingerprint([2, 1])
    assert fingerprint(["ab"]) != fingerprint(["a", "b"])


def test_a_fingerprint_is_the_same_in_every_version() -> None:
    # Caches and saved runs rely on it: a change here orphans them all.
    expected = hashlib.sha256(b'{"a":[1,2.5,null],"b":"\xc3\xa9"}').hexdigest()
    assert fingerprint({"b": "é", "a": (1, 2.5, None)}) == expected


def test_a_file_name_that_is_not_utf8_has_a_fingerprint() -> None:
    assert fingerprint(os.fsdecode(b"\xe9")) != fingerprint(os.fsdecode(b"\xe8"))


def test_lots_drawn_by_content_are_uniform() -> None:
    draws = [unit_interval(f"image {index}") for index in range(4000)]
    assert all(0 <= draw < 1 for draw in draws)
    quarters = [sum(quarter / 4 <= draw < (quarter + 1) / 4 for draw in draws) for quarter in range(4)]
    assert min(quarters) > 900  # Expected are 1000 each, with a standard deviation of 27.
