"""How long a person waits for `regraft --help`, and for one image to be classified by a cold process."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import regraft
from regraft.data import write_digits

HELP_S, PREDICT_S = 0.3, 3.0


def run(data: Path | None, quick: bool) -> dict:
    """Each command in a process of its own; the networks are converted beforehand, as after any fit."""
    repetitions = 3 if quick else 11
    with tempfile.TemporaryDirectory() as folder:
        images = write_digits(Path(folder) / "digits")
        fitted = regraft.fit(images, budget="60s", out=Path(folder) / "run")
        image = next(images.rglob("*.png"))
        help_s = _median_s(["--help"], repetitions)
        predict_s = _median_s(["predict", str(fitted.folder), str(image)], repetitions)
    return {
        "help_s": help_s,
        "predict_one_image_cold_s": predict_s,
        "backbones_of_the_model": len(fitted.model.cards),
        "n": repetitions,
        "target": f"help below {HELP_S} s, predict below {PREDICT_S} s",
        "reached": help_s < HELP_S and predict_s < PREDICT_S,
    }


def _median_s(words: list[str], repetitions: int) -> float:
    command = [str(Path(sys.executable).parent / "regraft"), *words]
    times = []
    for _ in range(repetitions + 1):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])  # The first fills the page cache.
