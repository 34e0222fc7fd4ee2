"""What evaluates the points of a study: features read and scaled once, heads judged on held-out images."""

from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np

from regraft.core.arrays import Folds, Probabilities, Scores
from regraft.core.errors import TrainingError
from regraft.core.hashing import plain
from regraft.features import VARIANTS
from regraft.heads import KnowsPath
from regraft.heads.prepared import penalties, shares, sharing
from regraft.heads.trained_linear import TrainedLinear
from regraft.pipeline.climb import BYTES_PER_FEATURE, MEMORY_FRACTION, Climb
from regraft.pipeline.cut import Patience
from regraft.pipeline.finetuning import FineTuning
from regraft.pipeline.fitting import fit_head
from regraft.pipeline.machine import memory_bytes
from regraft.pipeline.recipe import Head, Recipe, head_of, kind_of
from regraft.pipeline.tuning.answers import SMALLEST, Kept, judged
from regraft.pipeline.tuning.finetune_axes import STAGES
from regraft.pipeline.tuning.pace import MOST_FRACTION, Pace, raced_share, races
from regraft.pipeline.tuning.plan import recipe_of
from regraft.pipeline.tuning.tasks import Tasks
from regraft.pipeline.work import multiplications
from regraft.search import Asked, Outcome, OutOfTime, Space, TooDear, Trial
from regraft.search.held_out import Objective, Task, chosen_and_scored, value_of
from regraft.search.memory import is_out_of_memory, with_half_the_batch
from regraft.search.pruners import UNASKED, PrunerName
from regraft.search.together import population_of, tried_together
from regraft.search.trial import Result
from regraft.search.work import Report
from regraft.training import Finetune

RACE_FRACTION = 0.1
"""Of the budget: heads that would take longer together race in turns, with a look at the clock between."""

TOGETHER = "population"


