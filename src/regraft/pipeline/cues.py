"""What can be known of an image without recognising anything on it, in families."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array
from regraft.data import Seen

Kind = Literal["file", "content", "order"]
Column = Float[Array, " n"]
ABSENT = -1.0


@dataclass(frozen=True, slots=True)
class Family:
    """Cues that one classifier sees together.

    Args:
        name: for people.
        kind: "file", how it was stored, which should not depend on what it shows; "content", which may;
            "order", which no network can see.
        cues: names of columns.
        given: cues, of these or others, that may rightly differ between classes: what they reach alone is no
            sign of anything.
        enough: from which area under the ROC curve on, against all others, a class is given away; 0.5 is
            guessing, above 1 is never.
    """

    name: str
    kind: Kind
    cues: tuple[str, ...]
    given: tuple[str, ...] = ()
    enough: float = 0.65


NEVER = 2.0
# Compression makes a frame of one colour uneven by this much, a standard deviation in levels.
EVEN_BELOW = 8.0
COLOUR = ("red", "green", "blue")
FRAME = ("frame red", "frame green", "frame blue")
BORDER = ("border red", "border green", "border blue", "border spread")
JPEG = ("quality", "chroma quality", "subsampling", "progressive", "format")
EXPLAINED = ("detail", "quality", "format", "width")
FAMILIES = (
    Family("dimensions", "file", ("width", "height", "aspect ratio")),
    Family("format and mode", "file", ("format", "mode", "bits")),
    Family("JPEG quality", "file", JPEG, given=("format",)),
    Family("EXIF", "file", ("camera", "software", "taken", "notes")),
    # How large a file is goes with what it shows, even beyond what one measure of detail accounts for.
    Family("file size", "file", ("bytes per pixel", *EXPLAINED), given=EXPLAINED, enough=0.8),
    # A border of one colour, as scanners and collages leave it. One that varies belongs to the picture.
    Family("frame", "file", FRAME, enough=0.8),
    Family("border", "content", BORDER, enough=NEVER),
    Family("mean colour", "content", COLOUR, enough=NEVER),
    Family("detail", "content", ("detail",), enough=NEVER),
    Family("file date", "order", ("modified",), enough=NEVER),
)
# Cues that are weak each on its own may be strong together.
TOGETHER = Family(
    "all of these together",
    "file",
    tuple(dict.fromkeys(cue for family in FAMILIES[:4] for cue in family.cues)),
)


def columns(seen: Sequence[Seen]) -> dict[str, Column]:
    """Every cue of every image as a number. Text becomes the number of its kind, what is absent -1."""
    found: dict[str, Column] = {}
    for name, of in NUMBERS.items():
        values = [of(one) for one in seen]
        found[name] = np.array([ABSENT if value is None else value for value in values], dtype=np.float64)
    for name, text_of in TEXTS.items():
        _, codes = np.unique(np.array([text_of(one) for one in seen], dtype=object), return_inverse=True)
        found[name] = codes.reshape(len(seen)).astype(np.float64)
    return found


def _frame(one: Seen, channel: int) -> float | None:
    """The colour of an even border; None where it is not even."""
    return one.tones.border[channel] if one.tones.border[3] < EVEN_BELOW else None


NUMBERS: dict[str, Callable[[Seen], float | None]] = {
    "width": lambda one: one.header.width,
    "height": lambda one: one.header.height,
    "aspect ratio": lambda one: one.header.width / one.header.height,
    "bits": lambda one: one.header.bits,
    "quality": lambda one: one.header.quality,
    "chroma quality": lambda one: one.header.chroma_quality,
    "subsampling": lambda one: one.header.subsampling,
    "progressive": lambda one: one.header.is_progressive,
    "taken": lambda one: one.header.taken,
    "notes": lambda one: one.header.notes,
    "bytes per pixel": lambda one: one.file_bytes / (one.header.width * one.header.height),
    "detail": lambda one: one.tones.detail,
    "red": lambda one: one.tones.colour[0],
    "green": lambda one: one.tones.colour[1],
    "blue": lambda one: one.tones.colour[2],
    "border red": lambda one: one.tones.border[0],
    "border green": lambda one: one.tones.border[1],
    "border blue": lambda one: one.tones.border[2],
    "border spread": lambda one: one.tones.border[3],
    "frame red": lambda one: _frame(one, 0),
    "frame green": lambda one: _frame(one, 1),
    "frame blue": lambda one: _frame(one, 2),
    "modified": lambda one: one.modified,
}
TEXTS: dict[str, Callable[[Seen], str]] = {
    "format": lambda one: one.header.format,
    "mode": lambda one: one.header.mode,
    "camera": lambda one: one.header.camera,
    "software": lambda one: one.header.software,
}
