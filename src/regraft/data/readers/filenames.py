"""Labels in the names of files: `--label-from "{label}_*.jpg"`.

A pattern is the name with fields in braces. `{label}` says the class; `{group}`, `{domain}`, `{split}` and
`{time}` say what the columns of a table say; `{number}` stands for digits that mean nothing. `*` stands for
anything within one name. Each takes as little as it can, and upper and lower case are the same:

    pattern                    on                          says
    {label}_*.jpg              cat_17_left.jpg             cat
    {label}_{number}.*         great_dane_3.png            great_dane
    {domain}/{label}/**        photo/dog/2024/1.jpg        dog, of the domain photo

A pattern without `/` is held against the file's name, wherever it lies. One with `/` is held against the
path from the folder on, where `**` stands for anything, `/` included: so it can also say how folders are
to be read.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from regraft.core.errors import DataError, did_you_mean
from regraft.data.dataset import Skipped
from regraft.data.names import clean_name, part_of_name
from regraft.data.readers.listing import Entry
from regraft.data.readers.times import read_time

FIELDS = ("label", "group", "domain", "split", "time", "number")

TRIED = (
    "{label}_{number}.*",
    "{label}-{number}.*",
    "{label} ({number}).*",
    "{label}.{number}.*",
    "{label} {number}.*",
    "{label}{number}.*",
    "{number}_{label}.*",
    "{number}-{label}.*",
    "{label}_*",
    "{label}-*",
)
"""What is proposed for a flat folder: the first that fits."""

FITTING_FRACTION = 0.9
FEWEST_PER_LABEL = 2


@dataclass(frozen=True, slots=True)
class FilenamePattern:
    """A pattern as it was written, and the expression that it stands for."""

    text: str
    expression: re.Pattern[str]

    @property
    def has_folders(self) -> bool:
        """Whether it is held against the path from the folder on, and not against the file's name."""
        return "/" in self.text


def compile_pattern(text: str) -> FilenamePattern:
    """Read a pattern.

    Raises:
        DataError: a field is unknown or comes twice, or there is no `{label}`.
    """
    # More stars than two say no more than two, but would be tried in all combinations.
    pieces = re.split(r"(\{[^{}]*\}|\*\*+|\*)", clean_name(text))
    fields = [piece[1:-1] for piece in pieces if piece.startswith("{")]
    for field in fields:
        if field not in FIELDS:
            raise DataError(
                f"The pattern {text!r} has the field {{{field}}}, which means nothing. "
                f"{did_you_mean(field, FIELDS)}"
            )
        if fields.count(field) > 1 and field != "number":
            raise DataError(
                f"The pattern {text!r} has the field {{{field}}} twice. Name it once, use * elsewhere."
            )
    if "label" not in fields:
        raise DataError(f"The pattern {text!r} has no {{label}}. Write one such as '{{label}}_*.jpg'.")
    expression = "".join(map(_expression, pieces))
    return FilenamePattern(text, re.compile(expression, re.IGNORECASE | re.DOTALL))


def _expression(piece: str) -> str:
    if piece == "{number}":
        return r"\d+"
    if piece.startswith("{"):
        return f"(?P<{piece[1:-1]}>[^/]+?)"
    if piece.startswith("*"):
        return "[^/]*?" if piece == "*" else ".*?"
    return re.escape(piece)


def read_filename(pattern: FilenamePattern, path: Path, inside: str) -> Entry | Skipped:
    """What a file's name says, or why it says nothing.

    Args:
        pattern: a compiled pattern.
        path: of the file.
        inside: the same path from the folder on, with `/` between names.
    """
    found = pattern.expression.fullmatch(clean_name(inside if pattern.has_folders else path.name))
    if not found:
        return Skipped(path, f"does not fit the pattern {pattern.text!r}")
    said = found.groupdict(default="")
    part = part_of_name(said.get("split", ""))
    if said.get("split") and part is None:
        return Skipped(path, f"its split {said['split']!r} is none of train, val and test")
    time = read_time(said["time"]) if "time" in said else None
    if "time" in said and time is None:
        return Skipped(path, f"its time {said['time']!r} is neither a number nor a date such as 2024-01-31")
    label, group, domain = (said.get(field, "").strip() for field in ("label", "group", "domain"))
    if not label:
        return Skipped(path, f"its label is nothing but spaces in the pattern {pattern.text!r}")
    return Entry(path, (label,), group=group, domain=domain, part=part, time=time)


def propose_pattern(names: Sequence[str]) -> str | None:
    """A pattern that nearly all of these names fit, with several labels that come more than once."""
    for text in TRIED:
        pattern = compile_pattern(text)
        found = [match["label"] for name in names if (match := pattern.expression.fullmatch(name))]
        labels = set(found)
        if len(found) < FITTING_FRACTION * len(names) or not all(
            any(map(str.isalpha, label)) for label in labels
        ):
            continue
        if 1 < len(labels) <= len(found) / FEWEST_PER_LABEL:
            return text
    return None
