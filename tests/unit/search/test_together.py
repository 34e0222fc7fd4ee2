"""Heads that train side by side, among others, in a search of one's own."""

from typing import Any

import numpy as np
import pytest

from regraft.heads import Ridge
from regraft.heads.together import held_out_together
from regraft.heads.trained_linear import TrainedLinear
from regraft.search import Outcome, parse_changes, space_of
from regraft.search.held_out import Task, steps, value_of
from regraft.search.memory import RETRIED
from regraft.search.study import Settings, open_study
from regraft.search.together import FIRST, MOST, ask_for, tried_together
from regraft.search.trial import Dropped, Failed
from regraft.search.tuning import search_heads

CHEAP = parse_changes(["head.epochs=2,4,8", "head.optimizer=sgd,adamw", "head.learning_rate=1e-3..1:log"])


@pytest.fixture
def task() -> Task:
    random = np.random.default_rng(0)
    labels = np.arange(90) % 3
    features = random.normal(size=(90, 5)) + 1.5 * np.eye(3, 5)[labels]
    return Task(features.astype(np.float32), labels, 3, (np.arange(90) // 3 % 3,))


def judge(task: Task):
    return lambda _at, scores: Outcome(value_of(scores, task, "loss"))


def test_those_that_finish_are_judged_like_each_on_its_own(task: Task) -> None:
    heads = [TrainedLinear(learning_rate=rate, epochs=4) for rate in (0.01, 0.1)]
    found = tried_together(heads, task, judge(task), objective="loss", halve=False)
    for head, outcome in zip(heads, found, strict=True):
        *_, scores = steps(head, task)
        assert outcome.value == pytest.approx(value_of(scores, task, "loss"), rel=1e-4)
        assert len(outcome.details["losses"]) == 4


def test_the_worse_are_dropped_and_the_diverged_fail(task: Task) -> None:
    heads = [TrainedLinear(learning_rate=rate, epochs=8) for rate in (0.1, 1e-5, 2e-5, 3e-5)]
    heads.append(TrainedLinear(optimizer="sgd", learning_rate=100, weight_decay=10, epochs=8, momentum=0.9))
    found = tried_together(heads, task, judge(task), objective="loss")
    assert isinstance(found[0], Outcome)
    dropped = [one for one in found if isinstance(one, Dropped)]
    assert dropped
    assert all(one.value > found[0].value and one.step < 8 for one in dropped)
    found = tried_together(heads, task, judge(task), objective="accuracy")
    assert {one.value for one in found if isinstance(one, Dropped)} == {None}


@pytest.mark.parametrize("objective", ["loss", "accuracy"])
def test_who_leaves_is_worse_by_what_counts(
    task: Task, objective: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, real = list[str](), held_out_together

    def noted(*given: Any, **settings: Any) -> Any:
        asked.append(settings["criterion"])
        return real(*given, **settings)

    monkeypatch.setattr("regraft.search.together.held_out_together", noted)
    heads = [TrainedLinear(learning_rate=rate, epochs=4) for rate in (0.1, 1e-5)]
    tried_together(heads, task, judge(task), objective=objective)
    assert asked == [objective]


def test_a_head_that_diverges_fails_with_the_reason() -> None:
    random = np.random.default_rng(0)
    labels = np.arange(60) % 2
    task = Task(random.normal(size=(60, 3)).astype(np.float32), labels, 2, (np.arange(60) // 2 % 3,))
    wild = TrainedLinear(optimizer="sgd", learning_rate=100, weight_decay=10, epochs=60, decay="constant")
    tame, failed = tried_together([TrainedLinear(), wild], task, judge(task), objective="loss", halve=False)
    assert isinstance(tame, Outcome)
    assert isinstance(failed, Failed)
    assert "lower the learning rate" in failed.reason


def test_a_search_of_ones_own_trains_them_together(task: Task) -> None:
    heads = {"trained_linear": TrainedLinear, "ridge": Ridge}
    study = search_heads(task, heads, trials=40, changes=CHEAP)
    states = {trial.state for trial in study.trials if trial.values["head.kind"] == "trained_linear"}
    assert {"complete", "pruned"} <= states
    assert len(study.trials) == len({trial.key for trial in study.trials}) == 40
    assert {trial.state for trial in study.trials if trial.values["head.kind"] == "ridge"} == {"complete"}
    assert study.best.value < np.log(3)


def test_where_memory_lacks_half_are_trained_at_a_time(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    from regraft.search import together

    train, sizes = together.held_out_together, []

    def scarce(heads, *given, **named):
        sizes.append(len(heads))
        if len(heads) > 8:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return train(heads, *given, **named)

    monkeypatch.setattr(together, "held_out_together", scarce)
    study = search_heads(
        task, {"trained_linear": TrainedLinear}, trials=16, changes=CHEAP, settings=Settings(sampler="random")
    )
    assert sizes == [16, 8, 8]
    assert len(study.trials) == 16
    done = [trial for trial in study.trials if trial.state == "complete"]
    assert done
    assert all("8 were trained at a time" in trial.details[RETRIED] for trial in done)


def test_so_many_are_asked_for_as_there_is_use_for() -> None:
    def opened(*heads: type, sampler: str = "tpe"):
        space = space_of({head.__name__: head for head in heads})
        return open_study(space, name="test", storage=None, settings=Settings(sampler=sampler))

    assert ask_for(opened(Ridge)) == 1
    assert ask_for(opened(Ridge, TrainedLinear, sampler="sobol")) == MOST
    study = opened(Ridge, TrainedLinear)
    assert ask_for(study) == FIRST
    for asked in study.ask(3 * FIRST):
        study.tell(asked, Outcome(1.0))
    assert ask_for(study) == 3 * FIRST // 2


def test_without_a_pruner_nobody_leaves(task: Task) -> None:
    heads = {"trained_linear": TrainedLinear}
    study = search_heads(task, heads, trials=16, changes=CHEAP, settings=Settings("random", "none"))
    assert {trial.state for trial in study.trials} == {"complete"}
