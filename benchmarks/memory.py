"""Memory and time for many images: both must not depend on how many there are, time in proportion.

Small made JPEGs, all different, in a folder: read, embedded by EfficientNet-Lite0 and stored by a process of
its own, whose largest resident size the operating system tells. `python -m benchmarks.memory` also does
100,000 images.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import PIL.Image

LIMIT_MB = 1_500
SLOWEST_GROWTH = 1.25

CHILD = """
import json, resource, sys, time
from pathlib import Path
from regraft.backbones import load
from regraft.data import read
from regraft.features import FeatureStore, extract
backbone = load("lite0", runtime="openvino")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
started = time.perf_counter()
dataset = read(Path(sys.argv[1]))
read_s = time.perf_counter() - started
with FeatureStore(Path(sys.argv[2])) as store:
    done = extract(dataset, backbone, store)
    size_mb = store.size_bytes / 1e6
assert done.complete and done.forward_passes == len(dataset), done
print(json.dumps({
    "images": len(dataset), "read_s": read_s, "extract_s": done.seconds,
    "ms_per_image": 1000 * (read_s + done.seconds) / len(dataset), "store_mb": size_mb,
    "before_mb": before, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
"""


def run(data: Path | None, quick: bool, *, full: bool = False) -> dict:
    """`data` is not needed."""
    del data
    counts = (500, 2_000) if quick else (5_000, 20_000, 100_000) if full else (5_000, 20_000)
    with tempfile.TemporaryDirectory() as folder:
        _embed(_write_images(Path(folder) / "warm", 10), Path(folder) / "warm-store")  # converts the network
        sizes = [_measure(Path(folder), count) for count in counts]
    growth = sizes[-1]["ms_per_image"] / sizes[0]["ms_per_image"]
    return {
        "sizes": sizes,
        "growth_of_time_per_image": growth,
        "target": f"below {LIMIT_MB} MB; time per image grows by less than {SLOWEST_GROWTH - 1:.0%}",
        "reached": all(one["peak_mb"] < LIMIT_MB for one in sizes) and growth < SLOWEST_GROWTH,
    }


def _measure(folder: Path, count: int) -> dict:
    images = _write_images(folder / str(count), count)
    return _embed(images, folder / f"{count}-store")


def _embed(images: Path, store: Path) -> dict:
    command = [sys.executable, "-c", CHILD, str(images), str(store)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def _write_images(folder: Path, count: int) -> Path:
    """Noise of 32 x 32 pixels, a hundred classes."""
    random = np.random.default_rng(count)
    for number in range(count):
        place = folder / f"class{number % 100:02}"
        place.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(random.integers(0, 256, (32, 32, 3), np.uint8)).save(place / f"{number:06}.jpg")
    return folder


if __name__ == "__main__":
    print(json.dumps(run(None, quick=False, full=True), indent=2))
