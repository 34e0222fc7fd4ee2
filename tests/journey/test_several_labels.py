"""Several labels per image, from a table to predictions, through a real network."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

COLOURS = {"red": (220, 40, 40), "green": (40, 200, 60), "blue": (50, 70, 220)}
DOCUMENT = Path(__file__).parents[2] / "docs" / "json.md"
SHAPES = ("disc", "square", "stripes")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 images that show up to three things, each of a colour and a shape, or nothing. Read it only."""
    folder = tmp_path_factory.mktemp("things")
    random = np.random.default_rng(0)
    with (folder / "labels.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(("path", "label"))
        for index in range(120):
            pixels, labels = _things(random)
            PIL.Image.fromarray(pixels).save(folder / f"{index:03}.png")
            rows.writerow((f"{index:03}.png", "|".join(labels)))
    return folder / "labels.csv"


@pytest.mark.slow
def test_from_a_table_to_predictions(regraft: Any, table: Path) -> None:
    found = regraft.fit(table, "--out", "run")
    assert found["multilabel"] is True
    assert found["classes"] == sorted([*COLOURS, *SHAPES])
    nothing, best = found["ladder"][0], found["test"]["mean_average_precision"]
    assert nothing["rung"] == "label frequencies"
    assert best["value"] > nothing["validation"]["value"] + 0.3
    assert best["low"] > nothing["validation"]["high"]
    assert {row["name"] for row in found["per_class"]} == set(found["classes"])
    _check_documented(found)

    run = Path(found["run"])
    truth = {row["path"]: row["label"] for row in _rows(table.read_text())}
    predicted = _rows(regraft("predict", run, table.parent).out)
    right = [row["label"] == truth[Path(row["path"]).name] for row in predicted]
    assert np.mean(right) > 0.8
    assert any("|" in row["label"] and "|" in row["probability"] for row in predicted)
    lines = regraft("predict", run, table.parent, "--json").out.splitlines()
    for line, row in zip(map(json.loads, lines), predicted, strict=True):
        assert "|".join(line["labels"]) == row["label"]
        assert line["labels"].items() <= line["probabilities"].items()

    evaluated = regraft("evaluate", run, table, "--json").json
    assert evaluated["seen_in_training"] == found["parts"]["train"]
    assert evaluated["metrics"]["subset_accuracy"]["value"] == pytest.approx(np.mean(right), abs=0.02)
    assert regraft("evaluate", run, table).out.startswith("Mean average precision ")
    assert "label frequencies" in regraft("report", run).out
    assert "Labels, weakest first" in (run / "report.html").read_text(encoding="utf-8")


def test_what_cannot_learn_several_labels_is_refused(regraft: Any, table: Path) -> None:
    said = regraft.fails("fit", table, "--head", "nearest_neighbours", "--out", "run")
    assert "have several labels or none" in said
    assert "Take ridge or logistic." in said
    assert not (regraft.folder / "run").exists()


def _check_documented(found: dict[str, Any]) -> None:
    words = set(re.findall(r"\w+", DOCUMENT.read_text(encoding="utf-8")))
    names = {"multilabel", *found["test"], *found["per_class"][0]}
    assert names <= words


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def _things(random: np.random.Generator) -> tuple[np.ndarray, list[str]]:
    height, width = 72, 80
    rows, columns = np.mgrid[:height, :width]
    pixels = random.uniform(90, 170) + random.normal(0, 6, (height, width, 3))
    labels: set[str] = set()
    for colour, rgb in COLOURS.items():
        if random.random() < 0.6:
            continue
        shape = SHAPES[random.integers(3)]
        (y, x), radius = random.uniform(0.25, 0.75, 2) * (height, width), random.uniform(10, 20)
        if shape == "disc":
            inside = np.hypot(rows - y, columns - x) < radius
        else:
            inside = (abs(rows - y) < radius) & (abs(columns - x) < radius)
        if shape == "stripes":
            inside &= columns // 4 % 2 == 0
        pixels[inside] = rgb
        labels |= {colour, shape}
    return pixels.clip(0, 255).astype(np.uint8), sorted(labels)
