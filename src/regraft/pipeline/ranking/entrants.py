"""The networks that take part: loaded, timed on this machine, and within the limits."""

import statistics
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from regraft.backbones import Backbone
from regraft.core.arrays import Images
from regraft.core.errors import BackboneError
from regraft.core.seeds import generator
from regraft.core.threads import in_parallel
from regraft.pipeline.ranking.candidates import at_sizes
from regraft.pipeline.ranking.contest import Contest
from regraft.pipeline.ranking.limits import Limits

SINGLE_IMAGES, WARM_UP, BATCH = 5, 1, 8


@dataclass(frozen=True)
class Entrant:
    """A network and what it costs here: images per second in batches, milliseconds for one image alone."""

    backbone: Backbone
    images_per_s: float
    latency_ms: float


def enter(
    names: Sequence[str], contest: Contest, limits: Limits, *, side_px: float | None
) -> tuple[dict[str, Entrant], dict[str, str]]:
    """Load and time the networks, where `side_px` is given at several image sizes each.

    Returns:
        Those that take part, by name, and why the others do not.

    Raises:
        BackboneError: a network that was named, not found here, cannot be had (`side_px` is None).
    """
    refused: dict[str, str] = {}
    sized: list[str] = []
    for name in names:  # All are loaded before any is timed, so that a mistyped name is told at once.
        try:
            card = contest.backbone(name).card
            sized += (name,) if side_px is None else at_sizes(name, card.image_px, side_px)
        except BackboneError as error:
            if side_px is None:
                raise
            refused[name] = str(error)
    entrants: dict[str, Entrant] = {}
    once = [*dict.fromkeys(sized)]
    in_parallel(lambda name: _begin(name, contest), once)
    for name in once:
        try:
            entrant = timed(contest.backbone(name))
            reason = limits.refuse(entrant.backbone, entrant.latency_ms)
        except BackboneError as error:
            reason = str(error)
        if reason:
            refused[name] = reason
        else:
            entrants[name] = entrant
    return entrants, refused


def _begin(name: str, contest: Contest) -> None:
    """Compile a network, which its first image does; what goes wrong is told where it is timed."""
    with suppress(BackboneError):
        backbone = contest.backbone(name)
        backbone.embed(np.zeros((1, backbone.card.image_px, backbone.card.image_px, 3), np.uint8))


def timed(backbone: Backbone) -> Entrant:
    """Measure what a network costs: a quick look, see `pipeline.measure` for a careful one."""
    px = backbone.card.image_px
    images = generator(0, "latency").integers(0, 256, (BATCH, px, px, 3), dtype=np.uint8)
    singles = [_seconds(backbone, images[:1]) for _ in range(WARM_UP + SINGLE_IMAGES)]
    latency_ms = 1000 * statistics.median(singles[WARM_UP:])
    return Entrant(backbone, BATCH / _seconds(backbone, images), latency_ms)


def _seconds(backbone: Backbone, images: Images) -> float:
    started = time.perf_counter()
    backbone.embed(images)
    return time.perf_counter() - started
