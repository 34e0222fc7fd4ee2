"""One worker of a study: ask, try, tell, until the time, the trials or the space are used up."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING

from regraft.search.memory import RETRIED, is_out_of_memory, reason_of
from regraft.search.trial import Asked, Dropped, Failed, GivenUp, Outcome, OutOfTime, Result, TooDear

if TYPE_CHECKING:
    from regraft.search.study import Study

Report = Callable[[float, int], None]
Evaluate = Callable[[Asked, Report], Outcome]

FAILURES_TO_STOP = 30
"""So many and not one success: whatever it is, another trial will not cure it."""

LATE_TO_STOP = 10
"""So many points that there was no time for: others would hardly be quicker."""


@dataclass(frozen=True)
class Batches:
    """How points are answered several at a time.

    Attributes:
        size: how many to ask for next.
        key: equal for points that are tried together; None for one that is tried alone.
        evaluate: tries some points of one key; of each what came of it, or None where there was no time for
            it. May raise `OutOfTime` for all of them.
    """

    size: Callable[[], int]
    key: Callable[[Asked], Hashable]
    evaluate: Callable[[Sequence[Asked]], Sequence[Result | None]]


def work(
    study: "Study",
    evaluate: Evaluate,
    *,
    should_stop: Callable[[], bool],
    most: int | None = None,
    batches: Batches | None = None,
) -> int:
    """Try points until there is a reason to stop; returns how many.

    An exception, also one of lacking memory, fails its trial and never ends the study. Ctrl-C does, and
    leaves the trial to whoever goes on, be it in this process.

    Args:
        study: where points come from.
        evaluate: tries a point. On the way it may report `(value, step)`, which may raise `GivenUp`; and
            it may raise `OutOfTime`: the point is set aside, quicker ones are tried, and in the end it is put
            back for whoever goes on. `TooDear` fails it, and tells the sampler to look elsewhere.
        should_stop: asked before each trial, or group of trials.
        most: trials of the whole study, those of others and of before included.
        batches: how several points are tried as one; by default each is asked for and tried alone.

    Raises:
        ArtifactError: the storage can no longer be reached.
    """
    # Not above: it imports Optuna, and who only names the errors of a trial does not need that.
    from regraft.search.storage import reaching

    worker = _Worker(study, evaluate, batches, should_stop)
    with reaching("The study"):
        try:
            while not worker.is_done and (batch := study.ask(batches.size() if batches else 1, most=most)):
                worker.try_batch(batch)
        finally:
            # Also after Ctrl-C: this process may live on, and nobody else would take them over.
            for asked in worker.late:
                study.put_back(asked)
    return worker.tried


@dataclass
class _Worker:
    """What `work` is at. `late`: points that are to be put back."""

    study: "Study"
    evaluate: Evaluate
    batches: Batches | None
    should_stop: Callable[[], bool]
    late: list[Asked] = field(default_factory=list)
    tried: int = 0

    @property
    def is_done(self) -> bool:
        """Whether there is a reason to stop."""
        if len(self.late) >= LATE_TO_STOP or self.should_stop():
            return True
        trials = self.study.trials
        return len(trials) >= FAILURES_TO_STOP and all(trial.state == "failed" for trial in trials)

    def try_batch(self, batch: Sequence[Asked]) -> None:
        """Try what was asked for, group by group, until there is a reason to stop."""
        groups = _groups(batch, self.batches)
        while groups and not self.should_stop():
            group = groups.pop(0)
            try:
                if self.batches is None or len(group) == 1:
                    self._try_alone(group[0])
                else:
                    self._try_together(group, self.batches)
            except KeyboardInterrupt:
                self.late += (asked for asked in chain(group, *groups) if self.study.is_at(asked))
                raise
        self.late += chain(*groups)

    def _try_alone(self, asked: Asked) -> None:
        """Try a point and write down what came of it, whatever that is."""
        last = 0

        def report(value: float, step: int) -> None:
            nonlocal last
            # A second attempt goes through the same steps again.
            if step > last and self.study.report(asked, value, step=step):
                raise GivenUp
            last = max(last, step)

        try:
            with self.study.timed([asked]):
                outcome = self.evaluate(asked, report)
        except GivenUp:
            self.study.give_up(asked)
        except OutOfTime:
            self.late.append(asked)
            return
        except TooDear as error:
            self.study.refuse(asked, str(error), needs_s=error.needs_s)
        except Exception as error:  # noqa: BLE001 - whatever a head raises is its trial's, not the study's
            self.study.fail(asked, reason_of(error))
        else:
            self.study.tell(asked, outcome)
        self.tried += 1

    def _try_together(self, group: Sequence[Asked], batches: Batches) -> None:
        """Try several points as one and write down what came of each.

        Where memory is lacking, the two halves are tried one after the other; where anything else goes wrong,
        each is tried alone, so that one does not fail the others.
        """
        results, lacks_memory = None, False
        try:
            with self.study.timed(group):
                results = batches.evaluate(group)
        except OutOfTime:
            results = [None] * len(group)
        except Exception as error:  # noqa: BLE001 - see `_try_alone`
            lacks_memory = is_out_of_memory(error)
        if results is not None:
            self._tell(group, results)
            return
        if not lacks_memory:
            for asked in group:
                self._try_alone(asked)
            return
        middle = (len(group) + 1) // 2
        said = f"out of memory with {len(group)} heads together, so {middle} were trained at a time"
        for half in (group[:middle], group[middle:]):
            self._try_half(half, batches, said)

    def _try_half(self, half: Sequence[Asked], batches: Batches, said: str) -> None:
        try:
            with self.study.timed(half):
                results = batches.evaluate(half)
        except OutOfTime:
            results = [None] * len(half)
        except Exception as error:  # noqa: BLE001 - see `_try_alone`
            results = [Failed(f"{reason_of(error)} ({said})")] * len(half)
        self._tell(half, [_remarked(result, said) for result in results])

    def _tell(self, group: Sequence[Asked], results: Sequence[Result | None]) -> None:
        """Write down what came of points, and set those without a result aside."""
        for asked, result in zip(group, results, strict=True):
            match result:
                case Outcome():
                    self.study.tell(asked, result)
                case Dropped(value, step):
                    self.study.give_up(asked, value=value, step=step)
                case Failed(reason):
                    self.study.fail(asked, reason)
                case None:
                    self.late.append(asked)
        self.tried += sum(result is not None for result in results)


def _remarked(result: Result | None, said: str) -> Result | None:
    if not isinstance(result, Outcome):
        return result
    return replace(result, details={**result.details, RETRIED: said})


def _groups(batch: Sequence[Asked], batches: Batches | None) -> list[list[Asked]]:
    """Points that are tried together, in the order of the first of each."""
    groups: dict[Hashable, list[Asked]] = {}
    for asked in batch:
        key = None if batches is None else batches.key(asked)
        groups.setdefault(("alone", asked.number) if key is None else ("together", key), []).append(asked)
    return list(groups.values())
