"""One process's part in a search: points asked for, tried and told, with a bar that shows how far it is."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from regraft.core.progress import progress
from regraft.pipeline.tuning.tries import Tries
from regraft.search import Asked, Outcome
from regraft.search.together import ask_for
from regraft.search.trial import Result
from regraft.search.work import Batches, Report, work

if TYPE_CHECKING:
    from regraft.search.study import Study


def try_points(study: "Study", tries: Tries, *, should_stop: Callable[[], bool], trials: int | None) -> None:
    """Try points, those of heads that train side by side together, until there is a reason to stop.

    Args:
        study: where points come from.
        tries: what evaluates them.
        should_stop: asked before each trial, or population.
        trials: of the whole study, at most.

    Raises:
        ArtifactError: the storage can no longer be reached.
    """
    budget = tries.climb.budget
    with progress("Trying heads", trials or round(budget.left_s)) as advance:

        @contextmanager
        def advancing(count: int) -> Iterator[None]:
            before_s = budget.spent_s
            try:
                yield
            finally:
                advance(count if trials else round(budget.spent_s - before_s))

        def evaluate(asked: Asked, report: Report) -> Outcome:
            with advancing(1):
                return tries.evaluate(asked, report)

        def evaluate_together(group: Sequence[Asked]) -> list[Result | None]:
            with advancing(len(group)):
                # Of several objectives none says alone who is worse.
                halve = not study.settings.costs and tries.pruner != "none"
                return tries.evaluate_together(group, halve=halve)

        batches = Batches(lambda: ask_for(study), tries.key, evaluate_together)
        work(study, evaluate, should_stop=should_stop, most=trials, batches=batches)
