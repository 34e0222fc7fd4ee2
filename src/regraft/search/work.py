"""One worker of a study: ask, try, tell, until the time, the trials or the space are used up."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from regraft.search.memory import RETRIED, is_out_of_memory, reason_of
from regraft.search.trial import Asked, Dropped, Failed, GivenUp, Outcome, OutOfTime, Result

if TYPE_CHECKING:
    from regraft.search.study import Study

Report = Callable[[float, int], None]
Evaluate = Callable[[Asked, Report], Outcome]

FAILURES_TO_STOP = 30
"""So many and not one success: whatever it is, another trial will not cure it."""


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
    leaves the trial to whoever goes on.

    Args:
        study: where points come from.
        evaluate: tries a point. On the way it may report `(value, step)`, which may raise `GivenUp`; and
            it may raise `OutOfTime`.
        should_stop: asked before each trial, or group of trials.
        most: trials of the whole study, those of others and of before included.
        batches: how several points are tried as one; by default each is asked for and tried alone.

    Raises:
        ArtifactError: the storage can no longer be reached.
    """
    # Not above: it imports Optuna, and who only names the errors of a trial does not need that.
    from regraft.search.storage import reaching

    tried = 0
    with reaching("The study"):
        while not should_stop() and not _is_hopeless(study):
            batch = study.ask(batches.size() if batches else 1, most=most)
            done = _try_batch(study, batch, evaluate, batches, should_stop)
            tried += done
            if done < len(batch) or not batch:
                break
    return tried


def try_one(study: "Study", asked: Asked, evaluate: Evaluate) -> bool:
    """Try a point and write down what came of it, whatever that is; returns whether there was time for it."""
    last = 0

    def report(value: float, step: int) -> None:
        nonlocal last
        # A second attempt goes through the same steps again.
        if step > last and study.report(asked, value, step=step):
            raise GivenUp
        last = max(last, step)

    try:
        outcome = evaluate(asked, report)
    except GivenUp:
        study.give_up(asked)
    except OutOfTime:
        study.put_back(asked)
        return False
    except Exception as error:  # noqa: BLE001 - whatever a head raises is its trial's, not the study's
        study.fail(asked, reason_of(error))
    else:
        study.tell(asked, outcome)
    return True


def try_together(study: "Study", group: Sequence[Asked], evaluate: Evaluate, batches: Batches) -> int:
    """Try several points as one and write down what came of each; returns for how many there was time.

    Where memory is lacking, the two halves are tried one after the other; where anything else goes wrong,
    each is tried alone, so that one does not fail the others.
    """
    try:
        return _tell(study, group, batches.evaluate(group))
    except OutOfTime:
        return _tell(study, group, [None] * len(group))
    except Exception as error:  # noqa: BLE001 - see `try_one`
        lacks_memory = is_out_of_memory(error)
    if not lacks_memory:
        return sum(try_one(study, asked, evaluate) for asked in group)
    middle = (len(group) + 1) // 2
    said = f"out of memory with {len(group)} heads together, so {middle} were trained at a time"
    return sum(_try_half(study, half, batches, said) for half in (group[:middle], group[middle:]))


def _try_half(study: "Study", half: Sequence[Asked], batches: Batches, said: str) -> int:
    try:
        results = batches.evaluate(half)
    except OutOfTime:
        results = [None] * len(half)
    except Exception as error:  # noqa: BLE001 - see `try_one`
        results = [Failed(f"{reason_of(error)} ({said})")] * len(half)
    return _tell(study, half, [_remarked(result, said) for result in results])


def _remarked(result: Result | None, said: str) -> Result | None:
    if not isinstance(result, Outcome):
        return result
    return replace(result, details={**result.details, RETRIED: said})


def _tell(study: "Study", group: Sequence[Asked], results: Sequence[Result | None]) -> int:
    """Write down what came of points, and put back those without a result; returns how many have one."""
    for asked, result in zip(group, results, strict=True):
        match result:
            case Outcome():
                study.tell(asked, result)
            case Dropped(value, step):
                study.give_up(asked, value=value, step=step)
            case Failed(reason):
                study.fail(asked, reason)
            case None:
                study.put_back(asked)
    return sum(result is not None for result in results)


def _try_batch(
    study: "Study",
    batch: Sequence[Asked],
    evaluate: Evaluate,
    batches: Batches | None,
    should_stop: Callable[[], bool],
) -> int:
    """Try what was asked for, group by group; puts back what there is no time for, and returns the rest."""
    waiting, done = _groups(batch, batches), 0
    is_short = False
    try:
        while waiting and not is_short and not (done and should_stop()):
            group = waiting.pop(0)
            if batches is None or len(group) == 1:
                had_time = int(try_one(study, group[0], evaluate))
            else:
                had_time = try_together(study, group, evaluate, batches)
            done, is_short = done + had_time, had_time < len(group)
    finally:
        # Also after Ctrl-C: this process may live on, and nobody else would take them over.
        for group in waiting:
            _tell(study, group, [None] * len(group))
    return done


def _groups(batch: Sequence[Asked], batches: Batches | None) -> list[list[Asked]]:
    """Points that are tried together, in the order of the first of each."""
    groups: dict[Hashable, list[Asked]] = {}
    for asked in batch:
        key = None if batches is None else batches.key(asked)
        groups.setdefault(("alone", asked.number) if key is None else ("together", key), []).append(asked)
    return list(groups.values())


def _is_hopeless(study: "Study") -> bool:
    trials = study.trials
    return len(trials) >= FAILURES_TO_STOP and all(trial.state == "failed" for trial in trials)
