"""What a climb up the ladder carries: the data it may see, the features, the time, and the best so far."""

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from regraft.backbones import Card
from regraft.core.arrays import Folds, Mask, Scores, Truth, Weights
from regraft.core.errors import BackboneError, RecipeError, TrainingError
from regraft.core.hashing import fingerprint
from regraft.core.seeds import generator
from regraft.data import NEVER_HELD_OUT, Dataset, folds, units
from regraft.evaluation import compare_answers
from regraft.features import VARIANTS, Views, fit_affine, width
from regraft.heads import Ridge, balanced
from regraft.pipeline.budget import Budget
from regraft.pipeline.cut import FOREVER, Patience
from regraft.pipeline.finetuning import FineTuning
from regraft.pipeline.fitting import fit_head
from regraft.pipeline.judging import Candidate, judge, no_image_known, truth_of
from regraft.pipeline.machine import memory_bytes
from regraft.pipeline.model import Made, Model, folded
from regraft.pipeline.recipe import Head, Recipe
from regraft.pipeline.trials import Trials
from regraft.pipeline.trunk import Trunk
from regraft.pipeline.work import multiplications

MOST_REPEATED, ROUNDS = 500, 3
"""Up to so many images, cross-validation is repeated: how folds fall would otherwise move the scores."""

MOST_CROSS_VALIDATED = 10_000
"""Above this many images one fold is held out instead of all in turn: its score is precise enough."""

FIRST_RATE_PER_S, SLOWEST_RATE_PER_S = 5e9, 2.5e8
"""Multiplications: taken for true until a fit was timed, and at least. Of a tiny fit most of the time goes
elsewhere, which would make a larger one look too dear."""

MEMORY_FRACTION = 0.5
TRIAL_VERSION = 9
"""Raise it when a change of code changes what a trial gives."""

BYTES_PER_FEATURE = 12
"""Of float32 features read, scaled, and being worked on."""