class Tries:
    """What evaluates the points of a study.

    `folder` takes the held-out predictions of every trial; `made` are numbers of those made here; `kept_s`
    is kept back for fits to all images. Where trials may be pruned, they report fold by fold.
    """

    def __init__(
        self,
        climb: Climb,
        space: Space,
        objective: Objective,
        folder: Path,
        *,
        pruner: PrunerName = "halving",
    ) -> None:
        self.climb = climb
        self.space = space
        self.objective = objective
        self.pruner = pruner
        self.kept = Kept(folder)
        self.pace = Pace(climb.budget)
        self.tasks = Tasks(climb, in_one=pruner in UNASKED)
        self._best: tuple[int, float, Scores] | None = None
        self.made: set[int] = set()
        self.kept_s = 0.0

    def evaluate(self, asked: Asked, report: Report) -> Outcome:
        """Fit a head to folds and judge it on what was held out; with half its batch where memory lacks.

        Raises:
            TooDear: it would take too much of the time.
            TrainingError: there is no memory for it, images are gone, or the fit diverged.
            GivenUp: the pruner saw no hope.
            OutOfTime: the time was up before every image was held out.
        """
        recipe = self._recipe(asked)
        given, shared, work = head_of(recipe), self._shared(recipe), self._require_features(recipe)
        cost_s = self.pace.cost_s(kind_of(given), work, shared=shared)
        # What is fitted to all images has one penalty.
        one = replace(given, penalty=path[0]) if (path := penalties(given)) else given  # type: ignore[arg-type]
        fit_s = self.pace.fit_s(one, self.work(replace(recipe, head=one), fits=1), trial_s=cost_s)
        self.pace.require_time(cost_s, then_s=max(0.0, fit_s - self.kept_s))
        try:
            if recipe.finetune:
                return self._fine_tuned(asked, recipe, recipe.finetune, report)
            task, folds = self.tasks.of(recipe), self.climb.folds_for(given, recipe.views)
            helped = shares(given) and task.rows.prepared.helps(given)
            began_s = self.climb.budget.spent_s
            with self._pausing(given, task):
                (head, scores), said = with_half_the_batch(
                    given, lambda head: self._scores(head, task, report, folds=folds)
                )
        except Exception as error:
            if is_out_of_memory(error):
                self.tasks.clear()
                self.climb.trunk.forget_cuts()
            raise
        took_s = self.climb.budget.spent_s - began_s
        self.pace.timed(kind_of(head), work, took_s, shared=shared, helped=helped)
        outcome = self._outcome(asked, head, scores, task)
        outcome.details.update(said)
        return outcome

    def key(self, asked: Asked) -> Hashable:
        """Equal for points whose heads train side by side: on the same features."""
        others = self.space.others(asked.values)
        if others.get(STAGES):
            return None
        return population_of(self.space, asked, *(others[name] for name in sorted(others)))

    def evaluate_together(self, group: Sequence[Asked], *, halve: bool = True) -> list[Result | None]:
        """Train the heads of some points of one key side by side; None where there was no time left.

        Raises:
            TrainingError: there is no memory for it, or images are gone.
            OutOfTime: the time is up.
        """
        recipes = [self._recipe(asked) for asked in group]
        heads = [head for head in map(head_of, recipes) if isinstance(head, TrainedLinear)]
        works = [self._require_features(recipe) for recipe in recipes]
        if halve:
            works = [work * raced_share(head.epochs) for work, head in zip(works, heads, strict=True)]
        costs_s = [self.pace.cost_s(TOGETHER, work) for work in works]
        task, results = self.tasks.of(recipes[0]), list[Result | None]()
        for part in races(costs_s, RACE_FRACTION * self.climb.budget.seconds):
            if not self.climb.budget.affords(sum(costs_s[part])):
                break
            began_s = self.climb.budget.spent_s
            judge = self._judge(group[part], heads[part], task)
            results += tried_together(heads[part], task, judge, objective=self.objective, halve=halve)
            self.pace.timed(TOGETHER, sum(works[part]), self.climb.budget.spent_s - began_s)
        return results + [None] * (len(group) - len(results))

    def _fine_tuned(self, asked: Asked, recipe: Recipe, settings: Finetune, report: Report) -> Outcome:
        """Train the last stages once for each fold; trials that train as many stages share what is fixed."""
        task = self.tasks.of(recipe)

        def train(settings: Finetune) -> tuple[Recipe, Scores]:
            own = replace(recipe, finetune=settings)
            budget, scores = self.climb.budget, np.empty(0)
            patience = Patience(MOST_FRACTION * budget.left_s, lambda: not budget.affords(0.0))
            job = FineTuning(self.climb, own, patience)
            self.pace.require_time(job.cost_s())
            for step, scores in enumerate(job.held_out(), start=1):
                report(value_of(scores, task, self.objective), step)
            return job.settled, scores

        try:
            (settled, scores), said = with_half_the_batch(settings, train)
        except TrainingError:
            # Stopped on its way, it is put back.
            self._require_more_time()
            raise
        outcome = self._outcome(asked, head_of(settled), scores, task)
        outcome.details.update(said, finetune=plain(settled.finetune))
        return outcome

    def predictions(self, number: int) -> Probabilities | None:
        """What a trial said of the held-out images; None if it is not here."""
        return self.kept.read(number)

    def scores_of_best(self, trial: Trial) -> Scores | None:
        """Held-out scores [n, k] of the best trial that was made here; None of another."""
        return self._best[2] if self._best and self._best[0] == trial.number else None

    def scores(self, trial: Trial) -> Scores | None:
        """Of any trial whose predictions are here, in half precision; NaN where an image was never held out.

        They are known but for a number added to all scores of an image.
        """
        said, climb = self.predictions(trial.number), self.climb
        if said is None:
            return None
        scores = np.full((len(climb.held_out), climb.class_count), np.nan, np.float32)
        scores[climb.held_out] = trial.details["temperature"] * np.log(np.clip(said, SMALLEST, 1))
        return scores

    def _judge(
        self, group: Sequence[Asked], heads: Sequence[TrainedLinear], task: Task
    ) -> Callable[[int, Scores], Outcome]:
        return lambda at, scores: self._outcome(group[at], heads[at], scores, task)

    def _outcome(self, asked: Asked, head: Head, scores: Scores, task: Task) -> Outcome:
        outcome, probabilities = judged(head, scores, task, objective=self.objective)
        self.made.add(asked.number)
        self.kept.keep(asked.number, probabilities)
        if self._best is None or outcome.value < self._best[1]:
            self._best = asked.number, outcome.value, scores
        return outcome

    def _scores(
        self, head: Head, task: Task, report: Report, *, folds: tuple[Folds, ...] | None
    ) -> tuple[Head, Scores]:
        """Held-out scores, and the head with what it found on its own where that was left to it."""
        if isinstance(head, KnowsPath) and head.penalty is None and not penalties(head):
            given, count = (task.features, task.labels), task.class_count
            chosen, scores, _ = fit_head(head, *given, class_count=count, folds=folds, weights=task.weights)
            return chosen, scores

        def after_step(scores: Scores, step: int) -> None:
            report(value_of(scores, task, self.objective), step)
            if np.isnan(scores[task.seen]).any():
                self._require_more_time()

        return chosen_and_scored(
            head,
            task,
            alone=folds is None,
            after_step=after_step,
            pause=self._require_more_time,
            is_enough=self._is_time_up,
        )

    def _is_time_up(self) -> bool:
        return not self.climb.budget.affords(0.0)

    def _pausing(self, head: Head, task: Task) -> AbstractContextManager[None]:
        """Meanwhile long work that heads share asks now and then whether there is time."""
        if not shares(head):
            return nullcontext()
        return task.rows.prepared.dealt.pausing(self.pace.require_patience)

    def _require_more_time(self) -> None:
        if self._is_time_up():
            raise OutOfTime

    def _recipe(self, asked: Asked) -> Recipe:
        return recipe_of(self.climb.asked, self.space, asked.values)

    def _shared(self, recipe: Recipe) -> Hashable:
        """Names what a head shares with others of its kind on these features; None for nothing."""
        shared = sharing(head_of(recipe))
        return None if shared is None else (recipe.representation, recipe.views, shared[0])

    def _require_features(self, recipe: Recipe) -> float:
        """Embed what is missing and see whether memory is enough; returns the work that the head will be.

        Raises:
            TooDear: embedding would take too long.
            TrainingError: there is too little, or images are gone.
            OutOfTime: the time was up before every image was embedded.
        """
        self.embed(recipe)
        rows, count = self._shape(recipe)
        needed = rows * count * BYTES_PER_FEATURE
        if needed > MEMORY_FRACTION * memory_bytes():
            raise TrainingError(f"{rows} x {count} features need {needed / 1e9:.0f} GB of memory.")
        folds = self.climb.folds_for(head_of(recipe), recipe.views)
        fits = 1 if folds is None else sum(len(np.unique(one[self.climb.held_out])) for one in folds)
        return self.work(recipe, fits=fits)

    def work(self, recipe: Recipe, *, fits: int) -> float:
        """Multiplications that so many fits of its head take, roughly, the first of its kind."""
        rows, count = self._shape(recipe)
        given = {"examples": rows, "features": count, "classes": self.climb.class_count, "fits": fits}
        return multiplications(head_of(recipe), **given, paid=self.tasks.is_decomposed(recipe))

    def _shape(self, recipe: Recipe) -> tuple[int, int]:
        rows = len(self.climb.dataset) * len(VARIANTS[recipe.views])
        return rows, self.climb.feature_count(recipe)

    def embed(self, recipe: Recipe) -> None:
        """Look at the images as a recipe wants it, as far as nobody has.

        A trial for which that takes too long fails; it does not wait. Enough of them waiting would end the
        work, and other points, which need no new features, are still worth trying.

        Raises:
            TooDear: it would take too long.
            TrainingError: images are gone.
            OutOfTime: the time was up before every image was embedded.
        """
        climb, trunk = self.climb, self.climb.trunk
        look_s = sum(
            trunk.cost_s(name) + trunk.views_cost_s(name, recipe.views, climb.dataset)
            for name in recipe.backbones
        )
        left_s = climb.budget.left_s
        if look_s > left_s > 0:
            what = f"{' and '.join(recipe.backbones)} with {recipe.views} views"
            raise TooDear(f"{what} would take {look_s:.0f} s, {left_s:.0f} s are left.", needs_s=look_s)
        if look_s:
            self.pace.require_time(look_s)
        for name in recipe.backbones:
            complete, skipped = trunk.extract(
                name, lambda: not climb.budget.affords(0.0), views=recipe.views, of=climb.dataset
            )
            if skipped:
                raise TrainingError(f"{skipped[0].path} can no longer be read.")
            if not complete:
                raise OutOfTime
