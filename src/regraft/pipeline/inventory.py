"""What is here: networks, and what the cache holds."""

import shutil
from pathlib import Path
from typing import Any

from regraft.backbones import FAMILIES, SHORT_NAMES, Row, is_here, load
from regraft.core.errors import ArtifactError, RecipeError, did_you_mean
from regraft.core.files import cache_folder
from regraft.core.hashing import plain
from regraft.features import FeatureStore
from regraft.pipeline.measure import measure, remembered


def list_backbones(
    *, sort: str | None = None, family: str | None = None, here: bool = False
) -> dict[str, Any]:
    """The catalogue: each network's family, costs, pre-training, licence, and whether its weights are here.

    Args:
        sort: a column; numbers from small to large. None: by family, small before large.
        family: only this one.
        here: only networks whose weights are on this machine.

    Raises:
        RecipeError: there is no such column or family.
    """
    rows = [_entry(row) for row in FAMILIES if family is None or row.family.lower() == family.lower()]
    if not rows:
        families = dict.fromkeys(row.family for row in FAMILIES)
        raise RecipeError(f"The catalogue has no family {family!r}. {did_you_mean(str(family), families)}")
    if sort is not None and sort not in rows[0]:
        raise RecipeError(f"The catalogue has no column {sort!r}. {did_you_mean(sort, rows[0])}")
    kept = [row for row in rows if row["here"] or not here]
    return {"backbones": kept if sort is None else sorted(kept, key=lambda row: row[sort])}


def _entry(row: Row) -> dict[str, Any]:
    return {**plain(row), "architecture": row.architecture, "here": is_here(row)}


def describe_backbone(name: str, *, measured: bool = False) -> dict[str, Any]:
    """A network's card, how it runs here, and what was found when its cost was measured here last.

    Of a network in the catalogue whose weights are not here, what the catalogue says: nothing is fetched only
    to be described.

    Args:
        name: of the network.
        measured: measure its cost now (`pipeline.measure`).

    Raises:
        BackboneError: the network cannot be had.
    """
    row = SHORT_NAMES.get(name)
    if row is not None and not is_here(row) and not measured:
        return _entry(row)
    cost = measure(name) if measured else remembered(name)
    backbone = load(name)
    return {
        **plain(backbone.card),
        "width": backbone.card.width,
        "runtime": backbone.runtime,
        "relative_error": backbone.relative_error,
        **({"images_per_s": round(backbone.measure_images_per_s(), 1)} if cost is None else cost),
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
        for name in ("networks", "tuned", "measured", "trials", "relatives", "archives", "images"):
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
