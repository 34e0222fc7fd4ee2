"""A study: points asked for and answers told, in a storage that survives its processes.

Asking writes down what is asked, for whom; telling writes the answer and then that it is whole. So whenever
a process dies, the next one that asks finds what it left: an answer that lacks its last mark is completed,
a point without an answer is asked again, and what was answered is never asked again.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from regraft.core.errors import ArtifactError
from regraft.core.hashing import fingerprint, unit_interval
from regraft.search.agreement import Agreement
from regraft.search.inheritance import at_once, take_over
from regraft.search.marks import ASKED, FAILED, TOLD, TOOK, WORKER, kept
from regraft.search.objectives import cheapest_best
from regraft.search.pruners import UNASKED, PrunerName, pruner
from regraft.search.queue import enqueue, propose, suggested, was_queued
from regraft.search.record import Record
from regraft.search.samplers import SEES_CONDITIONS, SamplerName, require_several, sampler
from regraft.search.space import Space, Values
from regraft.search.storage import open_storage
from regraft.search.trial import Asked, Outcome, Trial
from regraft.search.worker import this_worker

MOST_REPEATS = 10
"""Points in a row that are known already, before one that is not is looked for, where they can be counted."""

FROM_THEN_BY_LOT = 2
"""Where they cannot: a Gaussian process may propose the corner of a space again and again."""

VAST = 10_000
"""Points of a grid that are dealt by lot, so that however many are tried they are a fair sample."""

Price = Callable[[Values], Sequence[float]]
Marks = Mapping[str, object]


@dataclass(frozen=True)
class Settings:
    """How a study proposes points and gives them up.

    `steps`: how often a trial may report, at most. `costs`: what else is to be made small beside a trial's
    value.

    Raises:
        RecipeError: the sampler or the pruner cannot weigh several objectives.
    """

    sampler: SamplerName = "tpe"
    pruner: PrunerName = "halving"
    seed: int = 0
    steps: int = 1
    costs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.costs:
            require_several(self.sampler, self.pruner)


class Study:
    """See `open_study`. One thread uses it; other processes may use the same storage.

    `price` is to be set where costs are weighed: it says what they are at a point; `within_s` where time is
    short: how much of it there is.
    """

    def __init__(self, space: Space, study: optuna.Study, settings: Settings) -> None:
        self.space = space
        self.settings = settings
        self._study = study
        self._mine: dict[int, optuna.Trial] = {}
        self._record = Record(study)
        self._reports: dict[int, list[float]] = {}
        self._took: dict[int, dict[str, float]] = {}
        self.agree = Agreement(study)
        self.price: Price = lambda _: ()
        self.within_s = 0.0
        self._worker = this_worker()
        study.set_user_attr(f"{WORKER}{self._worker['token']}", self._worker)

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Every point once, in the order in which they were asked for."""
        return self._record.trials

    @property
    def best(self) -> Trial | None:
        """The complete trial of the lowest value; of equal ones the cheapest, then the first."""
        return cheapest_best(self.trials)

    def ask(self, count: int = 1, *, most: int | None = None) -> list[Asked]:
        """Points to try now. Fewer than asked for where the space, the grid or `most` trials are used up.

        What a dead process left is taken over first.
        """
        take_over(
            self._study, self.space, token=self._worker["token"], mine=lambda number: number in self._mine
        )
        found: list[Asked] = []
        count = at_once(self._study, count) if count > 1 else count
        while len(found) < count and (most is None or len(self.trials) < most):
            asked = self._ask_unknown()
            if asked is None:
                break
            if most is not None and len(self._record.before(asked.number)) >= most:
                # Another process asked at the same time, and was first.
                self.put_back(asked)
                break
            found.append(asked)
        return found

    @contextmanager
    def timed(self, asked: Sequence[Asked]) -> Iterator[None]:
        """Note how long it takes to try points, else all the time since they were asked for.

        Of points that are tried together each is given an equal share, one after another.
        """
        began_s = time.time()
        try:
            yield
        finally:
            share_s = (time.time() - began_s) / len(asked)
            for place, each in enumerate(asked):
                self._took[each.number] = {"started_s": began_s + place * share_s, "seconds": share_s}

    def report(self, asked: Asked, value: float, *, step: int) -> bool:
        """Say how a trial stands after a step, counted from 1; returns whether to give it up."""
        if self.settings.pruner in UNASKED:
            # Written together with the answer: a line for each would cost more than many a trial.
            self._reports.setdefault(asked.number, []).append(float(f"{value:.6g}"))
            return False
        trial = self._mine[asked.number]
        trial.report(value, step)
        return bool(trial.should_prune())

    def tell(self, asked: Asked, outcome: Outcome) -> None:
        """Write down what came of a point. A value that is no finite number is a failure."""
        values = [outcome.value, *self.price(asked.values)]
        if not all(map(math.isfinite, values)):
            self.fail(asked, f"its value is {', '.join(map(str, values))}")
            return
        trial = self._mine.pop(asked.number)
        # After an hour another machine may have taken this process for dead.
        with suppress(UpdateFinishedTrialError):
            reports = self._reports.pop(asked.number, [])
            answer = {"value": values[0], "costs": values[1:], "details": outcome.details}
            took = {TOOK: self._took.pop(asked.number, None)}
            trial.set_user_attr(TOLD, answer | {"reports": reports} | took)
            self._study.tell(trial, values, skip_if_finished=True)

    def give_up(self, asked: Asked, *, value: float | None = None, step: int = 1) -> None:
        """Write down that there is no hope. Its last report stands for its value.

        Args:
            asked: the point.
            value: where it stood, if that was not reported.
            step: after how many steps that was.
        """
        trial = self._mine.pop(asked.number)
        with suppress(UpdateFinishedTrialError):
            if value is not None and math.isfinite(value):
                trial.report(value, step)
            if asked.number in self._took:
                trial.set_user_attr(TOOK, self._took.pop(asked.number))
            self._study.tell(trial, state=TrialState.PRUNED, skip_if_finished=True)

    def fail(self, asked: Asked, reason: str) -> None:
        """Write down that a point cannot be tried, and why."""
        took = self._took.pop(asked.number, None)
        self._fail(self._mine.pop(asked.number), {"reason": reason, TOOK: took})

    def refuse(self, asked: Asked, reason: str, *, needs_s: float | None = None) -> None:
        """Write down that a point is not worth trying, and why. To the sampler it is one that was given up.

        Of one that failed it learns nothing: it would go on to propose what nobody has time for.
        """
        took = self._took.pop(asked.number, None)
        mark = {"reason": reason, "needs_s": needs_s, TOOK: took}
        self._fail(self._mine.pop(asked.number), mark, state=TrialState.PRUNED)

    def is_at(self, asked: Asked) -> bool:
        """Whether a point was asked for here and has no answer yet."""
        return asked.number in self._mine

    def put_back(self, asked: Asked) -> None:
        """Leave a point to whoever goes on with the study."""
        trial = self._mine.pop(asked.number)
        enqueue(self._study, self.space, asked.values, **kept(trial.user_attrs))
        self._fail(trial, {"again": True})

    def propose(self, values: Values, *, origin: str = "rule of thumb") -> None:
        """Put a point into the queue, unless it is there or was tried; see `queue.propose`."""
        known = self.trials
        propose(self._study, self.space, values, tried=known, within_s=self.within_s, origin=origin)

    def _ask_unknown(self) -> Asked | None:
        """Let the sampler propose until it is something new."""
        is_grid = self.settings.sampler == "grid"
        can_be_counted = is_grid or self.space.is_finite
        attempt = 0
        while attempt <= MOST_REPEATS:
            if can_be_counted and not self._record.anything_waits:
                point = self._untried()
                if point is None:
                    return None
                if is_grid or attempt == MOST_REPEATS:
                    enqueue(self._study, self.space, point)
            by_lot = attempt >= FROM_THEN_BY_LOT and not can_be_counted
            asked = self._ask_at_random() if by_lot else self._ask_once()
            if is_grid and not was_queued(self._mine[asked.number]):
                # Another process took what stood there in between, and the sampler knows no grid.
                self._fail(self._mine.pop(asked.number), {"again": True})
                continue
            key = fingerprint(asked.values)
            before = next((trial for trial in self._record.before(asked.number) if trial.key == key), None)
            if before is None:
                return asked
            self._repeat(asked, before)
            attempt += 1
        return None

    @cached_property
    def _dealt(self) -> list[tuple[str, Values]]:
        """Points of the grid with their keys, drawn by lot."""
        points = self.space.grid().sample(VAST, seed=self.settings.seed)
        keyed = [(fingerprint(each), each) for each in points]
        return sorted(keyed, key=lambda one: unit_interval(f"{self.settings.seed} {one[0]}"))

    def _untried(self) -> Values | None:
        """The next point of the grid; None where there is no other."""
        known = {trial.key for trial in self.trials}
        every = ((fingerprint(each), each) for each in self.space.grid())
        return next((each for key, each in chain(self._dealt, every) if key not in known), None)

    def _ask_at_random(self) -> Asked:
        """What waits, or by lot."""
        own, seed = self._study.sampler, self.settings.seed
        self._study.sampler = sampler("random", self.space.axes, seed=seed)
        try:
            return self._ask_once()
        finally:
            self._study.sampler = own

    def _ask_once(self) -> Asked:
        trial = self._study.ask()
        self._mine[trial.number] = trial
        sees_conditions = self.settings.sampler in SEES_CONDITIONS
        values = suggested(trial, self.space, sees_conditions=sees_conditions)
        trial.set_user_attr(ASKED, {"values": values, "worker": self._worker, "at_s": time.time()})
        return Asked(trial.number, values)

    def _repeat(self, asked: Asked, before: Trial) -> None:
        """Answer from the record, where there is an answer; the sampler learns from it."""
        trial = self._mine.pop(asked.number)
        if before.state == "complete" and before.value is not None:
            trial.set_user_attr(FAILED, {"same_as": before.number})
            self._study.tell(trial, [before.value, *before.costs])
        else:
            self._fail(trial, {"same_as": before.number})

    def _fail(self, trial: optuna.Trial, mark: Marks, state: TrialState = TrialState.FAIL) -> None:
        with suppress(UpdateFinishedTrialError):
            trial.set_user_attr(FAILED, mark)
            self._study.tell(trial, state=state, skip_if_finished=True)


def open_study(space: Space, *, name: str, storage: str | Path | None, settings: Settings) -> Study:
    """Begin a study, or go on with the one of that name; see `open_storage`.

    Raises:
        ArtifactError: the storage cannot be opened, or holds a study of that name with other objectives.
        RecipeError: its database has no driver here.
    """
    # It remarks on what it would like to have installed.
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        storage=open_storage(storage),
        study_name=name,
        sampler=sampler(settings.sampler, space.axes, seed=settings.seed),
        pruner=pruner(settings.pruner, steps=settings.steps),
        load_if_exists=True,
        directions=["minimize"] * (1 + len(settings.costs)),
    )
    if len(study.directions) != 1 + len(settings.costs):
        raise ArtifactError(f"The study {name} has other objectives. Give this one another name or storage.")
    return Study(space, study, settings)
