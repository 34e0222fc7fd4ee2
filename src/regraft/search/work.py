"""One worker of a study: ask, try, tell, until the time, the trials or the space are used up."""

from collections.abc import Callable

from regraft.search.study import Study
from regraft.search.trial import Asked, GivenUp, Outcome

Report = Callable[[float, int], None]
Evaluate = Callable[[Asked, Report], Outcome]

FAILURES_TO_STOP = 30
"""So many and not one success: whatever it is, another trial will not cure it."""


def work(
    study: Study, evaluate: Evaluate, *, should_stop: Callable[[], bool], most: int | None = None
) -> int:
    """Try points one after another; returns how many.

    An exception, also one of lacking memory, fails its trial and never ends the study. Ctrl-C does, and
    leaves the trial to whoever goes on.

    Args:
        study: where points come from.
        evaluate: tries a point. It may report `(value, step)` on the way, which may raise `GivenUp`.
        should_stop: asked before each trial.
        most: trials of the whole study, those of others and of before included.
    """
    tried = 0
    while not should_stop() and not _is_hopeless(study):
        asked = study.ask(1, most=most)
        if not asked:
            break
        try_one(study, asked[0], evaluate)
        tried += 1
    return tried


def try_one(study: Study, asked: Asked, evaluate: Evaluate) -> None:
    """Try a point and write down what came of it, whatever that is."""

    def report(value: float, step: int) -> None:
        if study.report(asked, value, step=step):
            raise GivenUp

    try:
        outcome = evaluate(asked, report)
    except GivenUp:
        study.give_up(asked)
    except MemoryError as error:
        study.fail(asked, f"out of memory: {error}".removesuffix(": "))
    except Exception as error:  # noqa: BLE001 - whatever a head raises is its trial's, not the study's
        study.fail(asked, f"{type(error).__name__}: {error}")
    else:
        study.tell(asked, outcome)


def _is_hopeless(study: Study) -> bool:
    trials = study.trials
    return len(trials) >= FAILURES_TO_STOP and all(trial.state == "failed" for trial in trials)
