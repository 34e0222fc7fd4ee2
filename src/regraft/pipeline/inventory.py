"""What is here: networks, and what the cache holds."""

import shutil
from pathlib import Path
from typing import Any

from regraft.backbones import BUNDLED, load
from regraft.core.errors import ArtifactError
from regraft.core.files import cache_folder
from regraft.core.hashing import plain
from regraft.features import FeatureStore


def list_backbones() -> dict[str, Any]:
    """The networks whose weights come with an installed package."""
    columns = ("name", "architecture", "licence", "pretrained_on")
    return {"backbones": [{column: getattr(one, column) for column in columns} for one in BUNDLED]}


def describe_backbone(name: str) -> dict[str, Any]:
    """A network's card, how it runs here, and how fast.

    Raises:
        BackboneError: the network cannot be had.
    """
    backbone = load(name)
    return {
        **plain(backbone.card),
        "width": backbone.card.width,
        "runtime": backbone.runtime,
        "relative_error": backbone.relative_error,
        "images_per_s": round(backbone.measure_images_per_s(), 1),
    }


def list_cache() -> dict[str, Any]:
    """Where the cache is, how large, and what it holds: features by network, trials, archives, images."""
    folder = cache_folder()
    with FeatureStore() as store:
        networks = plain(store.summary())
    return {
        "folder": str(folder),
        "size_mb": round(_size_mb(folder), 1),
        "networks": networks,
        "trials": sum(1 for _ in (folder / "trials").glob("*/")),
        "archives_mb": round(_size_mb(folder / "archives"), 1),
        "images_mb": round(_size_mb(folder / "images"), 1),
    }


def clear_cache() -> dict[str, Any]:
    """Delete what can be computed again, and nothing that regraft did not put there.

    Returns:
        `folder` and `freed_mb`.

    Raises:
        ArtifactError: something cannot be deleted.
    """
    folder = cache_folder()
    before = _size_mb(folder)
    try:
        for path in (*folder.glob("features-*.sqlite*"), *folder.glob("hashes-*.sqlite*")):
            path.unlink(missing_ok=True)
        for name in ("networks", "trials", "relatives", "archives", "images"):
            if (folder / name).exists():
                shutil.rmtree(folder / name)
    except OSError as error:
        raise ArtifactError(f"Cannot clear the cache {folder}: {error}.") from error
    return {"folder": str(folder), "freed_mb": round(before - _size_mb(folder), 1)}


def _size_mb(folder: Path) -> float:
    return sum(_size(path) for path in folder.rglob("*")) / 1e6


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        # Another process may delete a file between listing and asking.
        return 0
