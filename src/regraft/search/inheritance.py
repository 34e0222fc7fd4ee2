"""What a process left that died: an answer to be marked as whole, or a point to be asked again.

Of many points that it was at, none is known to be the cause; half as many are tried at once next time, until
one is alone with its process.
"""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from regraft.search.marks import ASKED, CROWD, FAILED, RETRY, TOLD, WORKER, kept
from regraft.search.queue import enqueue
from regraft.search.space import Space
from regraft.search.worker import is_alive

MOST_DEATHS = 2
"""A point whose process died more often than that, with no other, is the cause, and not asked again."""

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
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    left = [each for each in running if not mine(each.number) and not _has_worker(study, each, token)]
    crowds = Counter(each.user_attrs[ASKED]["worker"]["token"] for each in left if _lacks_answer(each))
    for frozen in left:
        crowd = crowds[frozen.user_attrs[ASKED]["worker"]["token"]] if _lacks_answer(frozen) else 1
        # Another process may do the same at the same time, and be first.
        with suppress(UpdateFinishedTrialError):
            _inherit(study, space, frozen, crowd)


def at_once(study: optuna.Study, count: int) -> int:
    """How many points to ask for where so many are wanted: fewer while some wait that a crowd died of."""
    waiting = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
    crowds = [int(frozen.user_attrs[CROWD]) for frozen in waiting if CROWD in frozen.user_attrs]
    return min([count, *(max(1, crowd // 2) for crowd in crowds)])


def _lacks_answer(frozen: FrozenTrial) -> bool:
    return ASKED in frozen.user_attrs and TOLD not in frozen.user_attrs


def _inherit(study: optuna.Study, space: Space, frozen: FrozenTrial, crowd: int) -> None:
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
    deaths = left.get(RETRY, 0) + (crowd == 1)
    mark: dict[str, object] = {"again": True}
    if ASKED not in left:
        _put_back(study, frozen)
    elif deaths > MOST_DEATHS:
        mark = {"reason": f"its process died, {deaths} times"}
    elif not space.contains(left[ASKED]["values"]):
        mark = {"reason": "its process died, and it is outside the space by now"}
    else:
        enqueue(study, space, left[ASKED]["values"], **{**kept(left), RETRY: deaths, CROWD: crowd})
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
        # Optuna's times are those of some machine's wall, which may hang in another time zone.
        asked = frozen.user_attrs[ASKED]
        since_s = asked.get("at_s")
        return is_alive(asked["worker"], silent_s=silent_s if since_s is None else time.time() - since_s)
    workers = (worker for name, worker in study.user_attrs.items() if name.startswith(WORKER))
    others = (worker for worker in workers if worker["token"] != token)
    return silent_s < ASKING_S and any(is_alive(worker, silent_s=silent_s) for worker in others)
