"""Everything that is worth knowing of labelled images before they are used."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from regraft.backbones import BUNDLED, Backbone, is_ready, load
from regraft.core.errors import ArtifactError
from regraft.core.hashing import plain
from regraft.data import Dataset, DataSource, describe_dataset, look, read
from regraft.features import FeatureStore
from regraft.pipeline.relatives import find_relatives
from regraft.pipeline.relatives_told import listed_for_audit
from regraft.pipeline.shortcuts import shortcuts
from regraft.report import findings


def audit(source: DataSource) -> dict[str, Any]:
    """Decode every image once and say what is there, and what is wrong with it.

    Returns:
        Plain data, whose keys `docs/json.md` explains. Files that do not decode are among `skipped_files`.

    Raises:
        DataError: the source cannot be read as labelled images.

    Cost: one decoding of every image, and some seconds for the cues.
    """
    usable, seen = look(read(source))
    found = describe_dataset(usable, seen)
    with FeatureStore() as store:
        relatives = find_relatives(usable, store, _known_network(usable, store))
    found |= listed_for_audit(relatives, usable)
    found["shortcuts"] = plain(shortcuts(usable, seen))
    found["mentioned"] = mentioned(usable, found)
    found["findings"] = plain(findings(found))
    return found


def _known_network(dataset: Dataset, store: FeatureStore) -> Backbone | None:
    """A bundled network that has seen all these images before, in a fit perhaps."""
    for name in (one.name for one in BUNDLED):
        if is_ready(name):
            backbone = load(name)
            if not store.missing(backbone.key, (e.sha256 for e in dataset.examples)):
                return backbone
    return None


def check_page(page: Path, source: Path) -> None:
    """Refuse, before any work is done, a page that would lie among the images.

    Raises:
        ArtifactError: it would.
    """
    if source.is_dir() and page.expanduser().resolve().is_relative_to(source.expanduser().resolve()):
        raise ArtifactError(
            f"The page {page} would lie inside the images' folder {source}, which is never written. "
            f"Name another place with --page."
        )


def mentioned(dataset: Dataset, found: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """What is known of every image that a list names: `class`, and `part` and `group` where it has them."""
    named = set(_paths(found))
    told = {}
    for example in dataset.examples:
        path = str(example.path)
        if path in named:
            label = "|".join(dataset.classes[label] for label in example.all_labels)
            known = {"class": label, "part": example.part, "group": example.group}
            told[path] = {name: value for name, value in known.items() if value}
    return told


def _paths(found: Mapping[str, Any]) -> Iterator[str]:
    for name in ("copies", "pixel_copies", "conflicts", "leaks"):
        for together in found[name]:
            yield from together
    for name in ("near_copies", "near_conflicts", "near_leaks"):
        for one in found[name]:
            yield from one["images"]
    for listed in (*found["extremes"].values(), *found["samples"].values()):
        yield from listed
