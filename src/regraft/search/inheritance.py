"""What a process left that died: an answer to be marked as whole, or a point to be asked again."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from regraft.search.marks import ASKED, FAILED, RETRY, TOLD, WORKER, kept
from regraft.search.queue import enqueue
from regraft.search.space import Space
from regraft.search.worker import is_alive

MOST_DEATHS = 2
"""A point whose process died more often than that is taken for the cause, and not asked again."""

ASKING_S = 60.0
"""Longer than a point is without a name while it is being asked for."""


def take_over(study: optuna.Study, space: Space, *, token: str, mine: Callable[[int], bool]) -> None:
    """Finish, or put back into the queue, what dead processes were at.

    Args:
        study: with trials that run, or seem to.
        space: what may be asked again.
        token: of the worker who asks.
        mine: whether this worker is at the trial of some number.
    """
    for frozen in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if not mine(frozen.number) and not _has_worker(study, frozen, token):
            # Another process may do the same at the same time, and be first.
            with suppress(UpdateFinishedTrialError):
                _inherit(study, space, frozen)


def _inherit(study: optuna.Study, space: Space, frozen: FrozenTrial) -> None:
    """First what is to come, then the end of what was.

    Who dies between them leaves a point to be asked twice, and the second time is answered from the record.
    """
    storage, number = study._storage, frozen._trial_id  # noqa: SLF001 - Optuna has no other way
    left = frozen.user_attrs
    if TOLD in left:
        storage.set_trial_state_values(
            number, TrialState.COMPLETE, [left[TOLD]["value"], *left[TOLD].get("costs", ())]
        )
        return
    deaths = left.get(RETRY, 0) + 1
    mark: dict[str, object] = {"again": True}
    if ASKED not in left:
        _put_back(study, frozen)
    elif deaths > MOST_DEATHS:
        mark = {"reason": f"its process died, {deaths} times"}
    elif not space.contains(left[ASKED]["values"]):
        mark = {"reason": "its process died, and it is outside the space by now"}
    else:
        enqueue(study, space, left[ASKED]["values"], **{**kept(left), RETRY: deaths})
    storage.set_trial_user_attr(number, FAILED, mark)
    storage.set_trial_state_values(number, TrialState.FAIL)


def _put_back(study: optuna.Study, frozen: FrozenTrial) -> None:
    """Of a point that was never handed out, what the queue had said."""
    fixed = frozen.system_attrs.get("fixed_params")
    if fixed is not None:
        study.enqueue_trial(fixed, user_attrs=kept(frozen.user_attrs))


def _has_worker(study: optuna.Study, frozen: FrozenTrial, token: str) -> bool:
    """Whether somebody is at it. A point being asked for has no name yet: anybody else may be asking."""
    now = datetime.now()  # noqa: DTZ005 - Optuna's times have no zone
    silent_s = (now - (frozen.datetime_start or now)).total_seconds()
    if ASKED in frozen.user_attrs:
        return is_alive(frozen.user_attrs[ASKED]["worker"], silent_s=silent_s)
    workers = (worker for name, worker in study.user_attrs.items() if name.startswith(WORKER))
    others = (worker for worker in workers if worker["token"] != token)
    return silent_s < ASKING_S and any(is_alive(worker, silent_s=silent_s) for worker in others)
