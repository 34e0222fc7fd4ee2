"""What a network costs on this machine: speed, latency, memory, size. Measured once, then remembered."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from regraft.backbones import Backbone, address, load
from regraft.backbones.runtimes import RuntimeChoice
from regraft.core.arrays import Images
from regraft.core.errors import ArtifactError, BackboneError
from regraft.core.files import cache_folder, read_json, write_json
from regraft.core.hashing import fingerprint
from regraft.core.seeds import generator
from regraft.features.extract import BATCH
from regraft.pipeline.machine import machine, versions

MEASURE_VERSION = 1
BATCHES, LEAST_BATCHES = 5, 3
SINGLES, LEAST_SINGLES = 50, 20
LONGEST_S = 15.0
"""Repetitions end after this time, once there are enough of them for a median."""

MEMORY = """
import json, sys
from regraft.pipeline.measure import peak_memory_of_loading
print(json.dumps(peak_memory_of_loading(sys.argv[1], sys.argv[2])))
"""
STATUS = Path("/proc/self/status")


def measure(name: str, *, runtime: RuntimeChoice = "auto") -> dict[str, Any]:
    """Measure what a network costs on this machine, and remember it.

    Args:
        name: of the network, with its size and precision.
        runtime: what runs it.

    Returns:
        `name`, the `runtime` it got and its `relative_error`; `images_per_s` (median of several batches of
        64, as `extract` makes them); `latency_ms` and `latency_p90_ms` of one image at a time; `memory_mb`
        (how much the peak of a fresh process grows when it loads the network and embeds a batch); `size_mb`
        on disk; `parameters`, `multiply_adds`; `machine` and `date`. Decoding is in none of them.

    Raises:
        BackboneError: the network cannot be had or does not run.
        ArtifactError: the cache cannot be written.
    """
    backbone = load(name, runtime=runtime)
    batches = _repeat(backbone.embed, _noise(backbone, BATCH), BATCHES, LEAST_BATCHES)
    singles = _repeat(backbone.embed, _noise(backbone, 1), SINGLES, LEAST_SINGLES)
    found = {
        "name": backbone.card.name,
        "runtime": backbone.runtime,
        "relative_error": backbone.relative_error,
        "images_per_s": round(BATCH / median(batches), 2),
        "latency_ms": round(1e3 * median(singles), 3),
        "latency_p90_ms": round(1e3 * float(np.quantile(singles, 0.9)), 3),
        "memory_mb": round(_memory_mb(name, runtime), 1),
        "size_mb": round(backbone.size_bytes / 1e6, 3),
        "parameters": backbone.card.parameters,
        "multiply_adds": backbone.card.multiply_adds,
        "machine": machine(),
        "date": time.strftime("%Y-%m-%d"),
    }
    write_json(_place(name, runtime), found)
    return found


def remembered(name: str, *, runtime: RuntimeChoice = "auto") -> dict[str, Any] | None:
    """What `measure` found for this network on this machine with these versions; None if it never did.

    Loads nothing, so that many candidates can be asked for.

    Raises:
        BackboneError: the name is unknown, or its weights are not where it says.
    """
    try:
        found = read_json(_place(name, runtime))
    except ArtifactError:
        return None
    return found if isinstance(found, dict) and "images_per_s" in found else None


def _place(name: str, runtime: RuntimeChoice) -> Path:
    """One file for each measurement, so that two processes never write over what the other found."""
    key, chosen = address(name, runtime=runtime)
    whole = fingerprint([MEASURE_VERSION, key, chosen, machine(), versions()])
    return cache_folder() / "measured" / f"{whole[:16]}.json"


def _noise(backbone: Backbone, count: int) -> Images:
    px = backbone.card.image_px
    return generator(0, "measure").integers(0, 256, (count, px, px, 3), dtype=np.uint8)


def _repeat(run: Callable[[Images], object], images: Images, most: int, least: int) -> list[float]:
    """Seconds of each of several runs, after two that only warm up."""
    run(images)
    run(images)
    seconds: list[float] = []
    while len(seconds) < most and (len(seconds) < least or sum(seconds) < LONGEST_S):
        started = time.perf_counter()
        run(images)
        seconds.append(time.perf_counter() - started)
    return seconds


def _memory_mb(name: str, runtime: RuntimeChoice) -> float:
    """In a process of its own, since a peak never goes down and this one has seen much already."""
    command = [sys.executable, "-c", MEMORY, name, runtime]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    try:
        return float(json.loads(done.stdout.splitlines()[-1]))
    except (IndexError, ValueError) as error:
        reason = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise BackboneError(f"{name} cannot be run in a process of its own: {reason[:200]}.") from error


def peak_memory_of_loading(name: str, runtime: RuntimeChoice) -> float:
    """Megabytes by which this process's peak grows when it loads a network and embeds a batch twice."""
    before = _peak_mb()
    backbone = load(name, runtime=runtime)
    images = _noise(backbone, BATCH)
    backbone.embed(images)
    backbone.embed(images)
    return _peak_mb() - before


def _peak_mb() -> float:
    """The most memory that this process ever held.

    On Linux `getrusage` is of no use here: a new process starts with the peak of the one that made it.
    """
    try:
        lines = STATUS.read_text().splitlines()
    except OSError:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 1e6 if sys.platform == "darwin" else peak / 1e3
    kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return kilobytes * 1024 / 1e6
