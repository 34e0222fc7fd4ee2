"""Features in a file, for whoever wants the numbers and nothing else."""

from pathlib import Path
from typing import Any

import numpy as np

from regraft.backbones import load
from regraft.core.errors import DataError
from regraft.core.files import atomic_path
from regraft.core.hashing import plain
from regraft.data import DataSource
from regraft.data import read as read_dataset
from regraft.features import Depths, FeatureStore, Representation, extract, read
from regraft.pipeline.budget import Budget
from regraft.pipeline.evaluate import FOREVER_S
from regraft.pipeline.judging import truth_of
from regraft.pipeline.run import MOST_SKIPPED_LISTED


def embed(
    source: DataSource,
    out: Path | str,
    *,
    backbones: tuple[str, ...] = ("lite0",),
    depths: Depths = "last",
    store: FeatureStore | None = None,
) -> dict[str, Any]:
    """Write a NumPy .npz with `features` [n, d], `labels` [n], `classes`, `paths`, `groups` and `sha256`.

    Where images have several labels or none, `labels` is [n, k], yes or no.

    Returns:
        `file, images, width, skipped, skipped_files, forward_passes, seconds`.

    Raises:
        DataError: no image can be used.
        BackboneError: a network cannot be had.
        ArtifactError: the file cannot be written.
    """
    clock = Budget(FOREVER_S)
    file = Path(out).expanduser().absolute()
    representation = Representation(backbones, depths, "none")
    dataset = read_dataset(source)
    store = store or FeatureStore()
    networks = {name: load(name) for name in backbones}
    passes = 0
    for backbone in networks.values():
        done = extract(dataset, backbone, store)
        passes += done.forward_passes
        dataset = dataset.without(done.skipped)
    if not len(dataset):
        raise DataError(f"No image in {dataset.root} can be used.")
    hashes = [example.sha256 for example in dataset.examples]
    features = read(representation, networks, store, hashes)
    with atomic_path(file) as temporary, temporary.open("wb") as stream:
        np.savez(
            stream,
            features=features,
            labels=truth_of(dataset),
            classes=np.array(dataset.classes),
            paths=np.array([str(path) for path in dataset.paths]),
            groups=np.array([example.group for example in dataset.examples]),
            sha256=np.array(hashes),
        )
    return {
        "file": str(file),
        "images": len(dataset),
        "width": features.shape[1],
        "skipped": len(dataset.skipped),
        "skipped_files": plain(dataset.skipped[:MOST_SKIPPED_LISTED]),
        "forward_passes": passes,
        "seconds": round(clock.spent_s, 2),
    }
