"""`regraft predict`."""

import csv
import json as json_format
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from regraft.core.errors import DataError
from regraft.core.files import atomic_path

COLUMNS = ("path", "label", "probability")


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

    paths = find_images(images)
    answers = load(run).predict_each(paths)
    as_json = json or (out is not None and out.suffix == ".jsonl")
    unread = 0

    def rows() -> Iterable[dict[str, Any]]:
        nonlocal unread
        for path, answer in zip(paths, answers, strict=True):
            if isinstance(answer, Skipped):
                unread += 1
                print(f"regraft: {answer.path}: {answer.reason}", file=sys.stderr)
            else:
                named = {
                    "path": str(path),
                    "label": answer.label,
                    "probability": round(answer.probability, 6),
                }
                yield named | ({"probabilities": answer.probabilities} if as_json else {})

    with ExitStack() as stack:
        stream = sys.stdout
        if out is not None:
            stream = stack.enter_context(stack.enter_context(atomic_path(out)).open("w", newline=""))
        _write(rows(), stream, as_json=as_json)
    if unread:
        raise DataError(f"{unread} of {len(paths)} images could not be read; the others are classified.")


def _write(rows: Iterable[dict[str, Any]], stream: Any, *, as_json: bool) -> None:
    if as_json:
        for row in rows:
            stream.write(json_format.dumps(row, ensure_ascii=False) + "\n")
        return
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
