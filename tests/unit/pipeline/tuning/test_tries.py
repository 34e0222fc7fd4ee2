"""Trials of heads that learn from several views of each image."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from regraft.backbones import Backbone
from regraft.core.errors import TrainingError
from regraft.core.hashing import plain
from regraft.data import read
from regraft.features import VARIANTS, FeatureStore, Views, width
from regraft.heads import KernelRidge, Lda, LinearSvm, Logistic, NearestNeighbours, Ridge
from regraft.heads.classifier import Linear
from regraft.heads.prepared.ridge import PreparedRidge
from regraft.heads.trained_linear import TrainedLinear
from regraft.pipeline import Recipe
from regraft.pipeline.budget import Budget
from regraft.pipeline.climb import Climb
from regraft.pipeline.fit import begin
from regraft.pipeline.recipe import Head, kind_of
from regraft.pipeline.trunk import Trunk
from regraft.pipeline.tuning.asked import Search
from regraft.pipeline.tuning.pace import Pace
from regraft.pipeline.tuning.plan import space_for
from regraft.pipeline.tuning.tries import Tries
from regraft.search import Asked, Outcome, OutOfTime, Trial

KINDS = "head.kind=ridge,logistic,lda,linear_svm,kernel_ridge,nearest_neighbours,trained_linear"


@pytest.fixture
def climb(networks: Any, tmp_path: Path) -> Climb:
    """36 images of three shades that overlap, brighter on the left or on the right."""
    random = np.random.default_rng(0)
    for index in range(36):
        folder = tmp_path / "photos" / "abc"[index % 3]
        folder.mkdir(parents=True, exist_ok=True)
        shade = random.normal(100 + 20 * (index % 3), 25) + random.normal(0, 2, 16)[None, :, None]
        pixels = np.broadcast_to(shade, (12, 16, 3)) + random.normal(0, 20, (12, 16, 3))
        PIL.Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{index:02}.png")
    trunk = Trunk(read(tmp_path / "photos"), FeatureStore(), "auto")
    return begin(Recipe(("lite0",), "grid", "feature", folds=2), trunk, Budget(60.0))[0]


@pytest.fixture
def tries(climb: Climb, tmp_path: Path) -> Tries:
    """What evaluates every kind of head with every kind of views."""
    space = space_for(climb.asked, Search((KINDS, "views=plain,mirrored,cropped,both")), climb.dataset)
    return Tries(climb, space, "loss", tmp_path / "kept")


def point(head: Head, views: Views, number: int = 0) -> Asked:
    kind = kind_of(head)
    return Asked(number, {"views": views, "head.kind": kind} | own(head, kind))


def own(head: Head, kind: str) -> dict[str, Any]:
    return {f"head.{kind}.{name}": value for name, value in vars(head).items()}


@pytest.mark.parametrize(
    ("head", "precision"),
    [
        (Ridge(), 1e-5),
        (Ridge(0.1), 1e-5),
        # Solvers stop where they are near enough, and begin elsewhere in a path of penalties.
        (Logistic(), 1e-2),
        (Logistic(0.1), 1e-3),
        (Lda(0.3), 1e-5),
        (LinearSvm(0.1), 1e-3),
        (NearestNeighbours(3), 1e-5),
        (TrainedLinear(epochs=4), 1e-5),
    ],
    ids=str,
)
def test_a_trial_with_views_is_what_a_fit_of_that_recipe_is(
    tries: Tries, climb: Climb, head: Head, precision: float
) -> None:
    outcome = tries.evaluate(point(head, "both"), lambda value, step: None)
    fitted = climb.attempt(replace(climb.asked, head=head, views="both"))
    assert outcome.details["head"] == plain(fitted.recipe.head)
    assert outcome.value == pytest.approx(fitted.loss, rel=precision)
    np.testing.assert_allclose(
        tries.predictions(0), fitted.answers.probabilities, atol=max(2e-3, 3 * precision)
    )


def test_what_is_learnt_from_views_is_not_what_plain_images_teach(tries: Tries) -> None:
    every: tuple[Views, ...] = ("plain", "mirrored", "cropped", "both")
    found = [tries.evaluate(point(Ridge(0.1), views), lambda value, step: None).value for views in every]
    assert len({round(value, 4) for value in found}) == 4


def test_a_population_with_views_is_what_fits_are(tries: Tries, climb: Climb) -> None:
    heads = [TrainedLinear(learning_rate=rate, epochs=3) for rate in (0.001, 0.01)]
    group = [point(head, "mirrored", number) for number, head in enumerate(heads)]
    assert tries.key(group[0]) == tries.key(group[1]) != tries.key(point(heads[0], "plain"))
    for head, outcome in zip(heads, tries.evaluate_together(group, halve=False), strict=True):
        fitted = climb.attempt(replace(climb.asked, head=head, views="mirrored"))
        assert outcome.value == pytest.approx(fitted.loss, rel=1e-4)


def test_views_are_embedded_when_a_trial_first_needs_them_and_never_of_test_images(
    tries: Tries, climb: Climb
) -> None:
    def passes(views: Views) -> int:
        before = climb.trunk.forward_passes
        tries.evaluate(point(Ridge(0.1), views), lambda value, step: None)
        return climb.trunk.forward_passes - before

    learnt = len(climb.dataset)
    assert learnt < len(climb.trunk.images)
    assert [passes(views) for views in ("plain", "mirrored", "both", "cropped")] == [0, learnt, 2 * learnt, 0]
    tested = [example.sha256 for example in climb.trunk.images.part("test").examples]
    for variant in VARIANTS["both"][1:]:
        assert climb.trunk.store.missing(variant.key(climb.trunk.backbone("lite0")), tested) == tested


def test_views_that_take_longer_than_what_is_left_fail_with_the_reason(
    tries: Tries, climb: Climb, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take(seconds: float) -> None:
        """For each view of all images."""
        rate_per_s = len(climb.dataset) / seconds
        monkeypatch.setattr(Backbone, "measure_images_per_s", lambda self: rate_per_s)

    before = climb.trunk.forward_passes
    take(seconds=100)
    with pytest.raises(TrainingError, match=r"lite0 with both views would take 300 s, \d+ s are left"):
        tries.evaluate(point(Ridge(), "both"), lambda value, step: None)
    take(seconds=40)
    with pytest.raises(TrainingError, match="would take 40 of 60 s"):
        tries.evaluate(point(Ridge(), "mirrored"), lambda value, step: None)
    assert climb.trunk.forward_passes == before
    # What needs no new features is still tried.
    assert tries.evaluate(point(Ridge(), "plain"), lambda value, step: None).value > 0


def test_after_ctrl_c_views_wait_for_whoever_goes_on(tries: Tries, climb: Climb) -> None:
    climb.budget.interrupted = True
    with pytest.raises(OutOfTime):
        tries.evaluate(point(Ridge(), "mirrored"), lambda value, step: None)


@pytest.mark.parametrize("views", ["plain", "both"])
@pytest.mark.parametrize("head", [Ridge(0.1), Lda(0.3), KernelRidge(0.1), NearestNeighbours(3)], ids=str)
def test_the_best_is_fitted_from_what_its_trial_left(
    tries: Tries, climb: Climb, head: Head, views: Views, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gives the model of a fit from the features on, and reads none of them again."""
    asked = point(head, views)
    tries.evaluate(asked, lambda value, step: None)
    recipe, known = tries._recipe(asked), tries.scores_of_best(Trial(asked.number, asked.values, "complete"))
    whole = climb._fit(recipe)[0]
    assert tries.tasks.knows(recipe) == (not isinstance(head, NearestNeighbours))
    monkeypatch.setattr(climb.trunk, "read_views", lambda *_: pytest.fail("features are read again"))
    quick = tries.tasks.attempt(recipe, known=known).model
    assert (quick.recipe, quick.cards) == (whole.recipe, whole.cards)
    new = np.random.default_rng(0).random((5, width(whole.cards, "grid"))).astype(np.float32)
    apart = [model.scores(new) * model.temperature for model in (quick, whole)]
    np.testing.assert_allclose(*apart, rtol=1e-3, atol=1e-3)


