"""What an image file says of how it was made: size, kind, JPEG quality, EXIF notes. No pixel is decoded."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from regraft.core.errors import DataError
from regraft.data.formats.pages import read_contents
from regraft.data.formats.pillow_file import JPEG_FORMATS, open_pillow
from regraft.data.formats.silence import silence

NOT_PILLOW = ("NPY", "DICOM")
EXIF_IFD = 0x8769
MAKE, MODEL, SOFTWARE, CHANGED, TAKEN, BITS_PER_SAMPLE = 271, 272, 305, 306, 36867, 258

# Sums of the example tables in annex K of the JPEG standard, which encoders scale by a "quality".
STANDARD_SUM, STANDARD_CHROMA_SUM = 3688, 5505

BITS_OF_MODE = {"1": 1, "I": 32, "F": 32}


@dataclass(frozen=True, slots=True)
class Header:
    """The header of one image file. Text is "" and numbers are None where the file says nothing.

    Args:
        kind: format and mode in words, such as `JPEG RGB`.
        format: such as JPEG or DICOM.
        mode: as Pillow calls it, such as RGB or L.
        width: in pixels as stored, before the EXIF orientation is applied.
        height: likewise.
        bits: per channel.
        quality: of a JPEG's brightness, on the usual scale of 1 to 100, estimated from its table.
        chroma_quality: of its colours, likewise.
        subsampling: how many pixels share a colour in a JPEG: 1, 2 or 4.
        is_progressive: whether a JPEG comes in passes.
        camera: maker and model.
        software: what wrote it.
        taken: when, in days since 1970.
        notes: how many EXIF fields it has.
    """

    kind: str
    format: str
    mode: str
    width: int
    height: int
    bits: int = 8
    quality: float | None = None
    chroma_quality: float | None = None
    subsampling: int | None = None
    is_progressive: bool = False
    camera: str = ""
    software: str = ""
    taken: float | None = None
    notes: int = 0


def read_header(data: bytes) -> Header:
    """The header of a file from its bytes.

    Raises:
        DataError: it is no image, or its header is damaged; the reason alone.
    """
    contents = read_contents(data)
    size = (contents.width, contents.height)
    if contents.format in NOT_PILLOW:
        return Header(contents.kind, contents.format, contents.mode, *size)
    with silence():
        # The format as Pillow opens it: an MPO is a JPEG, which its beginning says.
        name = "JPEG" if contents.format in JPEG_FORMATS else contents.format
        image = open_pillow(data, name)
        try:
            made = _encoding(image) | _notes(image)
        except Exception as error:
            raise DataError(f"its header is damaged ({error})") from error
    return Header(contents.kind, contents.format, contents.mode, *size, **made)


def quality_of(table: list[int], standard_sum: int) -> float:
    """The quality at which libjpeg would have written a quantisation table, up to rounding.

    Below 25 it comes out too high, since entries end at 255.

    Source: jpeg_quality_scaling of the Independent JPEG Group's library, turned around.
    """
    scale = 100 * sum(table) / standard_sum
    return round((200 - scale) / 2 if scale <= 100 else 5000 / scale, 1)


def _encoding(image: Any) -> dict[str, Any]:
    """The fields that only a JPEG has, and the bits per channel."""
    found: dict[str, Any] = {"bits": _bits(image)}
    if image.format not in JPEG_FORMATS:
        return found
    tables = image.quantization
    components = image.layer
    return found | {
        "quality": quality_of(tables[0], STANDARD_SUM) if 0 in tables else None,
        "chroma_quality": quality_of(tables[1], STANDARD_CHROMA_SUM) if 1 in tables else None,
        "subsampling": components[0][1] * components[0][2] if len(components) > 1 else None,
        "is_progressive": bool(image.info.get("progressive")),
    }


def _bits(image: Any) -> int:
    if image.format == "TIFF":
        stated = image.tag_v2.get(BITS_PER_SAMPLE, (8,))
        return int(max(stated) if isinstance(stated, tuple) else stated)
    # Pillow hands out 16-bit colour PNG as 8 bits; what the file holds is in the raw mode alone.
    raw = str(image.tile[0][3]) if image.format == "PNG" and image.tile else image.mode
    return 16 if "16" in raw else BITS_OF_MODE.get(image.mode, 8)


def _notes(image: Any) -> dict[str, Any]:
    # Asking a PNG without EXIF for it would decode all its pixels.
    if image.format not in (*JPEG_FORMATS, "TIFF") and "exif" not in image.info:
        return {}
    try:
        exif = image.getexif()
        inner = exif.get_ifd(EXIF_IFD)
        return {
            "camera": " ".join(_text(exif.get(tag)) for tag in (MAKE, MODEL)).strip(),
            "software": _text(exif.get(SOFTWARE)),
            "taken": _days(_text(inner.get(TAKEN) or exif.get(CHANGED))),
            # A TIFF keeps what every image has, such as its width, among its notes.
            "notes": len(inner) + (0 if image.format == "TIFF" else len(exif)),
        }
    except Exception:  # noqa: BLE001 - damaged notes about an image are no reason to refuse it
        return {}


def _text(value: Any) -> str:
    return value.strip("\0 ") if isinstance(value, str) else ""


def _days(stamp: str) -> float | None:
    try:
        when = datetime.strptime(stamp[:19], "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return when.timestamp() / 86400
