"""The plain data that a report is made from: what `report.json` holds and `regraft fit --json` prints."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict, cast

from regraft.core.errors import ArtifactError


class Range(TypedDict):
    """A score and the ends of its interval."""

    value: float
    low: float
    high: float


class Rung(TypedDict):
    """One thing that was tried."""

    rung: str
    seconds: float
    validation: Range | None
    adopted: bool
    reason: str
    images_per_s: NotRequired[float | None]


class ClassRow(TypedDict):
    """How one class fares; `count` is its number of images in the part that is judged.

    Of a label among several, also how pure the top of its ranking is, and from which probability it is given.
    """

    name: str
    count: int
    precision: Range
    recall: Range
    f1: float
    average_precision: NotRequired[Range]
    threshold: NotRequired[float]


class Finding(TypedDict):
    """A verdict: `level` is good, note or warning."""

    name: str
    level: str
    sentence: str


class SkippedFile(TypedDict):
    """A file that took no part, and why."""

    path: str
    reason: str


class Summary(TypedDict):
    """A run. `test` is None without a test part; `per_class` and `confusion` then describe validation.

    With `multilabel` an image may have several classes or none, called labels, and `confusion` is empty.
    """

    run: str
    created: str
    seconds: float
    images: int
    skipped: int
    skipped_files: list[SkippedFile]
    forward_passes: int
    unreached: NotRequired[int]
    relatives: NotRequired[dict[str, Any]]
    classes: list[str]
    parts: dict[str, int]
    chosen: dict[str, Any]
    ladder: list[Rung]
    validation: dict[str, Range]
    test: dict[str, Range] | None
    per_class: list[ClassRow]
    confusion: list[list[int]]
    verdicts: list[Finding]
    multilabel: NotRequired[bool]
    search: NotRequired[dict[str, Any]]
    machine: dict[str, Any]
    versions: dict[str, str]


def check_summary(value: Mapping[str, Any]) -> Summary:
    """The same data, known to have every field.

    Raises:
        ArtifactError: some field is missing.
    """
    missing = sorted(Summary.__required_keys__ - set(value))
    if missing:
        raise ArtifactError(
            f"The report lacks {', '.join(missing)}. It was cut short or written by another version of "
            "regraft; run `regraft fit` again."
        )
    return cast("Summary", value)
