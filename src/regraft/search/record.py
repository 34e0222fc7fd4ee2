"""The record of a study: what was asked, by whoever took part, and what came of it."""

import time
from collections.abc import Sequence

import optuna
from optuna.trial import FrozenTrial, TrialState

from regraft.search.marks import ASKED, STATES, read_trial
from regraft.search.trial import Trial

NAMING_S, POLL_S = 5.0, 0.02
"""How long to wait for others to say what they are asking for; it takes a sampler some milliseconds."""


class Record:
    """Reads a study's storage. What has ended does not change, and is read once."""

    def __init__(self, study: optuna.Study) -> None:
        self._study = study
        self._ended: dict[int, Trial | None] = {}

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Every point once, in the order in which they were asked for."""
        frozen = self._study.get_trials(deepcopy=False, states=tuple(STATES))
        return self._lasting(frozen)

    @property
    def anything_waits(self) -> bool:
        """Whether there is a point in the queue."""
        return bool(self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))

    def before(self, number: int) -> list[Trial]:
        """The trials of lower numbers, once each of them has a name.

        Of two processes that ask for the same at once, so the second one knows.
        """
        end_s = time.monotonic() + NAMING_S
        while True:
            frozen = self._study.get_trials(deepcopy=False, states=tuple(STATES))
            lower = [each for each in frozen if each.number < number]
            nameless = (each.state == TrialState.RUNNING and ASKED not in each.user_attrs for each in lower)
            if not any(nameless) or time.monotonic() > end_s:
                asked = [each for each in frozen if each.number == number]
                return [trial for trial in self._lasting([*lower, *asked]) if trial.number != number]
            time.sleep(POLL_S)

    def _lasting(self, frozen: Sequence[FrozenTrial]) -> tuple[Trial, ...]:
        """Those that belong to the record, and that none of the others replaces."""
        trials = [trial for trial in map(self._read, frozen) if trial is not None]
        replaced = {trial.instead_of for trial in trials}
        return tuple(trial for trial in trials if trial.number not in replaced)

    def _read(self, frozen: FrozenTrial) -> Trial | None:
        if frozen.number not in self._ended:
            trial = read_trial(frozen)
            if not frozen.state.is_finished():
                return trial
            self._ended[frozen.number] = trial
        return self._ended[frozen.number]
