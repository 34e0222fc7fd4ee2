"""Groups that nobody named: does a split of our own tell the truth where copies and tracks abound?

`blood_cells`: its given parts share no picture (its column `group` does not say which images are copies: the
most alike of an image is of its group no more often than chance has it, so it is not used). Accuracy on the
given test part is the truth; a split of our own of all images, without parts, should come to the same.

`gtsrb32`: the true groups are the tracks of its train part, which has them as a column; file names tell them.

One recipe for all (lite0, all depths, ridge), so that splits alone differ.
"""

import csv
import statistics
import tempfile
from pathlib import Path

import regraft
from regraft.heads import Ridge
from regraft.pipeline import Recipe

SEEDS = 3


def run(data: Path | None, quick: bool) -> dict:
    """Test accuracy under the true groups, under those that were found, and under none."""
    if data is None:
        return {"skipped": "needs blood_cells and gtsrb32"}
    seeds = range(1 if quick else SEEDS)
    found = {"blood_cells": _blood_cells(data, seeds), "gtsrb32": _gtsrb(data, seeds)}
    return {
        **found,
        "n": len(seeds),
        "target": "test accuracy under found groups within the interval of that under the true ones",
        "reached": all(one["reached"] for one in found.values()),
    }


def _blood_cells(data: Path, seeds: range) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        images = _linked(data / "blood_cells", Path(folder) / "images", parts=("train", "test"))
        true = _tested(data / "blood_cells", seeds[:1], together="given")
        return _compared(true, _tested(images, seeds), _tested(images, seeds, together="given"))


def _gtsrb(data: Path, seeds: range) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        images = _linked(data / "gtsrb32", Path(folder) / "images", parts=("train",))
        table = Path(folder) / "tracks.csv"
        with (data / "gtsrb32" / "manifest.csv").open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["split"] == "train"]
        with table.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["path", "label", "group"])
            for row in rows:
                track = f"{row['label']} {row['group']}"
                writer.writerow([data / "gtsrb32" / row["path"], row["label"], track])
        true = _tested(table, seeds, together="given")
        return _compared(true, _tested(images, seeds), _tested(images, seeds, together="given"))


def _linked(source: Path, folder: Path, *, parts: tuple[str, ...]) -> Path:
    """The images of some parts, without the parts: links, so that names and bytes stay."""
    for part in parts:
        for path in sorted((source / part).glob("*/*")):
            link = folder / path.parent.name / path.name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
    return folder


def _tested(source: Path, seeds: range, *, together: str = "auto") -> list[dict]:
    results = []
    for seed in seeds:
        recipe = Recipe(
            backbones=("lite0",), depths="grid", scaling="depth", head=Ridge(), together=together, seed=seed
        )
        with tempfile.TemporaryDirectory() as folder:
            report = regraft.fit(source, budget="10m", recipe=recipe, out=Path(folder) / "run").report.data
        found = report["relatives"]
        results.append(
            {
                **report["test"]["accuracy"],
                "validation": report["validation"]["accuracy"]["value"],
                "near_copies": found["near_copies"]["images"],
                "name_groups": (found["name_groups"] or {}).get("groups", 0),
            }
        )
    return results


def _compared(true: list[dict], found: list[dict], none: list[dict]) -> dict:
    low, high = (statistics.mean(one[end] for one in true) for end in ("low", "high"))
    accuracy = {
        name: statistics.mean(one["value"] for one in runs)
        for name, runs in (("true_groups", true), ("found_groups", found), ("no_groups", none))
    }
    return {
        **accuracy,
        "true_low": low,
        "true_high": high,
        "runs": {"true": true, "found": found, "none": none},
        "reached": low <= accuracy["found_groups"] <= high,
    }
