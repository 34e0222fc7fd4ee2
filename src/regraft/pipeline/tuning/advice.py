"""What the evidence of a search suggests to do next, in sentences with the numbers they rest on."""

from collections.abc import Sequence

from regraft.search import Space, Trial
from regraft.search.findings import FEWEST, AtEdge, at_edges
from regraft.search.importance import importance
from regraft.search.space import KIND

IDLE = 0.03
"""An axis of less importance does not matter."""


def advice(trials: Sequence[Trial], space: Space) -> list[str]:
    """What the evidence suggests to do next, in sentences."""
    complete = [trial for trial in trials if trial.state == "complete"]
    said = list(_of_failures(trials))
    if not complete:
        return said
    best = min(complete, key=lambda trial: trial.value or 0.0)
    kind = best.values[KIND]
    said += [_of_edge(edge) for edge in at_edges(trials, space, kind)]
    shares = importance(trials, space, kind)
    if idle := [name for name, share in shares.items() if share < IDLE]:
        said.append(f"{', '.join(idle)} hardly {'matters' if len(idle) == 1 else 'matter'} here; fix it.")
    if best.number == complete[0].number and len(complete) >= FEWEST:
        said.append("Nothing beat the first trial, the defaults: more trials will hardly help.")
    return said


def _of_failures(trials: Sequence[Trial]) -> Sequence[str]:
    failed = [trial.reason for trial in trials if trial.state == "failed"]
    if not failed:
        return []
    most = max(set(failed), key=failed.count)
    return [f"{len(failed)} of {len(trials)} trials failed, most often so: {most}"]


def _of_edge(edge: AtEdge) -> str:
    where = f"The best values of {edge.name} lie at the {edge.side} edge of {edge.axis}"
    if edge.wider is None:
        return f"{where}, and there are none beyond it."
    return f"{where}: widen it, --space {edge.name}={edge.wider}"
