"""Photographs with a camera's clock: bursts in what a fit and a look at the data say."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

import regraft
from regraft.backbones import Backbone
from regraft.heads import Ridge
from regraft.pipeline import Recipe
from regraft.pipeline.audit import audit
from regraft.pipeline.relatives import exposures
from regraft.report import audit_page, audit_text

MODEL, TAKEN = 272, 36867
SCENES, SHOTS = 12, 3
AS_IT_IS = Recipe(backbones=("lite0",), depths="last", scaling="depth", head=Ridge(), test_fraction=0.3)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """In each class twelve scenes of three shots, a minute apart; a scene has a colour of its own."""
    random = np.random.default_rng(0)
    for name, shade in (("light", 170), ("dark", 60)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        order = iter(random.permutation(1000))
        for scene in range(SCENES):
            colour = random.integers(-50, 50, 3) + shade
            for shot in range(SHOTS):
                exif = PIL.Image.Exif()
                exif[MODEL] = "One"
                exif.get_ifd(0x8769)[TAKEN] = f"2024:03:01 12:{scene:02}:{7 + shot:02}"
                pixels = random.normal(colour, 12, (40, 40, 3)).clip(0, 255).astype(np.uint8)
                path = tmp_path / "photos" / name / f"{next(order):03}x.jpg"
                PIL.Image.fromarray(pixels).save(path, exif=exif)
    return tmp_path / "photos"


def test_a_fit_keeps_bursts_together_and_says_so(networks: Any, photos: Path, tmp_path: Path) -> None:
    run = regraft.fit(photos, recipe=AS_IT_IS, out=tmp_path / "run")
    found = run.report.data["relatives"]["bursts"]
    assert (found["groups"], found["images"]) == (2 * SCENES, 2 * SCENES * SHOTS)
    assert found["observed_fraction"] > 0.8 > 0.2 > found["expected_fraction"]
    (said,) = [one for one in run.report.data["verdicts"] if one["name"] == "groups"]
    assert said["sentence"].startswith(
        "The camera's clock (shots of one camera at most 3 seconds apart) tells"
    )
    rows = (run.folder / "data.csv").read_text().splitlines()
    columns = rows[0].split(",")
    told = [dict(zip(columns, row.split(","), strict=True)) for row in rows[1:]]
    sides: dict[str, set[str]] = {}
    for row in told:
        sides.setdefault(row["group"], set()).add(row["split"])
    assert len(sides) == 2 * SCENES
    assert all(len(parts) == 1 for parts in sides.values())


def test_a_look_at_the_data_tells_of_them(
    networks: Any, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    regraft.fit(photos, recipe=AS_IT_IS, out=tmp_path / "run")
    network: Backbone = networks.load("lite0")
    monkeypatch.setattr(
        sys.modules["regraft.pipeline.audit"], "_known_network", lambda dataset, store: network
    )
    found = json.loads(json.dumps(audit(photos)))
    (one,) = found["suspected_groups"]
    assert one["how"].startswith("the camera's clock")
    assert (one["groups"], one["images"]) == (2 * SCENES, 2 * SCENES * SHOTS)
    assert "72 images seem to form 24 groups by the camera's clock" in audit_text(found)
    assert "the camera&#39;s clock (shots of one camera" in audit_page(found)


def test_times_are_read_once(photos: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = regraft.read(photos)
    first = exposures(dataset)
    assert len(first) == 2 * SCENES * SHOTS
    monkeypatch.setattr("regraft.pipeline.relatives.read_exposures", None)
    assert exposures(dataset) == first
