"""One worker of a study: ask, try, tell, until the time, the trials or the space are used up."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from regraft.search.trial import Asked, GivenUp, Outcome, OutOfTime

if TYPE_CHECKING:
    from regraft.search.study import Study

Report = Callable[[float, int], None]
Evaluate = Callable[[Asked, Report], Outcome]

FAILURES_TO_STOP = 30
"""So many and not one success: whatever it is, another trial will not cure it."""


def work(
    study: "Study", evaluate: Evaluate, *, should_stop: Callable[[], bool], most: int | None = None
) -> int:
    """Try points one after another; returns how many.

    An exception, also one of lacking memory, fails its trial and never ends the study. Ctrl-C does, and
    leaves the trial to whoever goes on.

    Args:
        study: where points come from.
        evaluate: tries a point. On the way it may report `(value, step)`, which may raise `GivenUp`; and
            it may raise `OutOfTime`.
        should_stop: asked before each trial.
        most: trials of the whole study, those of others and of before included.

    Raises:
        ArtifactError: the storage can no longer be reached.
    """
    # Not above: it imports Optuna, and who only names the errors of a trial does not need that.
    from regraft.search.storage import reaching

    tried = 0
    with reaching("The study"):
        while not should_stop() and not _is_hopeless(study):
            asked = study.ask(1, most=most)
            if not (asked and try_one(study, asked[0], evaluate)):
                break
            tried += 1
    return tried


def try_one(study: "Study", asked: Asked, evaluate: Evaluate) -> bool:
    """Try a point and write down what came of it, whatever that is; returns whether there was time for it."""

    def report(value: float, step: int) -> None:
        if study.report(asked, value, step=step):
            raise GivenUp

    try:
        outcome = evaluate(asked, report)
    except GivenUp:
        study.give_up(asked)
    except OutOfTime:
        study.put_back(asked)
        return False
    except MemoryError as error:
        study.fail(asked, f"out of memory: {error}".removesuffix(": "))
    except Exception as error:  # noqa: BLE001 - whatever a head raises is its trial's, not the study's
        study.fail(asked, f"{type(error).__name__}: {error}")
    else:
        study.tell(asked, outcome)
    return True


def _is_hopeless(study: "Study") -> bool:
    trials = study.trials
    return len(trials) >= FAILURES_TO_STOP and all(trial.state == "failed" for trial in trials)
