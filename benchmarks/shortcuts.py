"""A class that was saved at another quality than the rest has to be reported, and clean sets must not be."""

import tempfile
from pathlib import Path

import PIL.Image

import regraft
from regraft.data import read

SETS = ("rsscn7", "dtd10", "hymenoptera", "blood_cells", "digits", "pacs", "gtsrb32")
PLANTED = ("rsscn7", "dtd10", "hymenoptera", "pacs")
QUALITY = 60
MADE_UNEQUALLY = {"dtd10": "some classes are squares without exception, others of all shapes"}


def run(data: Path | None, quick: bool) -> dict:
    """What is reported of each set as it is, and with one class saved anew: of the first set every class."""
    if data is None:
        return {"skipped": "needs the sets"}
    clean = {name: _reported(data / name) for name in SETS[: 2 if quick else None]}
    planted = {}
    for name in PLANTED[: 1 if quick else None]:
        classes = read(data / name).classes
        for label in classes[: None if name == PLANTED[0] and not quick else 1]:
            with tempfile.TemporaryDirectory() as folder:
                _save_anew(data / name, Path(folder), label)
                planted[f"{name}, {label}"] = _reported(Path(folder))
    alarms = [name for name, cues in clean.items() if cues and name not in MADE_UNEQUALLY]
    missed = [name for name, cues in planted.items() if not cues]
    return {
        "clean": clean,
        "known_to_be_made_unequally": MADE_UNEQUALLY,
        "planted": planted,
        "false_alarms": alarms,
        "missed": missed,
        "target": "planted ones are reported, clean sets are not",
        "reached": not alarms and not missed,
    }


def _reported(folder: Path) -> list[str]:
    cues = regraft.audit(folder)["shortcuts"]["cues"]
    return [cue["cue"] for cue in cues if cue["is_suspicious"] and cue["kind"] == "file"]


def _save_anew(source: Path, folder: Path, chosen: str) -> None:
    """All classes as JPEG of quality 90, so that nothing else differs, and one of quality 60."""
    dataset = read(source)
    for place, example in enumerate(dataset.examples):
        label = dataset.classes[example.label]
        path = folder / label / f"{place:05}.jpg"
        path.parent.mkdir(exist_ok=True)
        image = PIL.Image.open(example.path).convert("RGB")
        image.save(path, quality=QUALITY if label == chosen else 90)
