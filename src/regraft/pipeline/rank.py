"""Which pretrained network to start from, on these images, this machine and within these limits."""

from collections.abc import Mapping, Sequence
from typing import Any

from regraft.backbones import FAMILIES, is_here
from regraft.core.errors import BackboneError
from regraft.core.hashing import plain
from regraft.core.threads import in_parallel
from regraft.data import Dataset, DataSource, read, require_trainable, split
from regraft.features import FeatureStore
from regraft.pipeline.budget import Budget, parse_duration, stop_on_signals
from regraft.pipeline.machine import machine, versions
from regraft.pipeline.ranking.candidates import median_side_px
from regraft.pipeline.ranking.choice import Placed, pareto_front, place
from regraft.pipeline.ranking.contest import Contest
from regraft.pipeline.ranking.entrants import Entrant, enter
from regraft.pipeline.ranking.evidence import Evidence, described, gathered
from regraft.pipeline.ranking.limits import Limits
from regraft.pipeline.ranking.tournament import Standing, play, rounds
from regraft.pipeline.recipe import Recipe, Runtime, Together
from regraft.pipeline.run import MOST_SKIPPED_LISTED

NO_LIMITS = Limits()


def rank(  # noqa: PLR0913 - all but the first are options
    source: DataSource,
    names: Sequence[str] = (),
    *,
    limits: Limits = NO_LIMITS,
    budget: str | float = "5m",
    seed: int = 0,
    together: Together = "auto",
    runtime: Runtime = "auto",
    store: FeatureStore | None = None,
) -> dict[str, Any]:
    """Compare pretrained networks on a sample of labelled images, and recommend one.

    Networks are judged by closed-form probes on images held out in turn. All see a small sample balanced over
    classes; the better half, but for those clearly behind, sees twice as many, and again until one is ahead.
    Images that `fit` would keep for the test are left out, and near copies within the sample are held out
    together.

    Args:
        source: whatever `read` takes.
        names: networks; by default those on this machine, also at a larger image size than their own and, of
            small images, at smaller ones.
        limits: who breaks one does not take part.
        budget: how long it may take; the round on its way is then the last.
        seed: of the order in which images are looked at: a recommendation that another seed overturns is one
            between equals. The test part is that of `fit`, whatever the seed.
        together: given holds groups together, and looks for no near copies.
        runtime: what runs the networks.
        store: where features are kept, for a later `fit` to find; by default in the cache folder.

    Returns:
        Plain data, whose keys `docs/json.md` explains. `recommended` is a name.

    Raises:
        DataError: the images cannot be used.
        BackboneError: a network that was named cannot be had, or none can take part.

    Cost: about as many forward passes as an eighth of the images times the networks, and at least 64 images
        for each network; where lite0 is not among them, which looks for near copies, the images of every
        round that is played once more.
    """
    clock = Budget(parse_duration(budget))
    dataset = read(source)
    require_trainable(dataset)
    recipe = Recipe(seed=seed, together=together, runtime=runtime)
    contest = Contest(split(dataset, seed=Recipe().seed), store or FeatureStore(), recipe)
    sizes = rounds(len(contest.dataset), len(dataset.classes))
    with stop_on_signals(clock):
        asked = names or [row.name for row in FAMILIES if is_here(row)]
        side_px = None if names else median_side_px(contest.dataset)
        entrants, refused = enter(asked, contest, limits, side_px=side_px)
        _require_entrants(entrants, refused)
        played = [*play([*entrants], sizes, contest.standing, should_stop=lambda: clock.left_s == 0)]
        placed = place(played)
        rows = _rows(placed, entrants, contest)
    return _about(contest.dataset) | {
        "rounds": [_round(standings) for standings in played],
        "recommended": placed[0].standing.name,
        "candidates": rows,
        "refused": refused,
        "limits": plain(limits),
        "seed": seed,
        "forward_passes": contest.forward_passes,
        "seconds": round(clock.spent_s, 1),
        "machine": machine(),
        "versions": versions(),
    }


def _about(learning: Dataset) -> dict[str, Any]:
    """The images that networks were judged by."""
    return {
        "root": str(learning.root),
        "classes": len(learning.classes),
        "multilabel": learning.is_multilabel,
        "images": len(learning),
        "skipped": len(learning.skipped),
        "skipped_files": plain(learning.skipped[:MOST_SKIPPED_LISTED]),
    }


def _require_entrants(entrants: Mapping[str, Entrant], refused: Mapping[str, str]) -> None:
    if not entrants:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in refused.items())
        raise BackboneError(f"No network can take part. {reasons}. Name others, or raise a limit.")


def _round(standings: Sequence[Standing]) -> dict[str, Any]:
    return {"images": standings[0].images, "names": [standing.name for standing in standings]}


def _rows(
    placed: Sequence[Placed], entrants: Mapping[str, Entrant], contest: Contest
) -> list[dict[str, Any]]:
    costs = [1000 / entrants[one.standing.name].images_per_s for one in placed]
    front = pareto_front([one.expected for one in placed], costs)

    def row(one: Placed, found: Evidence, cost: float, *, on_front: bool) -> dict[str, Any]:
        standing, entrant = one.standing, entrants[one.standing.name]
        card = entrant.backbone.card
        return {
            "name": standing.name,
            "architecture": card.architecture,
            "image_px": card.image_px,
            "parameters": card.parameters,
            "multiply_adds": card.multiply_adds,
            "size_mb": round(entrant.backbone.size_bytes / 1e6, 1),
            "licence": card.licence,
            "pretrained_on": card.pretrained_on,
            "ms_per_image": round(cost, 4),
            "latency_ms": round(entrant.latency_ms, 2),
            "images": standing.images,
            "depths": standing.depths,
            "score": plain(standing.score),
            "log_loss": standing.loss,
            "behind": plain(one.behind),
            "probability_better": one.probability_better,
            "expected": one.expected,
            "on_front": on_front,
            **described(found, with_shift=one is placed[0]),
        }

    known = [gathered(one.standing, contest) for one in placed]
    several = zip(placed, known, costs, front, strict=True)
    return in_parallel(lambda each: row(*each[:3], on_front=each[3]), several)
