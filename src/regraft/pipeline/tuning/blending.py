"""What the trials of a search come to together: an average of the best of each kind, again one linear head.

The first of many trials is the best on the held-out images; others are nearly as good and err elsewhere. How
much each counts is chosen on the same held-out answers that trials are compared by, and whether that does
harm is judged on images that did not choose it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from regraft.core.arrays import Scores
from regraft.features import Depths, columns_within
from regraft.heads import Blend, Part
from regraft.pipeline.budget import Budget
from regraft.pipeline.judging import LINEAR
from regraft.pipeline.model import Fitted
from regraft.pipeline.recipe import Recipe, head_of, kind_of
from regraft.pipeline.tuning.analysis import found_recipe
from regraft.pipeline.tuning.answers import SMALLEST
from regraft.pipeline.tuning.averaging import (
    affordable_parts,
    best_alone,
    drawn,
    is_worse,
    judged_by_others,
    most_parts,
)
from regraft.pipeline.tuning.pace import REFIT
from regraft.pipeline.tuning.tries import Tries
from regraft.search import Space, Trial, importance
from regraft.search.space import KIND

MOST = 12
"""Trials that may be parts."""

SMALLEST_DEPTHS_FIRST: tuple[Depths, ...] = ("last", "all", "grid")
COST_FRACTION = 0.1
"""Of the budget, that choosing the parts may take, and fitting them, and the analysis twice as much."""


@dataclass(frozen=True)
class Blended:
    """A recipe, those of its parts in their order, and the held-out scores [n, k] of its head.

    `loss` is the log-loss of such averages on images that had no say in their shares; `loss_alone` that of
    whichever trial was the best by the images that had a say. `is_worse`: the former is higher beyond chance.
    """

    recipe: Recipe
    recipes: tuple[Recipe, ...]
    scores: Scores
    loss: float
    loss_alone: float
    is_worse: bool

    def __str__(self) -> str:
        """Its parts in words."""
        return " + ".join(f"{part.share:.0%} {kind_of(part.head)}" for part in self.head.parts)

    def told(self, *, delivered: bool) -> dict[str, Any]:
        """As plain data, for a report."""
        parts = [{"kind": kind_of(part.head), "share": part.share} for part in self.head.parts]
        losses = {"loss": self.loss, "loss_alone": self.loss_alone}
        return {"parts": parts, **losses, "delivered": delivered}

    @property
    def head(self) -> Blend:
        """That of its recipe."""
        assert isinstance(self.recipe.head, Blend)
        return self.recipe.head


def parts_of(trials: Sequence[Trial], best: Trial) -> list[Trial]:
    """The best trial of each kind of head on each kind of features, of the networks and views of the best."""
    same = [name for name in best.values if name in ("backbones", "views")]
    found: dict[object, Trial] = {}
    for trial in sorted((t for t in trials if t.value is not None), key=lambda t: (t.value, t.number)):
        if _is_part(trial) and all(trial.values.get(name) == best.values[name] for name in same):
            found.setdefault(tuple(trial.values.get(name) for name in (KIND, "depths", "scaling")), trial)
    return [*found.values()][:MOST]


def _is_part(trial: Trial) -> bool:
    """Whether a trial came to a matrix on stored features.

    Some of a linear kind have a hidden layer, or a network of their own.
    """
    is_known = (
        trial.state == "complete" and "temperature" in trial.details and "finetune" not in trial.details
    )
    return is_known and trial.values[KIND] in LINEAR and not trial.details.get("head", {}).get("width")


def blended(trials: Sequence[Trial], best: Trial, tries: Tries) -> Blended | None:
    """The average that has the lowest held-out log-loss; None where that is the best alone.

    Source: ensemble selection with replacement, Caruana et al. 2004, 10.1145/1015330.1015432.
    Differs: logits are averaged, not probabilities, which leaves one linear head.
    Cost: DRAWS x MOST passes over the held-out answers, once more for each of the parts that judge, and for
        each that is too dear; with fewer parts where that would take too long.
    """
    climb = tries.climb
    if climb.dataset.is_multilabel:
        return None
    truth, most_s = climb.truth[climb.held_out], COST_FRACTION * climb.budget.seconds
    pool = [
        (trial, said)
        for trial in parts_of(trials, best)[: most_parts(len(truth) * climb.class_count, most_s)]
        if (said := tries.predictions(trial.number)) is not None
    ]
    if len(pool) < 2:
        return None
    logits = np.stack([np.log(np.clip(said, SMALLEST, 1)) for _, said in pool])
    weights = climb.held_out_weights
    # The best trial was fitted before.
    costs_s = np.array([0.0 if trial.number == best.number else refit_s(trial, tries) for trial, _ in pool])
    kept = affordable_parts(logits, truth, weights, costs_s, most_s)
    pool, logits = [pool[at] for at in kept], logits[kept]
    if len(pool) < 2:
        return None
    shares = drawn(logits, truth, weights)
    if np.count_nonzero(shares) < 2:
        return None
    groups, seed = climb.held_out_groups, climb.asked.seed
    average, alone = (
        judged_by_others(choose, logits, truth, weights, groups=groups, seed=seed)
        for choose in (drawn, best_alone)
    )
    loss, loss_alone = (float(np.average(each, weights=weights)) for each in (average, alone))
    does_harm = is_worse(average, alone, groups=groups, seed=seed, weights=weights)
    recipe, recipes = _recipes(
        [(trial, float(share)) for (trial, _), share in zip(pool, shares, strict=True) if share], tries
    )
    scores = np.full((len(climb.held_out), climb.class_count), np.nan, np.float32)
    scores[climb.held_out] = np.tensordot(shares, logits, 1)
    return Blended(recipe, recipes, scores, loss, loss_alone, does_harm)


def fits_s(trials: Sequence[Trial], best: Trial, tries: Tries) -> float:
    """What fitting the best trial and the parts of a blend to all images may take."""
    others = (trial for trial in parts_of(trials, best) if trial.number != best.number)
    together_s = sum(refit_s(trial, tries) for trial in others)
    return refit_s(best, tries) + min(together_s, COST_FRACTION * tries.climb.budget.seconds)


def analysis_s(trials: Sequence[Trial], best: Trial, space: Space, budget: Budget) -> float:
    """What the analysis of the trials may take."""
    return min(importance.cost_s(trials, space, best.values[KIND]), 2 * COST_FRACTION * budget.seconds)


def refit_s(trial: Trial, tries: Tries) -> float:
    """What fitting a trial to all images may take, with what its head found on its own.

    A trial of a kind that shares work took far less, once others had paid for that.
    """
    recipe = found_recipe(trial, tries) if trial.number in tries.made else None
    if recipe is None or recipe.finetune:
        return REFIT * trial.seconds
    known, work = tries.tasks.knows(recipe), tries.work(recipe, fits=1)
    return tries.pace.fit_s(head_of(recipe), work, trial_s=trial.seconds, is_known=known)


def fit_blend(found: Blended, tries: Tries) -> Fitted:
    """Its parts fitted to all images for learning, and joined."""
    recipe, tasks = found.recipe, tries.tasks
    if recipe.views != "plain":
        # A blend scales its columns by all views of the images, trials by the plain ones.
        return tasks.fit(recipe)
    fits = [tasks.fit(part)[0] for part in found.recipes]
    return found.head.joined(fits, width=tries.climb.feature_count(recipe)), None


def _recipes(chosen: Sequence[tuple[Trial, float]], tries: Tries) -> tuple[Recipe, tuple[Recipe, ...]]:
    """The blend as settings: every part on its own columns of the deepest features that any part reads."""
    chosen = sorted(chosen, key=lambda each: -each[1])
    recipes = [found_recipe(trial, tries) for trial, _ in chosen]
    whole = max((recipe.representation.depths for recipe in recipes), key=SMALLEST_DEPTHS_FIRST.index)
    cards = tries.climb.cards(recipes[0])
    parts = [
        Part(
            head=head_of(recipe),
            share=share,
            temperature=float(trial.details["temperature"]),
            columns=columns_within(cards, recipe.representation.depths, whole),
            scaling=recipe.representation.scaling,
        )
        for recipe, (trial, share) in zip(recipes, chosen, strict=True)
    ]
    blend = replace(recipes[0], depths=whole, scaling="none", head=Blend((*parts,)))
    return blend, (*recipes,)