def test_where_memory_is_lacking_a_fit_begins_anew(tries: Tries, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, real, lacking = point(Ridge(0.1), "plain"), PreparedRidge.fit, [True]
    tries.evaluate(asked, lambda value, step: None)
    recipe = tries._recipe(asked)

    def fit(self: PreparedRidge, head: Ridge) -> Linear:
        if lacking.pop() if lacking else False:
            raise MemoryError
        return real(self, head)

    monkeypatch.setattr(PreparedRidge, "fit", fit)
    fitted = tries.tasks.fit(recipe)
    assert not lacking
    assert tries.tasks.fit(recipe) is fitted, "what was fitted once is kept"
    tries.tasks.clear()
    assert not tries.tasks.knows(recipe)


@pytest.mark.parametrize("views", ["plain", "mirrored"])
@pytest.mark.parametrize("head", [Ridge(), Ridge(0.1), Lda(0.3), Logistic(0.1)], ids=str)
def test_an_attempt_shares_its_work_with_trials_and_is_what_a_fit_is(
    tries: Tries, climb: Climb, head: Head, views: Views, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the plain probe does: its trial takes from it what it can."""
    recipe = replace(climb.asked, head=head, views=views)
    tries.embed(recipe)
    model, scores = climb._fit(recipe)
    assert not tries.tasks.knows(recipe)
    candidate = tries.tasks.attempt(recipe)
    assert candidate.recipe == model.recipe
    (_, said) = climb.trials.read(climb._trial_key(recipe))
    apart = [each - each.mean(1, keepdims=True) for each in (said, scores)]
    np.testing.assert_allclose(*apart, rtol=1e-2, atol=1e-2 * np.abs(apart[1]).max())
    assert tries.tasks.of(recipe).rows.prepared.helps(head)
    monkeypatch.setattr(climb.trunk, "read_views", lambda *_: pytest.fail("features are read again"))
    outcome = tries.evaluate(point(head, views), lambda value, step: None)
    assert outcome.value == pytest.approx(candidate.loss, rel=1e-2)


def test_where_memory_is_lacking_for_what_is_shared_an_attempt_does_without(
    tries: Tries, climb: Climb, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(*_: object, **__: object) -> None:
        raise MemoryError

    recipe = replace(climb.asked, head=Ridge(0.1))
    monkeypatch.setattr(PreparedRidge, "path", lacking)
    assert tries.tasks.attempt(recipe).recipe == recipe
    assert not tries.tasks.knows(recipe)


@pytest.mark.parametrize("head", [Logistic(0.1), LinearSvm(0.1), Lda(0.3)], ids=str)
def test_long_work_is_left_once_the_time_has_been_up_for_a_while(
    tries: Tries, climb: Climb, head: Head, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []

    def require_patience(self: Pace) -> None:
        looks.append(self)
        raise OutOfTime

    def evaluate(head: Head, number: int) -> Outcome:
        return tries.evaluate(point(head, "plain", number), lambda value, step: None)

    with monkeypatch.context() as patched:
        patched.setattr(Pace, "require_patience", require_patience)
        with pytest.raises(OutOfTime):
            evaluate(head, 0)
        assert looks
        # What has to be fitted is fitted.
        assert tries.tasks.attempt(replace(climb.asked, head=head)).loss > 0
    assert evaluate(head, 1).value > 0
    if isinstance(head, Lda):
        return
    # Where all folds are decomposed, a solver still asks.
    with monkeypatch.context() as patched:
        patched.setattr(Pace, "require_patience", require_patience)
        with pytest.raises(OutOfTime):
            evaluate(replace(head, penalty=0.2), 2)


def test_a_trial_whose_fit_would_no_longer_fit_waits(tries: Tries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pace, "fit_s", lambda *_, **__: 1000.0)
    with pytest.raises(OutOfTime):
        tries.evaluate(point(Ridge(0.1), "plain"), lambda value, step: None)
    # For that of the best trial so far, time was kept back.
    tries.kept_s = 1000.0
    assert tries.evaluate(point(Ridge(0.1), "plain"), lambda value, step: None).value > 0
