"""What trials come to together."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from regraft.core.errors import RecipeError
from regraft.data import read
from regraft.features import FeatureStore, Views
from regraft.heads import Blend
from regraft.pipeline import Recipe
from regraft.pipeline.budget import Budget
from regraft.pipeline.climb import Climb
from regraft.pipeline.fit import begin
from regraft.pipeline.trunk import Trunk
from regraft.pipeline.tuning.analysis import found_recipe
from regraft.pipeline.tuning.asked import Search
from regraft.pipeline.tuning.blending import (
    COST_FRACTION,
    analysis_s,
    blended,
    fit_blend,
    fits_s,
    parts_of,
    refit_s,
)
from regraft.pipeline.tuning.pace import FACTOR
from regraft.pipeline.tuning.plan import space_for
from regraft.pipeline.tuning.tries import Tries
from regraft.search import Asked, Trial, importance
from regraft.search.findings import FEWEST


def trial(number: int, kind: str, value: float | None, **values: Any) -> Trial:
    state = "complete" if value is not None else "failed"
    values = {"head.kind": kind, "depths": "all", "scaling": "depth", "backbones": "lite0"} | values
    return Trial(number, values, state, value, details={"temperature": 1.0})


def test_parts_are_the_best_linear_heads_of_every_kind_of_features() -> None:
    trials = [
        trial(0, "ridge", 0.5),
        trial(1, "ridge", 0.4),
        trial(2, "ridge", 0.6, depths="last"),
        trial(3, "kernel_ridge", 0.1),
        trial(4, "lda", None),
        trial(5, "lda", 0.45),
        trial(6, "logistic", 0.2, backbones="lite2"),
        Trial(7, trial(0, "logistic", 0.1).values, "complete", 0.1),
        replace(trial(8, "trained_linear", 0.1), details={"temperature": 1.0, "head": {"width": 64}}),
    ]
    assert [one.number for one in parts_of(trials, trials[1])] == [1, 5, 2]


@pytest.fixture
def tries(networks: Any, tmp_path: Path) -> Tries:
    """What judges heads on plain images."""
    return tries_of(tmp_path)


def tries_of(tmp_path: Path, *, views: Views = "plain") -> Tries:
    """48 images of three shades that overlap."""
    random = np.random.default_rng(0)
    for index in range(48):
        folder = tmp_path / "photos" / "abc"[index % 3]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = random.normal(100 + 20 * (index % 3), 25) + random.normal(0, 30, (12, 16, 3))
        PIL.Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{index:02}.png")
    trunk = Trunk(read(tmp_path / "photos"), FeatureStore(), "auto")
    climb: Climb = begin(Recipe(("lite0",), folds=3, views=views), trunk, Budget(600.0))[0]
    space = space_for(climb.asked, Search(("head.kind=ridge,lda,logistic",)), climb.dataset)
    return Tries(climb, space, "loss", tmp_path / "kept")


def evaluated(tries: Tries, number: int, values: dict[str, Any]) -> Trial:
    """A trial of a point that is completed by defaults."""
    point = {name: values.get(name) for name in tries.space.axes if name in values}
    point |= {name: tries.space.defaults[name] for name in tries.space.defaults if name not in point}
    outcome = tries.evaluate(Asked(number, point), lambda value, step: None)
    return Trial(number, point, "complete", outcome.value, details=outcome.details)


def test_a_blend_is_one_linear_head_that_its_recipe_fits_again(tries: Tries, monkeypatch: Any) -> None:
    points = [
        {"head.kind": "ridge", "head.ridge.penalty": 0.1, "depths": "last", "scaling": "depth"},
        {"head.kind": "lda", "head.lda.shrinkage": 0.5, "depths": "grid", "scaling": "feature"},
        {"head.kind": "ridge", "head.ridge.penalty": 1.0, "depths": "all", "scaling": "none"},
    ]
    trials = [evaluated(tries, number, values) for number, values in enumerate(points)]
    monkeypatch.setattr("regraft.pipeline.tuning.blending.drawn", lambda *_: np.array([0.5, 0.3, 0.2]))
    found = blended(trials, min(trials, key=lambda one: one.value or 0), tries)
    assert found is not None
    assert isinstance(found.recipe.head, Blend)
    assert found.recipe.depths == "grid"
    assert str(found).startswith("50% ")
    again = Recipe.from_json(json.loads(json.dumps(found.recipe.to_json())))
    assert again == found.recipe
    whole = tries.climb._fit(again)
    # From what trials have left, before anything is fitted from the features on.
    quick = fit_blend(found, tries)[0]
    np.testing.assert_allclose(quick.weights, whole[0].classifier.weights, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(quick.bias, whole[0].classifier.bias, rtol=1e-4, atol=1e-5)
    seen = tries.climb.held_out
    apart = [scores[seen] - scores[seen].mean(1, keepdims=True) for scores in (found.scores, whole[1])]
    np.testing.assert_allclose(*apart, atol=0.15 * np.abs(apart[1]).max())
    # Where there is no time to weigh them against each other, there is none.
    monkeypatch.setattr("regraft.pipeline.tuning.averaging.ANSWERS_PER_S", 1.0)
    assert blended(trials, min(trials, key=lambda one: one.value or 0), tries) is None


def test_what_a_trial_shared_is_paid_for_when_it_is_fitted_again(tries: Tries) -> None:
    """Discriminant analysis took nothing where logistic regression had paid; fitted alone it pays itself."""
    points = [
        {"head.kind": "logistic", "head.logistic.penalty": 0.1, "head.logistic.smoothing": 0.0},
        {"head.kind": "lda", "head.lda.shrinkage": 0.5},
    ]
    logistic, lda = (
        evaluated(tries, number, {**point, "depths": "all", "scaling": "depth"})
        for number, point in enumerate(points)
    )
    # The rate of discriminant analysis is not known; that of logistic regression is.
    work = tries.work(found_recipe(lda, tries), fits=1)
    assert refit_s(lda, tries) == pytest.approx(tries.pace.cost_s("logistic", work))
    together = refit_s(logistic, tries) + refit_s(lda, tries)
    assert fits_s([logistic, lda], lda, tries) == pytest.approx(together)


def test_where_a_trial_left_its_sums_a_fit_takes_a_factor(tries: Tries) -> None:
    point = {"head.kind": "ridge", "head.ridge.penalty": 1.0, "depths": "all", "scaling": "depth"}
    trial = evaluated(tries, 0, point)
    recipe = found_recipe(trial, tries)
    whole_s = tries.pace.cost_s("ridge", tries.work(recipe, fits=1))
    assert refit_s(trial, tries) == pytest.approx(FACTOR * whole_s)
    # The features are there again, but nothing was made of them.
    tries.tasks.clear()
    tries.tasks.of(recipe)
    assert refit_s(trial, tries) == pytest.approx(whole_s)


def test_a_blend_of_views_is_what_its_recipe_fits(networks: Any, tmp_path: Path, monkeypatch: Any) -> None:
    tries = tries_of(tmp_path, views="both")
    points = [
        {"head.kind": "ridge", "head.ridge.penalty": 0.1, "depths": "last", "scaling": "depth"},
        {"head.kind": "lda", "head.lda.shrinkage": 0.5, "depths": "all", "scaling": "feature"},
    ]
    trials = [evaluated(tries, number, values) for number, values in enumerate(points)]
    monkeypatch.setattr("regraft.pipeline.tuning.blending.drawn", lambda *_: np.array([0.6, 0.4]))
    found = blended(trials, min(trials, key=lambda one: one.value or 0), tries)
    assert found is not None
    whole = tries.climb._fit(found.recipe)[0].classifier
    np.testing.assert_allclose(fit_blend(found, tries)[0].weights, whole.weights, rtol=1e-5, atol=1e-7)


def test_time_for_the_analysis_is_kept_back_where_there_will_be_one(tries: Tries) -> None:
    point = {"head.kind": "logistic", "head.logistic.penalty": 0.1, "head.logistic.smoothing": 0.0}
    trial = evaluated(tries, 0, {**point, "depths": "all", "scaling": "depth"})
    many = [replace(trial, number=number) for number in range(FEWEST)]
    budget, space = tries.climb.budget, tries.space
    most_s = 2 * COST_FRACTION * budget.seconds
    analysed_s = analysis_s(many, trial, space, budget) - analysis_s(many[:-1], trial, space, budget)
    assert analysed_s == pytest.approx(min(importance.cost_s(many, space, "logistic"), most_s))
    assert analysed_s > 1


def test_a_kind_that_shares_nothing_takes_a_part_of_what_its_trial_took(tries: Tries) -> None:
    space = space_for(tries.climb.asked, Search(("head.kind=nearest_mean",)), tries.climb.dataset)
    own = Tries(tries.climb, space, "loss", tries.kept.folder)
    trial = replace(evaluated(own, 7, {"head.kind": "nearest_mean"}), seconds=4.0)
    assert refit_s(trial, own) == 2.0
    # Nor is more known of what another process tried, maybe with networks that are not here.
    assert refit_s(replace(trial, number=8), own) == 2.0


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (None, "parts must be a list of objects"),
        ([5], "parts must be a list of objects"),
        ([], "at least one part"),
        ([{"head": "rigde"}], "There is no head 'rigde'"),
        ([{"head": "ridge"}], "lacks the setting 'share'"),
        ([{"head": "ridge", "share": 1, "temperature": 1, "columns": [[0]], "scaling": "none"}], "columns"),
    ],
)
def test_what_is_no_blend(parts: object, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        Recipe.from_json({"head": {"kind": "blend", "parts": parts}})
