import math
import pickle
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

from regraft.search import Axis, Choice, Range, sampler
from regraft.search.evolution import GENERATION, Evolution, advance, first_generation
from regraft.search.numbered import distributions
from regraft.search.storage import open_storage

AXES: dict[str, Axis] = {"x": Range(1e-3, 1e3, log=True), "y": Range(-1, 3), "colour": Choice(("a", "b"))}


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self.file,)


def begun(storage: object = None, axes: dict[str, Axis] = AXES, seed: int = 0) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    made = sampler("cmaes", axes, seed=seed)
    return optuna.create_study(storage=storage, study_name="s", sampler=made, load_if_exists=True)


def loss(point: dict[str, float]) -> float:
    return (math.log10(point["x"]) - 2) ** 2 + (point["y"] + 0.5) ** 2


def run(study: optuna.Study, count: int, axes: dict[str, Axis] = AXES) -> list[dict[str, float]]:
    points = []
    for _ in range(count):
        trial = study.ask(fixed_distributions=distributions(axes))
        points.append(trial.params)
        study.tell(trial, loss(trial.params))
    return points


def test_generations_close_in_on_the_best_point() -> None:
    points = run(begun(), 120)
    first, last = points[:12], points[-12:]
    assert sum(map(loss, last)) < 0.05 * sum(map(loss, first))
    assert {point["colour"] for point in points} == {"a", "b"}


def test_what_is_kept_is_one_number_for_each_trial(tmp_path: Path) -> None:
    study = begun(open_storage(tmp_path / "s.log"))
    run(study, 30)
    marks = [trial.system_attrs for trial in study.trials]
    assert all(mark.keys() == {GENERATION} for mark in marks)
    assert [mark[GENERATION] for mark in marks] == sorted(mark[GENERATION] for mark in marks)
    assert marks[0][GENERATION] == 0
    assert marks[-1][GENERATION] == 4


@pytest.mark.parametrize("file", ["s.log", "s.sqlite"])
def test_nothing_from_the_storage_is_executed(tmp_path: Path, file: str) -> None:
    study = begun(open_storage(tmp_path / file))
    run(study, 8)
    code = pickle.dumps(Bomb(tmp_path / "executed")).hex()
    pickle.loads(bytes.fromhex(code))
    (tmp_path / "executed").unlink()
    for name in ("cma:optimizer", "cma:optimizer:0", GENERATION):
        trial = study.ask(fixed_distributions=distributions(AXES))
        study._storage.set_trial_system_attr(trial._trial_id, name, code)
        study.tell(trial, 0.0)
    run(study, 8)
    assert not (tmp_path / "executed").exists()


def test_answers_that_come_late_do_not_change_the_past() -> None:
    study = begun()
    asked = [study.ask(fixed_distributions=distributions(AXES)) for _ in range(9)]
    assert all(trial._get_latest_trial().system_attrs[GENERATION] == 0 for trial in asked)
    for trial in reversed(asked[3:]):
        study.tell(trial, loss(trial.params))
    full = study.get_trials()
    for trial in asked[:3]:
        study.tell(trial, 0.0)
    axes = {name: axis for name, axis in distributions(AXES).items() if name != "colour"}
    before, after = first_generation(axes), first_generation(axes)
    advance(before, full, axes)
    advance(after, study.get_trials(), axes)
    assert before.generation == after.generation == 1
    np.testing.assert_array_equal(before.ask(), after.ask())


def test_who_came_late_stands_where_the_others_do() -> None:
    study = begun()
    run(study, 40)
    axes = {name: axis for name, axis in distributions(AXES).items() if name != "colour"}
    late = first_generation(axes)
    advance(late, study.get_trials(), axes)
    known = study.sampler._evolution._optimizer
    advance(known, study.get_trials(), axes)
    assert late.generation == known.generation > 4
    np.testing.assert_allclose(late.mean, known.mean, rtol=1e-12)


def test_proposed_points_and_other_ranges_are_no_generation() -> None:
    study = begun()
    study.enqueue_trial({"x": 1e3, "y": 3.0, "colour": "a"})
    run(study, 1)
    wider = {**AXES, "y": Range(-9, 9)}
    other = begun(study._storage, wider)
    run(other, 5, wider)
    assert [trial.system_attrs.get(GENERATION, 0) for trial in other.trials] == [0] * 6
    run(other, 3, wider)
    assert other.trials[-1].system_attrs[GENERATION] == 1


def test_whole_numbers_and_steps_reach_both_ends() -> None:
    axes: dict[str, Axis] = {"x": Range(1, 3, whole=True), "y": Range(0, 1, step=0.5)}
    points = [(point["x"], point["y"]) for point in run(begun(axes=axes), 40, axes)]
    assert {x for x, _ in points} == {1, 2, 3}
    assert {y for _, y in points} == {0.0, 0.5, 1.0}
    assert all(isinstance(x, int) for x, _ in points)


def test_without_numbers_choices_are_drawn() -> None:
    study = begun(axes={"colour": Choice(("a", "b"))})
    drawn = {
        study.ask(fixed_distributions={"colour": CategoricalDistribution(("a", "b"))}).params["colour"]
        for _ in range(12)
    }
    assert drawn == {"a", "b"}


def test_what_has_one_value_is_no_axis_to_it() -> None:
    axes = {"x": FloatDistribution(1, 1), "n": IntDistribution(2, 5)}
    frozen = create_trial(state=TrialState.RUNNING)
    assert list(Evolution(axes).infer_relative_search_space(begun(), frozen)) == ["n"]
