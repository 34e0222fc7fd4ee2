"""Heads of somebody's own, tuned with the annotations of their own settings."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest

from regraft.core.arrays import Features, Truth, Weights
from regraft.core.errors import RecipeError
from regraft.core.settings import Knob, check
from regraft.heads import Linear, Logistic, NearestMean, Ridge, ridge_path
from regraft.search import OutOfTime, parse_changes
from regraft.search.held_out import Task, best_of_path, each_alone, require_objective, steps, value_of
from regraft.search.study import Settings
from regraft.search.tuning import search_heads


@dataclass(frozen=True)
class Pulled:
    """Class means, each feature raised to a power."""

    power: Annotated[float, Knob("of every feature", low=-2, high=2)] = 0.0

    def __post_init__(self) -> None:
        check(self)

    def fit(
        self, features: Features, labels: Truth, *, class_count: int, weights: Weights | None = None
    ) -> Linear:
        scale = np.array([1.0, 0.1]) ** (1 - self.power)
        fitted = NearestMean().fit(features * scale, labels, class_count=class_count, weights=weights)
        return Linear(fitted.weights * scale[:, None], fitted.bias)


@pytest.fixture
def task() -> Task:
    """Two classes apart in the first feature; the second is large and means nothing."""
    random = np.random.default_rng(0)
    labels = np.arange(120) % 2
    features = np.stack([labels + random.normal(0, 0.5, 120), random.normal(0, 10, 120)], axis=1)
    return Task(features.astype(np.float32), labels, 2, (np.arange(120) // 2 % 5, np.arange(120) // 3 % 4))


def test_a_head_of_ones_own_is_tuned(task: Task) -> None:
    study = search_heads(task, {"pulled": Pulled}, trials=20, settings=Settings(sampler="sobol"))
    first, best = study.trials[0], study.best
    assert first.values == {"head.kind": "pulled", "head.pulled.power": 0.0}
    assert len(study.trials) == 20
    assert best is not None
    assert best.value < 0.9 * max(trial.value for trial in study.trials)
    assert study.space.head(best.values).power == best.values["head.pulled.power"]


def test_it_stands_beside_the_heads_of_the_house(task: Task) -> None:
    changes = parse_changes(["head.ridge.penalty=1e-2..1e2:log", "head.pulled.power=-1..1"])
    study = search_heads(
        task, {"pulled": Pulled, "ridge": Ridge}, trials=12, changes=changes, objective="accuracy"
    )
    assert {trial.values["head.kind"] for trial in study.trials} == {"pulled", "ridge"}
    assert all(0 <= trial.value <= 1 for trial in study.trials)


def test_a_grid_of_ones_own(task: Task) -> None:
    changes = parse_changes(["head.power=-1,0,1"])
    study = search_heads(
        task, {"pulled": Pulled}, trials=99, changes=changes, settings=Settings(sampler="grid")
    )
    assert sorted(trial.values["head.pulled.power"] for trial in study.trials) == [-1, 0, 1]


def test_a_file_keeps_studies_of_other_examples_and_other_heads_apart(task: Task, tmp_path: Path) -> None:
    def tried(task: Task, heads: dict[str, type]) -> int:
        return len(search_heads(task, heads, trials=4, storage=tmp_path / "s.log").trials)

    assert tried(task, {"pulled": Pulled}) == 4
    assert tried(task, {"pulled": Pulled, "ridge": Ridge}) == 4
    search_heads(
        replace(task, features=0 * task.features), {"pulled": Pulled}, trials=9, storage=tmp_path / "s.log"
    )
    again = search_heads(task, {"pulled": Pulled}, trials=6, storage=tmp_path / "s.log")
    assert len(again.trials) == 6


def test_the_last_step_is_what_held_out_gives(task: Task) -> None:
    from regraft.heads import held_out

    for head, count in ((Logistic(penalty=0.1), 9), (Ridge(penalty=1.0), 2)):
        found = [*steps(head, task)]
        wanted = [
            held_out(head, task.features, task.labels, class_count=2, folds=folds) for folds in task.rounds
        ]
        assert len(found) == count <= task.steps == 9
        np.testing.assert_allclose(found[-1], np.mean(wanted, axis=0), atol=2e-4)
    # One fold after the first step of a head that is fitted fold by fold.
    first = next(steps(Logistic(penalty=0.1), task))
    assert (~np.isnan(first[:, 0])).sum() == (task.rounds[0] == 0).sum()


def test_what_is_never_held_out_is_never_judged(task: Task) -> None:
    folds = np.where(np.arange(120) < 100, -1, 0)
    given = Task(task.features, task.labels, 2, (folds,))
    (scores,) = steps(Logistic(penalty=0.1), given)
    assert np.isnan(scores[:100]).all()
    assert given.seen.sum() == 20
    assert 0 <= value_of(scores, given, "accuracy") <= 1
    assert value_of(scores, given, "loss") < np.log(2)


@dataclass(frozen=True)
class Diverging:
    """A head whose scores are nonsense."""

    pull: Annotated[float, Knob("of nothing", low=0, high=1)] = 0.0

    def fit(
        self, features: Features, labels: Truth, *, class_count: int, weights: Weights | None = None
    ) -> Linear:
        return Linear(np.full((features.shape[1], class_count), np.nan), np.zeros(class_count))


def test_a_fit_that_diverges_is_a_failure_with_a_reason(task: Task) -> None:
    study = search_heads(task, {"diverging": Diverging, "ridge": Ridge}, trials=12)
    failed = [trial for trial in study.trials if trial.state == "failed"]
    assert failed
    assert {trial.values["head.kind"] for trial in failed} == {"diverging"}
    assert "no finite numbers" in failed[0].reason
    assert study.best is not None


def test_objectives_that_make_no_sense() -> None:
    labels = np.zeros((3, 2), bool)
    assert require_objective("loss", labels) == "loss"
    with pytest.raises(RecipeError, match="right answer"):
        require_objective("accuracy", labels)
    with pytest.raises(RecipeError, match="Did you mean loss"):
        require_objective("los", labels)


@pytest.mark.parametrize("head", [Ridge(), Logistic()])
def test_a_head_that_chooses_its_penalty_takes_the_best_of_its_path(
    task: Task, head: Ridge | Logistic
) -> None:
    from regraft.heads.prepared import penalties

    chosen, scores = best_of_path(head, task, alone=False, pause=lambda: None)
    tried = [[*steps(replace(head, penalty=penalty), task)][-1] for penalty in penalties(head)]
    losses = [value_of(each, task, "loss") for each in tried]
    assert chosen.penalty == penalties(head)[int(np.argmin(losses))]
    # A fit that starts from the one before ends elsewhere within its tolerance.
    assert value_of(scores, task, "loss") == pytest.approx(min(losses), rel=1e-3)
    if isinstance(head, Ridge):
        path = ridge_path(task.features, task.labels, class_count=2, folds=None)
        chosen, scores = best_of_path(head, task, alone=True, pause=lambda: None)
        assert chosen.penalty == path.penalties[path.best]
        np.testing.assert_allclose(scores, path.held_out[path.best], atol=1e-5)


def test_a_path_ends_where_the_loss_is_rising(task: Task) -> None:
    """Of many features that mean nothing, the weaker the penalty, the worse; so weak ones are not tried."""
    asked: list[int] = []
    features = np.random.default_rng(0).normal(size=(120, 60)).astype(np.float32)
    features[:, 0] += 2 * task.labels
    noisy = replace(task, features=features)
    chosen, _ = best_of_path(Logistic(smoothing=0.1), noisy, alone=False, pause=lambda: asked.append(1))
    assert chosen.penalty == 1.0
    assert len(asked) < 4


def test_ridge_settles_for_the_best_so_far_where_there_is_no_more_time(task: Task) -> None:
    whole, _ = best_of_path(Ridge(), task, alone=True, pause=lambda: None)
    looks = iter([False, True])

    def never() -> None:
        raise OutOfTime

    for is_enough, at_most in ((lambda: True, 10.0**3), (lambda: next(looks), 10.0**1.5)):
        chosen, scores = best_of_path(Ridge(), task, alone=True, pause=never, is_enough=is_enough)
        assert 1 / at_most < chosen.penalty / whole.penalty < at_most
        np.testing.assert_allclose(scores, each_alone(chosen, task), atol=1e-6)


def test_a_path_ends_where_there_is_no_time(task: Task) -> None:
    asked = []

    def pause() -> None:
        asked.append(1)
        raise OutOfTime

    with pytest.raises(OutOfTime):
        best_of_path(Ridge(), task, alone=False, pause=pause)
    assert len(asked) == 1
