"""`regraft predict`."""

import csv
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

from cyclopts import Parameter

from regraft.cli.output import json_line
from regraft.core.errors import DataError
from regraft.core.files import atomic_path

if TYPE_CHECKING:
    from regraft.pipeline import Prediction

COLUMNS = ("path", "label", "probability")
JSON_LINES = (".jsonl", ".ndjson", ".json")


def predict(
    run: Path,
    images: Annotated[list[Path], Parameter(negative=())],
    /,
    *,
    out: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Classify images. An image that cannot be read is named on standard error, and the exit status is 1.

    Args:
        run: the folder that `regraft fit` wrote, or the model folder in it.
        images: image files, or folders that are searched for images.
        out: a file to write instead of standard output; .jsonl gets JSON lines, anything else CSV.
        json: JSON lines with the probability of every class, instead of CSV.
    """
    from regraft.data import Skipped, find_images
    from regraft.pipeline import load

    model = load(run)
    paths = find_images(images)
    # A network that cannot be had is an error before anything is written.
    _ = model.backbones
    as_json = json or (out is not None and out.suffix.lower() in JSON_LINES)
    unread = 0

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal unread
        for path, answer in zip(paths, model.predict_each(paths), strict=True):
            if isinstance(answer, Skipped):
                unread += 1
                print(f"regraft: {path}: {answer.reason}", file=sys.stderr)
            else:
                yield _row(path, answer)

    with ExitStack() as stack:
        stream: TextIO = sys.stdout
        if out is not None:
            file = stack.enter_context(atomic_path(out))
            stream = stack.enter_context(
                file.open("w", newline="", encoding="utf-8", errors="surrogateescape")
            )
        (_write_json_lines if as_json else _write_csv)(rows(), stream)
    if unread:
        raise DataError(f"{unread} of {len(paths)} images could not be read; the others are classified.")


def _row(path: Path, answer: "Prediction") -> dict[str, Any]:
    probabilities = {name: round(share, 6) for name, share in answer.probabilities.items()}
    if answer.labels is not None:
        given = {name: probabilities[name] for name in answer.labels}
        return {"path": str(path), "labels": given, "probabilities": probabilities}
    return {
        "path": str(path),
        "label": answer.label,
        "probability": probabilities[answer.label],
        "probabilities": probabilities,
    }


def _write_json_lines(rows: Iterable[dict[str, Any]], stream: TextIO) -> None:
    stream.writelines(json_line(row) + "\n" for row in rows)


def _write_csv(rows: Iterable[dict[str, Any]], stream: TextIO) -> None:
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(map(_flat, rows))


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """Several labels in one cell, as tables of labels have it, and their probabilities beside them."""
    from regraft.data.names import SEPARATOR

    given = row.get("labels")
    if given is None:
        return row
    return {**row, "label": SEPARATOR.join(given), "probability": SEPARATOR.join(map(str, given.values()))}
