import builtins

import PIL.features
import pytest

from regraft.core.errors import DataError
from regraft.data.formats import kinds
from regraft.data.formats.kinds import require_reader, sniff


def box(*brands):
    return (
        (8 + 4 * (len(brands) + 1)).to_bytes(4, "big") + b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:])
    )


@pytest.mark.parametrize(
    ("beginning", "name"),
    [
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "WEBP"),
        (b"MM\x00*", "TIFF"),
        (b"P6\n", "PPM"),
        (b"II+\x00", "TIFF"),
        (b"\x93NUMPY\x01\x00", "NPY"),
        (bytes(128) + b"DICM", "DICOM"),
        (b"II*\x00" + bytes(124) + b"DICM", "DICOM"),
        (b"\x28\x00\x00\x00", "DIB"),
        (box(b"heic", b"mif1", b"heic"), "HEIF"),
        (box(b"mif1", b"heic"), "HEIF"),
        (box(b"avif", b"mif1"), "AVIF"),
        (box(b"mif1", b"avif", b"miaf"), "AVIF"),
    ],
)
def test_formats_are_told_by_content(beginning, name):
    assert sniff(beginning) == name


@pytest.mark.parametrize(
    ("beginning", "what"),
    [
        (b"\xef\xbb\xbf\n<!DOCTYPE HTML><html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "whose file was not fetched"),
        (b"%PDF-1.7", "a PDF document"),
        (b"P6: the sixth paragraph", "no JPEG, PNG"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"\x00\x00\x00\x0cJXL \r\n", "a JPEG XL image"),
        (bytes(5000), "holds 5000 zero bytes"),
        (b"RIFF\x00\x00\x00\x00WAVE", "no JPEG, PNG"),
        (box(b"isom", b"mp42"), "no JPEG, PNG"),
        (b"\xff\xff\xff\xffftyp", "no JPEG, PNG"),
    ],
)
def test_what_it_is_instead(beginning, what):
    with pytest.raises(DataError, match=what):
        sniff(beginning)


@pytest.fixture
def without_heif(monkeypatch):
    real = builtins.__import__

    def refuse(name, *arguments):
        if name == "pillow_heif":
            raise ImportError(name)
        return real(name, *arguments)

    kinds._register_heif.cache_clear()
    monkeypatch.setattr(builtins, "__import__", refuse)
    yield
    kinds._register_heif.cache_clear()


@pytest.mark.usefixtures("without_heif")
def test_a_missing_plug_in_is_named():
    with pytest.raises(DataError, match="pip install pillow-heif"):
        require_reader("HEIF")


def test_a_pillow_without_avif_is_told_of(monkeypatch):
    monkeypatch.setattr(PIL.features, "check", lambda _name: False)
    with pytest.raises(DataError, match="pip install --upgrade pillow"):
        require_reader("AVIF")
    require_reader("JPEG")
