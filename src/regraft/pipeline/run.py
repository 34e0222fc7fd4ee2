"""The folder that a fit leaves behind. Its manifest is written last: without one the run did not finish.

RUN/
  model/          model.json and model-*.safetensors: what `regraft.load` reads; there from the first rung on
  recipe.json     everything that decides the result; `regraft fit --recipe` makes it again
  report.json     every number; report.html shows them
  data.csv        every image with its label, SHA-256 and part
  predictions.csv what the model says of every test image
  manifest.json   the files above with their SHA-256
"""

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from regraft.core.errors import ArtifactError
from regraft.core.files import read_json, write_bytes, write_json
from regraft.core.hashing import sha256_of_file
from regraft.data import Dataset, Example
from regraft.data.names import SEPARATOR
from regraft.pipeline.model import Model, Prediction
from regraft.report import html

MANIFEST = "manifest.json"
STARTED = "started.json"
REPORT = "report.json"
DATA = "data.csv"
MOST_SKIPPED_LISTED = 100


@dataclass(frozen=True)
class Report:
    """All numbers of a run as plain data; `regraft.report` turns them into text and HTML."""

    data: dict[str, Any]

    def save(self, path: Path | str) -> None:
        """Write it, as a page where the name ends in .html and as JSON otherwise."""
        if Path(path).suffix.lower() in (".html", ".htm"):
            write_bytes(Path(path), html(self.data).encode(errors="backslashreplace"))
        else:
            write_json(Path(path), self.data)


@dataclass(frozen=True)
class Run:
    """What `fit` returns: a model, a report, and the folder they lie in."""

    folder: Path
    model: Model
    report: Report


def claim_folder(source: Dataset | Path | str, out: Path | str | None) -> Path:
    """Choose the run folder and mark it as begun.

    Args:
        source: as given to `fit`. A folder that is read as images is never written to; beside a table, or
            beside images that a table names, a run folder does no harm.
        out: the folder, which may hold an unfinished run; None for a new one below `runs/`.

    Raises:
        ArtifactError: it lies inside the images' folder, is not empty, or holds a finished run.
    """
    images = Path(os.path.commonpath(source.paths)) if isinstance(source, Dataset) else Path(source)
    images = images.expanduser().absolute()
    named = images.stem if images.is_file() else images.name
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    folder = Path(out).expanduser() if out else Path("runs") / f"{named}-{stamp}-{os.getpid()}"
    folder = folder.absolute()
    if images.is_dir() and folder.resolve().is_relative_to(images.resolve()):
        raise ArtifactError(
            f"The run folder {folder} would lie inside the images' folder {images}, which is never written. "
            f"Name another one with --out."
        )
    if (folder / MANIFEST).exists():
        raise ArtifactError(f"{folder} holds a finished run. Name another folder with --out, or delete it.")
    if folder.exists() and not folder.is_dir():
        raise ArtifactError(f"{folder} is a file. Name a folder with --out.")
    if folder.exists() and not (folder / STARTED).exists() and any(folder.iterdir()):
        raise ArtifactError(f"{folder} is not empty and holds no run. Name another folder with --out.")
    write_json(folder / STARTED, {"source": str(images), "started": now()})
    return folder


def finish(folder: Path, *, report: Report, dataset: Dataset, tested: Sequence[Prediction] | None) -> None:
    """Write everything but the model, which is there already, and the manifest last.

    Args:
        folder: as `claim_folder` gave it.
        report: all numbers, the chosen recipe among them.
        dataset: the images in use, with their parts.
        tested: what the model says of its test part.
    """
    write_json(folder / "recipe.json", report.data["chosen"])
    report.save(folder / REPORT)
    report.save(folder / "report.html")
    if tested is not None:
        write_bytes(folder / "predictions.csv", _predictions_csv(dataset, tested))
    write_bytes(folder / DATA, _data_csv(dataset))
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != STARTED)
    write_json(folder / MANIFEST, {"files": {str(f.relative_to(folder)): sha256_of_file(f) for f in files}})
    (folder / STARTED).unlink(missing_ok=True)


def read_report(folder: Path | str) -> Report:
    """The report of a finished run.

    Raises:
        ArtifactError: the folder holds no finished run.
    """
    folder = Path(folder)
    if not (folder / MANIFEST).is_file():
        began = " A fit began there but did not finish." if (folder / STARTED).exists() else ""
        raise ArtifactError(f"{folder} holds no finished run (there is no {MANIFEST}).{began}")
    return Report(read_json(folder / REPORT))


def _predictions_csv(dataset: Dataset, predictions: Sequence[Prediction]) -> bytes:
    rows: list[Sequence[object]] = [("path", "label", "predicted", "probability")]
    for example, said in zip(dataset.part("test").examples, predictions, strict=True):
        probabilities = SEPARATOR.join(f"{each:.4f}" for each in said.given.values())
        rows.append((example.path, _cell(dataset, example), SEPARATOR.join(said.given), probabilities))
    return _csv(rows)


def _data_csv(dataset: Dataset) -> bytes:
    head: Sequence[object] = ("path", "label", "group", "domain", "split", "sha256")
    rows = [(e.path, _cell(dataset, e), e.group, e.domain, e.part, e.sha256) for e in dataset.examples]
    return _csv([head, *rows])


def _cell(dataset: Dataset, example: Example) -> str:
    return SEPARATOR.join(dataset.classes[label] for label in example.all_labels)


def _csv(rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    # A file name that is not UTF-8 keeps its bytes.
    return text.getvalue().encode(errors="surrogateescape")


def now() -> str:
    """The time with its zone, as ISO 8601 writes it."""
    return datetime.now().astimezone().isoformat(timespec="seconds")