class Climb:
    """One search. It receives data without its test part; only `attempt` and `adopt_if_better` change it."""

    def __init__(
        self, asked: Recipe, dataset: Dataset, trunk: Trunk, budget: Budget, *, trials: Trials
    ) -> None:
        self.asked = asked
        self.dataset = dataset.without_test()
        self.trunk = trunk
        self.budget = budget
        self.trials = trials
        self.rounds = choose_folds(self.dataset, asked)
        self.independent = are_independent(self.dataset)
        examples = [(e.sha256, e.label, e.labels, e.weight) for e in self.dataset.examples]
        self._data_key = fingerprint([self.dataset.classes, examples, [one.tolist() for one in self.rounds]])
        self.best: Candidate | None = None
        self._rate_per_s = FIRST_RATE_PER_S

    @property
    def class_count(self) -> int:
        """How many classes there are."""
        return len(self.dataset.classes)

    @property
    def held_out(self) -> Mask:
        """Which examples are held out at some time."""
        return np.asarray(self.rounds[0] != NEVER_HELD_OUT)

    @property
    def truth(self) -> Truth:
        """What heads learn: one label each, or which labels each image has."""
        return truth_of(self.dataset)

    @property
    def held_out_groups(self) -> list[str]:
        """The groups of the examples that candidates are judged on."""
        return [e.group for e, out in zip(self.dataset.examples, self.held_out, strict=True) if out]

    @property
    def knows_images(self) -> bool:
        """Whether the best so far is more than the majority class; until then nothing is too dear."""
        return self.best is not None and bool(self.best.model.cards)

    @property
    def weights(self) -> Weights | None:
        """Example weights, where the table gives some or classes are to be balanced."""
        given = self.dataset.weights
        if self.asked.class_weights == "balanced":
            return given * balanced(self.dataset.labels, self.class_count)
        return None if (given == 1).all() else given

    @property
    def held_out_weights(self) -> Weights | None:
        """Of the examples that candidates are judged on."""
        return None if self.weights is None else self.weights[self.held_out]

    def refuses(self, recipe: Recipe) -> str:
        """Why a recipe cannot be tried here and now, or nothing. Loads and extracts what it needs."""
        if self.budget.interrupted and self.knows_images:
            return "stopped before it was tried"
        try:
            refusal = self._refuses_cost(recipe)
            for name in recipe.backbones:
                # Also where the trial itself is known: the test images want features of what is chosen.
                refusal = refusal or self._extract(name, recipe.views)
            refusal = refusal or self._refuses_training(recipe)
        except (BackboneError, RecipeError, TrainingError) as error:
            return str(error)
        return refusal

    def attempt(
        self, recipe: Recipe, *, known: Scores | None = None, make: Callable[[], Made] | None = None
    ) -> Candidate:
        """Fit a complete recipe and score it on held-out images, or read the trial of an earlier run.

        Args:
            recipe: what to fit.
            known: held-out scores [n, k] of one that trains a network, where somebody has them already.
            make: what judges and fits the head of another; without it all is computed from the features on.
        """
        assert known is None or recipe.finetune, "of a head alone they come with what makes it"
        key = self._trial_key(recipe)
        found = self.trials.read(key)
        if found is None:
            if recipe.finetune:
                found = FineTuning(self, recipe, self._patience(known)).fit(known)
            else:
                found = self._fit(recipe, make)
            self.trials.write(key, *found)
        model, scores = found
        seen = scores[self.held_out]
        return self._judge(model, seen)

    def judge_majority(self) -> Candidate:
        """The model that knows no image: every class in proportion to its examples."""
        classifier = no_image_known(self.truth, self.class_count, weights=self.weights)
        model = Model(self.dataset.classes, (), self.asked, classifier)
        return self._judge(model, np.tile(classifier.bias, (int(self.held_out.sum()), 1)))

    def adopt_if_better(self, candidate: Candidate) -> bool:
        """Keep the candidate as the best so far if its held-out log-loss is lower."""
        better = self.best is None or candidate.loss < self.best.loss
        if better:
            self.best = candidate
        return better

    def explain(self, candidate: Candidate, before: Candidate | None) -> str:
        """A sentence on how a candidate did against what stood before."""
        if before is None or candidate is before:
            return f"log-loss {candidate.loss:.3f}"
        paired = compare_answers(before.answers, candidate.answers, weights=self.held_out_weights)
        return (
            f"log-loss {candidate.loss:.3f}, before {before.loss:.3f}; "
            f"lower in {paired.probability_better:.0%} of resamples"
        )

    def _fit(self, recipe: Recipe, make: Callable[[], Made] | None = None) -> tuple[Model, Scores]:
        if recipe.head is None:
            raise RecipeError("A recipe is fitted only when its head is chosen.")
        head, scores, fitted = make() if make else self._made(recipe, recipe.head)
        return Model(self.dataset.classes, self.cards(recipe), replace(recipe, head=head), *fitted), scores

    def _made(self, recipe: Recipe, head: Head) -> Made:
        representation, cards = recipe.representation, self.cards(recipe)
        features = self.trunk.read_views(representation, self.dataset, recipe.views)
        started = time.perf_counter()
        affine = fit_affine(representation, cards, features[: len(self.dataset)])
        chosen, scores, classifier = fit_head(
            head,
            affine(features),
            self.truth,
            class_count=self.class_count,
            folds=self.folds_for(head, recipe.views),
            weights=self.weights,
        )
        self.timed(recipe, time.perf_counter() - started)
        return chosen, scores, folded(classifier, affine)

    def timed(self, recipe: Recipe, seconds: float) -> None:
        """Learn how long fits take here from one that shared no work with others."""
        self._rate_per_s = max(self._work(recipe) / seconds, SLOWEST_RATE_PER_S)

    def cards(self, recipe: Recipe) -> tuple[Card, ...]:
        """Of the networks that a recipe names."""
        return tuple(self.trunk.backbone(name).card for name in recipe.backbones)

    def _patience(self, known: Scores | None) -> Patience:
        """Stop training a network where something that looks at images is there to keep.

        One whose held-out scores are known was chosen already, and is trained to the end.
        """
        if known is not None or not self.knows_images:
            return FOREVER
        return Patience(should_stop=lambda: self.budget.interrupted)

    def folds_for(self, head: Head, views: Views = "plain") -> tuple[Folds, ...] | None:
        """None, each image alone, where the closed form makes that the cheapest and nothing makes it leak.

        The other heads are judged on fits to fewer images, so one that beats ridge beats it in earnest. With
        several views of an image, all of them have to be left out.
        """
        alone = isinstance(head, Ridge) and self.independent and views == "plain"
        return None if alone else self.rounds

    def _judge(self, model: Model, scores: Scores) -> Candidate:
        truth, groups, weights = self.truth[self.held_out], self.held_out_groups, self.held_out_weights
        return judge(model, scores, truth, groups=groups, weights=weights)

    def _trial_key(self, recipe: Recipe) -> str:
        """Names all that a trial's outcome depends on, so that a later run finds an equal trial."""
        networks = [self.trunk.backbone(name).key for name in recipe.backbones]
        return fingerprint([TRIAL_VERSION, recipe.to_json(), networks, self._data_key])

    def _refuses_cost(self, recipe: Recipe) -> str:
        """Why neither features nor fit are worth starting: features alone would be of no use."""
        look_s = sum(
            self.trunk.cost_s(name) + self.trunk.views_cost_s(name, recipe.views, self.dataset)
            for name in recipe.backbones
        )
        if self.knows_images and not self.budget.affords(look_s):
            return f"{recipe.backbones[-1]} would take {look_s:.0f} s, {self.budget.left_s:.0f} s are left"
        if self.trials.has(self._trial_key(recipe)):
            return ""
        features = self.feature_count(recipe)
        rows = len(self.dataset) * len(VARIANTS[recipe.views])
        needed = rows * features * BYTES_PER_FEATURE
        if needed > MEMORY_FRACTION * memory_bytes():
            return f"{rows} x {features} features need {needed / 1e9:.0f} GB of memory"
        cost_s = look_s + self._work(recipe) / self._rate_per_s
        if self.knows_images and not self.budget.affords(cost_s):
            return f"it would take {cost_s:.0f} s, {self.budget.left_s:.0f} s are left"
        return ""

    def _refuses_training(self, recipe: Recipe) -> str:
        """Why there is no time to train a network, once its features are there; nothing for other recipes."""
        if recipe.finetune is None or not self.knows_images or self.trials.has(self._trial_key(recipe)):
            return ""
        patience = replace(self._patience(None), most_s=self.budget.left_s)
        cost_s = FineTuning(self, recipe, patience).cost_s(also_fit=True)
        if self.budget.affords(cost_s):
            return ""
        return f"it would take {cost_s:.0f} s, {self.budget.left_s:.0f} s are left"

    def _extract(self, name: str, views: Views) -> str:
        complete, skipped = self.trunk.extract(
            name, lambda: not self.budget.affords(0.0), views=views, of=self.dataset
        )
        if skipped:
            return f"{len(skipped)} images can no longer be read, the first is {skipped[0].path}"
        return "" if complete else f"the time was up while {name} looked at the images"

    def _work(self, recipe: Recipe) -> float:
        head = recipe.head or Ridge()
        folds = self.folds_for(head, recipe.views)
        return multiplications(
            head,
            examples=len(self.dataset) * len(VARIANTS[recipe.views]),
            features=self.feature_count(recipe),
            classes=self.class_count,
            fits=1 if folds is None else sum(1 + len(np.unique(one[self.held_out])) for one in folds),
        )

    def feature_count(self, recipe: Recipe) -> int:
        """How many numbers a recipe's head sees of an image."""
        return width(self.cards(recipe), recipe.depths or "grid")


def are_independent(dataset: Dataset) -> bool:
    """Whether every image may be held out alone: no groups, no identical files, no val part of the user's."""
    return len(units(dataset)) == len(dataset) and not len(dataset.part("val"))


def choose_folds(dataset: Dataset, recipe: Recipe) -> tuple[Folds, ...]:
    """Folds of cross-validation: once, of small data three times, of large data a single one is held out.

    Groups stay whole. Where a val part is given it alone is held out.
    """
    numbers = folds(dataset, count=recipe.folds, seed=recipe.seed)
    if len(dataset) > MOST_CROSS_VALIDATED:
        return (np.where(numbers == 0, 0, NEVER_HELD_OUT),)
    if len(dataset) > MOST_REPEATED or len(dataset.part("val")):
        return (numbers,)
    seeds = (fold_seed(recipe.seed, number) for number in range(1, ROUNDS))
    return (numbers, *(folds(dataset, count=recipe.folds, seed=seed) for seed in seeds))


def fold_seed(seed: int, number: int) -> int:
    """A seed for another way to deal the same folds."""
    return int(generator(seed, f"folds {number}").integers(2**31))
