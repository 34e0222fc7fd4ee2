"""Damage of the kinds that files suffer, and of kinds that only an enemy thinks of."""

import struct

import numpy as np

from benchmarks.valid_files import chunk

Random = np.random.Generator

EXTREMES = (0, 1, 2, 255, 9_000, 9_000, 30_000, 65_535, 65_536, 100_000, 2**31 - 1, 2**31, 2**32 - 1)
HEADER = 200


def mutate(data: bytes, others: list[bytes], random: Random) -> bytes:
    """One or a few kinds of damage. `others` are files of any format, to take pieces from."""
    kinds = [flip_bits, flip_header, cut, overwrite, insert, remove, move, set_sizes, mend_checksums]
    for _ in range(int(random.choice([1, 1, 1, 2, 4]))):
        if random.random() < 0.15:
            data = mix(data, others[random.integers(len(others))], random)
        else:
            data = kinds[random.integers(len(kinds))](data, random)
    return mend_checksums(data, random) if random.random() < 0.5 else data


def flip_bits(data: bytes, random: Random) -> bytes:
    return _flip(data, len(data), random)


def flip_header(data: bytes, random: Random) -> bytes:
    return _flip(data, HEADER, random)


def _flip(data: bytes, end: int, random: Random) -> bytes:
    changed = bytearray(data)
    end = min(end, len(changed))
    for _ in range(int(random.integers(1, 17)) if end else 0):
        changed[random.integers(end)] ^= 1 << int(random.integers(8))
    return bytes(changed)


def cut(data: bytes, random: Random) -> bytes:
    return data[: random.integers(len(data) + 1)]


def overwrite(data: bytes, random: Random) -> bytes:
    start, length = _place(data, random)
    value = random.choice([b"\x00", b"\xff", b"\x7f", b"\x80"])
    return data[:start] + bytes(value) * length + data[start + length :]


def insert(data: bytes, random: Random) -> bytes:
    start, length = _place(data, random)
    return data[:start] + random.bytes(length) + data[start:]


def remove(data: bytes, random: Random) -> bytes:
    start, length = _place(data, random)
    return data[:start] + data[start + length :]


def move(data: bytes, random: Random) -> bytes:
    """A piece comes a second time, elsewhere."""
    start, length = _place(data, random)
    piece = data[start : start + length]
    to = int(random.integers(len(data) + 1))
    return data[:to] + piece + data[to:]


def mix(data: bytes, other: bytes, random: Random) -> bytes:
    """The beginning of one file and the rest of another; often only the first bytes are the other's."""
    at = (
        int(random.integers(len(other) + 1))
        if random.random() < 0.5
        else int(random.choice([4, 12, 40, 132]))
    )
    return other[:at] + data[at:]


def set_sizes(data: bytes, random: Random) -> bytes:
    """Width, height or another number of the header becomes an extreme one."""
    changed = bytearray(data)
    for start, form in _size_places(data):
        if random.random() < 0.7:
            bits = 8 * struct.calcsize(form)
            value = EXTREMES[random.integers(len(EXTREMES))] & ((1 << bits) - 1)
            if start + bits // 8 <= len(changed):
                struct.pack_into(form, changed, start, value)
    return bytes(changed)


def _size_places(data: bytes) -> list[tuple[int, str]]:
    """Where the sizes stand, and how: offset and struct format."""
    if data.startswith(b"\x89PNG"):
        return [(16, ">I"), (20, ">I")]
    if data.startswith(b"GIF"):
        return [(6, "<H"), (8, "<H")]
    if data.startswith(b"BM"):
        return [(18, "<I"), (22, "<I"), (28, "<H")]
    if data.startswith(b"RIFF"):
        return [(24, "<H"), (26, "<H"), (28, "<H")]
    for sign, shifts, form in _SIGNS:
        at = data.find(sign)
        if at >= 0:
            return [(at + shift, form) for shift in shifts]
    if data.startswith((b"II", b"MM")):
        # Each entry of the first directory has twelve bytes, of which the last four are the value.
        order = "<" if data.startswith(b"II") else ">"
        return [(10 + 12 * entry + 8, order + "I") for entry in range(12)]
    return []


_SIGNS: tuple[tuple[bytes, tuple[int, ...], str], ...] = (
    (b"\xff\xc0\x00\x11", (5, 7), ">H"),
    (b"\xff\xc2\x00\x11", (5, 7), ">H"),
    (b"ispe", (8, 12), ">I"),
    (b"\x28\x00\x10\x00US\x02\x00", (8, 18), "<H"),
    (b"'shape': (", (10, 12), ">H"),
)


def mend_checksums(data: bytes, random: Random) -> bytes:
    """Of a PNG, so that the damage before reaches what lies behind the checksums."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return data
    mended, at = data[:8], 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if at + 12 + length > len(data):
            break
        mended += chunk(data[at + 4 : at + 8], data[at + 8 : at + 8 + length])
        at += 12 + length
    return mended + data[at:]


def _place(data: bytes, random: Random) -> tuple[int, int]:
    """A piece of up to 64 bytes, in half of all cases of the header."""
    end = len(data) if random.random() < 0.5 else min(len(data), HEADER)
    return int(random.integers(end + 1)), int(random.integers(1, 65))
