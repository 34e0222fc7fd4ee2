"""What a search's outcome is worth on new images, in words: without the luck of having been chosen."""

from collections.abc import Mapping
from typing import Any

NAMES = {"loss": "log-loss", "accuracy": "accuracy"}


def measured(search: Mapping[str, Any]) -> str:
    """What trials are compared by, where images have weights by these."""
    return by_weight(NAMES[search["objective"]], search)


def by_weight(name: str, search: Mapping[str, Any]) -> str:
    """What a measure is called where images may have weights."""
    return f"weighted {name}" if search.get("weighted") else name


def expected(search: Mapping[str, Any]) -> list[str]:
    """A sentence on the best trial, and one on the blend where that is what was delivered.

    Args:
        search: the report's `search`: `best`, `corrected`, `objective`, `weighted` and `blend` are read.
    """
    if search["best"] is None:
        return []
    found, blend = search.get("corrected"), search.get("blend")
    sentences = [] if found is None else [_without_luck(found, search)]
    return [
        *sentences,
        *([_of_blend(blend, by_weight("log-loss", search))] if blend and blend["delivered"] else []),
    ]


def _without_luck(found: Mapping[str, Any], search: Mapping[str, Any]) -> str:
    low, high = found["corrected"]["low"], found["corrected"]["high"]
    values = [found["naive"]["value"], found["corrected"]["value"], low, high]
    is_loss = search["objective"] == "loss"
    naive, value, low, high = (f"{v:.4f}" if is_loss else f"{100 * v:.1f} %" for v in values)
    said = f"On new images expect {measured(search)} {value} ({low} to {high})"
    return f"{said}: the best of {found['candidates']} scored {naive}, part of which is luck."


def _of_blend(blend: Mapping[str, Any], name: str) -> str:
    parts = " + ".join(f"{100 * part['share']:.0f} % {part['kind']}" for part in blend["parts"])
    loss, alone = (f"{blend[each]:.4f}" for each in ("loss", "loss_alone"))
    said = f"Delivered is a blend, {parts}: {name} {loss} on images that had no say in its shares"
    return f"{said}, where the best trial alone has {alone}."
