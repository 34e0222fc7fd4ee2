"""The marks that a study leaves on Optuna's trials, and how they are read."""

from collections.abc import Mapping
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from regraft.search.trial import State, Trial

ASKED = "asked"
"""`{"values": ..., "worker": ..., "at_s": ...}`: what was asked, who is at it, and since when."""

TOLD = "told"
"""`{"value": ..., "costs": ..., "details": ..., "reports": ...}`: the answer. The trial's state follows; with
it the answer is whole. Reports stand there where no pruner wanted them one by one."""

FAILED = "failed"
"""`{"reason": ...}`, with `"needs_s"` where there was too little time; or `{"same_as": number}` and
`{"again": True}` for what the record leaves out."""

TOOK = "took"
"""`{"started_s": ..., "seconds": ...}`: when it was tried, and for how long; None where nobody knows."""

RETRY = "retry"
"""How many processes have died of it."""

CROWD = "crowd"
"""Of how many points, tried at once, the last process died."""

LEFT = "left_to_head"
"""Names of axes that are not asked for, since the head finds a value on its own."""

INSTEAD = "instead_of"
"""The number of the trial that a point was refused in; the record leaves that one out."""

ORIGIN = "origin"
"""Who proposed a point, if not the sampler."""

WORKER = "worker:"
"""Begins the names of the study's marks that say who takes part."""

AGREED = "agreed:"
"""Begins the names of the study's marks for what all who share it are to take as it is."""

STATES: dict[TrialState, State] = {
    TrialState.RUNNING: "running",
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


def kept(marks: Mapping[str, Any]) -> dict[str, Any]:
    """Of a point's marks those that stay true when it is put back."""
    return {name: marks[name] for name in (LEFT, RETRY, CROWD, ORIGIN, INSTEAD) if name in marks}


def read_trial(frozen: FrozenTrial) -> Trial | None:
    """A trial as the record shows it; None for what was never handed out, and for repeats."""
    marks = frozen.user_attrs
    failed = marks.get(FAILED, {})
    if ASKED not in marks or "same_as" in failed or "again" in failed:
        return None
    told = marks.get(TOLD, {})
    # With several objectives Optuna refuses to name one value.
    # What was refused is pruned to Optuna, which takes a last report for its value.
    has_failed = bool(failed) or frozen.state == TrialState.FAIL
    values = frozen.values if frozen.values and not has_failed else []
    lasted, began = frozen.duration, frozen.datetime_start
    took = told.get(TOOK) or failed.get(TOOK) or marks.get(TOOK) or {}
    reports = [value for _, value in sorted(frozen.intermediate_values.items())]
    return Trial(
        frozen.number,
        marks[ASKED]["values"],
        "failed" if has_failed else STATES[frozen.state],
        values[0] if values else None,
        failed.get("reason", ""),
        took.get("seconds", 0.0 if lasted is None else lasted.total_seconds()),
        told.get("details", {}),
        took.get("started_s", 0.0 if began is None else began.timestamp()),
        tuple(reports or told.get("reports", ())),
        (*values[1:],),
        marks.get(ORIGIN, "sampler"),
        failed.get("needs_s"),
        marks.get(INSTEAD),
    )
