"""What an ONNX file says of itself, read without the onnx package: its metadata, and the files beside it.

ONNX files are Protocol Buffers: fields, each with a number, a kind and a value. Only those needed are read;
the numbers are those of `onnx.proto3`.
"""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

GRAPH, METADATA = 7, 14  # of a ModelProto
INITIALIZER = 5  # of a GraphProto
EXTERNAL_DATA = 13  # of a TensorProto
KEY, VALUE = 1, 2  # of a StringStringEntryProto

VARINT, FIXED_64, LENGTH, FIXED_32 = 0, 1, 2, 5
LONGEST_VARINT = 10


@dataclass(frozen=True)
class OnnxFacts:
    """`metadata` as its author wrote it; `beside` are the files that hold weights for this one."""

    metadata: dict[str, str]
    beside: tuple[Path, ...]


def read_facts(file: Path) -> OnnxFacts:
    """Read what an ONNX file says of itself.

    Raises:
        ValueError: it is no ONNX file, or was cut short.
        OSError: it cannot be read.
    """
    if not file.stat().st_size:
        raise ValueError("it is empty")
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        data = memoryview(mapped)
        try:
            return _facts(data, file.parent)
        finally:
            data.release()


def _facts(data: memoryview, folder: Path) -> OnnxFacts:
    metadata: dict[str, str] = {}
    locations: dict[str, None] = {}
    has_graph = False
    for number, value in _messages(data):
        if number == METADATA:
            metadata.update([_entry(value)])
        elif number == GRAPH:
            has_graph = True
            locations.update(dict.fromkeys(_locations(value)))
        value.release()
    if not has_graph:
        raise ValueError("it holds no graph")
    return OnnxFacts(metadata, tuple(folder / location for location in locations))


def _locations(graph: memoryview) -> Iterator[str]:
    for number, tensor in _messages(graph):
        if number == INITIALIZER:
            for kind, entry in _messages(tensor):
                if kind == EXTERNAL_DATA:
                    key, value = _entry(entry)
                    if key == "location":
                        yield value
                entry.release()
        tensor.release()


def _entry(entry: memoryview) -> tuple[str, str]:
    texts = {number: bytes(value).decode() for number, value in _messages(entry)}
    return texts.get(KEY, ""), texts.get(VALUE, "")


def _messages(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The fields that have a length, with their numbers; plain numbers are passed over."""
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            _, place = _varint(data, place)
        elif kind in (FIXED_32, FIXED_64):
            place += 4 if kind == FIXED_32 else 8
        elif kind == LENGTH and number:
            length, place = _varint(data, place)
            if place + length > len(data):
                raise ValueError("it was cut short")
            yield number, data[place : place + length]
            place += length
        else:
            raise ValueError("its bytes are not ONNX")


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    """A number in groups of seven bits, the least first, and where it ends."""
    value = 0
    for index in range(LONGEST_VARINT):
        if place + index >= len(data):
            raise ValueError("it was cut short")
        byte = data[place + index]
        value |= (byte & 127) << (7 * index)
        if byte < 128:
            return value, place + index + 1
    raise ValueError("its bytes are not ONNX")
