"""Searching on images of one colour, which every head can tell apart."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from regraft.core.errors import RecipeError
from regraft.core.hashing import fingerprint
from regraft.heads import Lda
from regraft.heads.prepared.lda import PreparedLda
from regraft.heads.prepared.reduced import PreparedReduced
from regraft.pipeline import Recipe, climb, load
from regraft.pipeline.judging import Candidate
from regraft.pipeline.run import Run
from regraft.pipeline.tuning.asked import Search
from regraft.pipeline.tuning.tasks import Tasks
from regraft.pipeline.tuning.tries import Tries

Paint = Callable[..., Path]
# The package offers the function under the module's name.
module = importlib.import_module("regraft.pipeline.tune")
tune = module.tune

pytestmark = pytest.mark.usefixtures("networks")
CHEAP = ("head.kind=ridge,lda",)


@pytest.fixture
def tuned(paint: Paint, tmp_path: Path) -> Callable[..., Run]:
    """Tune on painted images, with cheap heads unless told otherwise, into one folder of this test."""

    def run(*, out: str = "run", recipe: Recipe | None = None, **search: object) -> Run:
        photos = tmp_path / "photos"
        source = photos if photos.exists() else paint(each=10)
        wanted = Search(**{"space": CHEAP, "trials": 6, **search})
        return tune(source, search=wanted, budget="60s", out=tmp_path / out, recipe=recipe)

    return run


def test_a_search_ends_in_a_run(tuned: Callable[..., Run]) -> None:
    run = tuned()
    found = run.report.data["search"]
    assert found["counts"] == {"complete": 6, "pruned": 0, "failed": 0, "running": 0}
    rungs = [step["rung"] for step in run.report.data["ladder"]]
    assert rungs == ["majority class", "probe", "search", "blend"]
    assert run.report.data["test"] is not None
    best = found["trials"][found["best"]]
    assert best["value"] == min(trial["value"] for trial in found["trials"])
    assert load(run.folder).recipe == run.model.recipe
    assert (run.folder / "manifest.json").is_file()


def test_settings_of_a_search_may_be_named_alone(paint: Paint, tmp_path: Path) -> None:
    words = {"space": "head.kind=ridge,lda", "sampler": "random", "trials": 3}
    found = tune(paint(each=10), out=tmp_path / "run", budget="60s", **words).report.data["search"]
    assert (found["sampler"], len(found["trials"])) == ("random", 3)
    with pytest.raises(RecipeError, match=r"no setting 'trails'\. Did you mean trials"):
        tune(tmp_path / "photos", out=tmp_path / "other", trails=3)
    assert not (tmp_path / "other").exists()


def test_trials_begin_with_a_rule_of_thumb_and_differ(tuned: Callable[..., Run]) -> None:
    trials = tuned().report.data["search"]["trials"]
    assert trials[0]["values"] == {
        "depths": "all",
        "scaling": "depth",
        "head.kind": "ridge",
        "head.ridge.penalty": None,
    }
    assert trials[0]["details"]["head"]["penalty"] > 0
    assert len({str(trial["values"]) for trial in trials}) == 6


def test_predictions_of_every_trial_are_kept(tuned: Callable[..., Run]) -> None:
    run = tuned()
    files = sorted((run.folder / "study").rglob("*.npz"))
    assert [int(file.stem) for file in files] == [0, 1, 2, 3, 4, 5]
    with np.load(files[0]) as kept:
        said = kept["probabilities"]
    assert said.dtype == np.float16
    assert said.shape[1] == 3
    np.testing.assert_allclose(said.sum(axis=1, dtype=np.float32), 1, atol=0.01)


def test_the_corrected_score_is_no_better_than_the_naive_one(tuned: Callable[..., Run]) -> None:
    found = tuned(objective="loss").report.data["search"]
    corrected = found["corrected"]
    assert corrected["candidates"] == 6
    assert corrected["naive"]["value"] == pytest.approx(found["trials"][found["best"]]["value"], rel=0.05)
    assert corrected["corrected"]["value"] >= corrected["naive"]["value"] - 1e-6


def test_where_classes_count_alike_so_do_they_in_the_corrected_score(
    paint: Paint, tuned: Callable[..., Run]
) -> None:
    for file in sorted((paint(each=10) / "red").iterdir())[4:]:
        file.unlink()
    found = tuned(recipe=Recipe(class_weights="balanced")).report.data["search"]
    assert found["weighted"]
    best = found["trials"][found["best"]]["value"]
    assert found["corrected"]["naive"]["value"] == pytest.approx(best, rel=0.02)


@pytest.mark.parametrize(("weights", "better"), [(None, False), (np.array([5.0, 1.0, 1.0]), True)])
def test_by_accuracy_the_best_is_compared_by_weight(weights: np.ndarray | None, *, better: bool) -> None:
    tries, one, other = Mock(spec=Tries), Mock(spec=Candidate), Mock(spec=Candidate)
    tries.objective, tries.climb = "accuracy", Mock(held_out_weights=weights)
    one.answers, other.answers = Mock(right=np.array([1, 0, 0])), Mock(right=np.array([0, 1, 1]))
    assert module._is_better(one, other, tries) == better


def test_the_best_trial_is_fitted_again_and_judged_by_what_it_said_before(
    tuned: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt, known, fitted = Tasks.attempt, [], []

    def attempted(self: Tasks, recipe: Recipe, **words: Any) -> Candidate:
        known.append(words.get("known"))
        return attempt(self, recipe, **words)

    def fit_head(*given: object, **words: object) -> object:
        fitted.append(given[0])
        return real(*given, **words)

    real = climb.fit_head
    monkeypatch.setattr(Tasks, "attempt", attempted)
    monkeypatch.setattr(climb, "fit_head", fit_head)
    # One kind of features, so that nothing is blended afterwards.
    found = tuned(space=("head.kind=ridge", "depths=all", "scaling=depth")).report.data
    best = found["search"]["trials"][found["search"]["best"]]
    step = next(step for step in found["ladder"] if step["rung"] == "search")
    assert known[0] is None, "the probe"
    assert known[1] is not None
    assert not fitted, "not even the probe is fitted from its features on: its trial goes on from there"
    assert f"log-loss {best['value']:.3f}" in step["reason"]


def test_the_best_of_others_is_not_fitted_to_each_fold_again(
    tuned: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"storage": str(tmp_path / "shared.log"), "space": ("head.kind=ridge", "depths=all")}
    first = tuned(out="one", trials=4, **given)
    fitted, real = [], climb.fit_head
    monkeypatch.setattr(climb, "fit_head", lambda *given, **words: fitted.append(1) or real(*given, **words))
    # Nothing that the first one fitted is on record here.
    monkeypatch.setattr(climb.Climb, "_trial_key", lambda self, recipe: fingerprint([str(recipe), "other"]))
    second = tuned(out="two", trials=4, **given)
    assert not fitted
    assert second.model.recipe == first.model.recipe
    losses = [run.report.data["ladder"][2]["reason"].split("log-loss ")[1][:4] for run in (first, second)]
    assert losses[0] == losses[1]


def test_trials_leave_time_for_the_fits_that_follow(
    tuned: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_back, for_fits, evaluate, refit = [], [], Tries.evaluate, module._refit

    def evaluated(self: Tries, *given: Any) -> Any:
        kept_back.append(self.climb.budget.reserved_s)
        for_fits.append(self.kept_s)
        return evaluate(self, *given)

    def refitted(tries: Tries, *given: Any, **words: Any) -> Any:
        kept_back.append(tries.climb.budget.reserved_s)
        return refit(tries, *given, **words)

    monkeypatch.setattr(Tries, "evaluate", evaluated)
    monkeypatch.setattr(module, "_refit", refitted)
    monkeypatch.setattr(module, "fits_s", lambda *_: 7.0)
    tuned(trials=3)
    finish_s = kept_back[0]
    assert kept_back == [finish_s, finish_s + 7, finish_s + 7, finish_s]
    assert for_fits == [0, 7, 7]


def test_the_best_trial_is_fitted_also_when_the_time_is_up(
    tuned: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    try_points = module.try_points

    def until_the_end(study: object, tries: Any, **words: object) -> None:
        try_points(study, tries, **words)
        tries.climb.budget.seconds = 0.0

    monkeypatch.setattr(module, "try_points", until_the_end)
    found = tuned().report.data
    step = next(step for step in found["ladder"] if step["rung"] == "search")
    assert step["validation"] is not None, step["reason"]


def test_a_study_elsewhere_is_gone_on_with(tuned: Callable[..., Run], tmp_path: Path) -> None:
    shared = str(tmp_path / "shared.log")
    first = tuned(out="one", storage=shared, trials=4).report.data["search"]
    second = tuned(out="two", storage=shared, trials=7).report.data["search"]
    assert second["trials"][:4] == first["trials"]
    assert len(second["trials"]) == 7
    assert second["corrected"]["candidates"] == 7
    assert len({trial["values"]["head.kind"] for trial in second["trials"]}) == 2
    # Of a narrower range than before only what lies in it is chosen.
    narrow = (*CHEAP, "head.ridge.penalty=1e5..1e6:log")
    third = tuned(out="four", storage=shared, trials=9, space=narrow).report.data["search"]
    best = third["trials"][third["best"]]["values"]
    assert best["head.kind"] == "lda" or best["head.ridge.penalty"] >= 1e5
    # Another objective is another study in the same file.
    third = tuned(out="three", storage=shared, trials=2, objective="accuracy").report.data["search"]
    assert len(third["trials"]) == 2
    assert all(0 <= trial["value"] <= 1 for trial in third["trials"])


def test_what_the_recipe_says_is_not_searched(tuned: Callable[..., Run]) -> None:
    recipe = Recipe(("lite0",), depths="all", head=Lda())
    run = tuned(recipe=recipe, space=())
    assert set(run.report.data["search"]["space"]) == {"scaling", "head.kind", "head.lda.shrinkage"}
    assert run.model.recipe.depths == "all"


def test_several_networks_can_be_an_axis(tuned: Callable[..., Run]) -> None:
    run = tuned(space=("head.kind=ridge", "backbones=lite0,lite0+lite1"), sampler="random", trials=8)
    tried = {trial["values"]["backbones"] for trial in run.report.data["search"]["trials"]}
    assert tried == {"lite0", "lite0+lite1"}


def test_a_grid_ends_when_it_is_done(tuned: Callable[..., Run]) -> None:
    axes = ("head.kind=ridge", "head.penalty=0.01,1", "depths=last,all", "scaling=depth")
    found = tuned(space=axes, sampler="grid", trials=None).report.data["search"]
    assert len(found["trials"]) == 4


@pytest.mark.parametrize(
    "pruner", ["asha", *(pytest.param(n, marks=pytest.mark.slow) for n in ("median", "hyperband"))]
)
def test_pruners_leave_a_best_trial(tuned: Callable[..., Run], pruner: str) -> None:
    found = tuned(space=("head.kind=lda",), pruner=pruner, trials=9, sampler="random").report.data["search"]
    assert found["best"] is not None
    assert not [t["reason"] for t in found["trials"] if t["state"] == "failed"]


def test_failures_are_told_and_end_nothing(
    tuned: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit(*_: object, **__: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(PreparedLda, "held_out", fit)
    found = tuned(sampler="random", trials=10).report.data["search"]
    assert found["counts"]["failed"] > 0
    assert {t["reason"] for t in found["trials"] if t["state"] == "failed"} == {"out of memory: no room"}
    assert "10 trials failed, most often so (" in found["advice"][0]
    assert "): out of memory: no room" in found["advice"][0]
    assert found["trials"][found["best"]]["values"]["head.kind"] == "ridge"


def test_where_nothing_works_the_probe_remains(
    tuned: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit(*_: object, **__: object) -> None:
        raise ValueError("never")

    for way in ("held_out", "path"):
        monkeypatch.setattr(PreparedReduced, way, fit)
    run = tuned(space=("head.kind=logistic",), trials=3)
    last = run.report.data["ladder"][-1]
    assert not last["adopted"]
    assert "ValueError: never" in last["reason"]
    assert run.report.data["search"]["best"] is None
    assert run.report.data["search"]["corrected"] is None
    assert run.report.data["chosen"]["head"]["kind"] == "ridge"


def test_a_typo_is_said_before_anything_is_done(tuned: Callable[..., Run], tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"Did you mean head\.penalty"):
        tuned(space=("head.penaltty=1..2",))
    assert not (tmp_path / "run").exists()


def test_time_that_is_up_puts_the_trial_back(
    tuned: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tries, pace = (importlib.import_module(f"regraft.pipeline.tuning.{name}") for name in ("tries", "pace"))
    work = tries.multiplications
    monkeypatch.setattr(tries, "multiplications", lambda *_, **__: 56.99 * pace.FIRST_RATE_PER_S)
    monkeypatch.setattr(pace, "MOST_FRACTION", 0.95)
    stopped = tuned(out="one", storage=str(tmp_path / "s.log")).report.data["search"]
    assert stopped["trials"] == []
    monkeypatch.setattr(tries, "multiplications", work)
    done = tuned(out="two", storage=str(tmp_path / "s.log")).report.data["search"]
    assert done["counts"]["complete"] == 6
    assert done["trials"][0]["values"]["head.ridge.penalty"] is None


def test_what_takes_most_of_the_budget_fails_with_the_reason(
    tuned: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries, pace = (importlib.import_module(f"regraft.pipeline.tuning.{name}") for name in ("tries", "pace"))
    monkeypatch.setattr(tries, "multiplications", lambda *_, **__: 1e6 * pace.FIRST_RATE_PER_S)
    found = tuned(trials=3).report.data["search"]
    assert found["counts"]["failed"] == 3
    assert "would take 1000000 of 60 s" in found["trials"][0]["reason"]


NETWORKS = ("head.kind=ridge,lda", "backbones=lite0,lite0+lite1")


def test_a_score_is_weighed_against_what_it_costs(tuned: Callable[..., Run]) -> None:
    found = tuned(space=NETWORKS, objective="loss,size", trials=8, sampler="random").report.data["search"]
    assert (found["objective"], found["costs"], found["limits"]) == ("loss", ["size"], {"size": None})
    trials = {trial["number"]: trial for trial in found["trials"]}
    assert all(len(trial["costs"]) == 1 for trial in trials.values())
    front = [trials[number] for number in found["front"]]
    assert front == sorted(front, key=lambda trial: trial["value"])
    assert [trial["costs"] for trial in front] == sorted((t["costs"] for t in front), reverse=True)
    assert found["best"] == found["front"][0]
    for trial in trials.values():
        assert any(t["value"] <= trial["value"] and t["costs"] <= trial["costs"] for t in front)


def test_limits_decide_which_trial_is_fitted_again(
    tuned: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = importlib.import_module("regraft.pipeline.tuning.costs")
    monkeypatch.setattr(costs.Costs, "_network_ms", lambda self, name: {"lite0": 3.0, "lite1": 9.0}[name])
    wanted = {"space": NETWORKS, "objective": "accuracy,latency", "trials": 8, "sampler": "random"}
    run = tuned(**wanted, max_latency_ms=5.0)
    found = run.report.data["search"]
    chosen = next(trial for trial in found["trials"] if trial["number"] == found["best"])
    assert chosen["values"]["backbones"] == "lite0"
    assert chosen["costs"][0] < 5
    assert run.model.recipe.backbones == ("lite0",)
    within = [trial for trial in found["trials"] if trial["costs"][0] < 5]
    assert chosen["value"] == min(trial["value"] for trial in within)
    assert found["corrected"]["candidates"] == len(within)


def test_where_no_trial_keeps_within_a_limit_no_network_is_used(
    tuned: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = importlib.import_module("regraft.pipeline.tuning.costs")
    monkeypatch.setattr(costs.Costs, "_network_ms", lambda self, name: 9.0)
    run = tuned(objective="loss,latency", max_latency_ms=5.0)
    assert run.report.data["search"]["best"] is None
    assert "none keeps within the ranges and limits" in run.report.data["ladder"][-1]["reason"]
    assert run.model.cards == ()


def test_what_was_best_on_other_data_is_tried_early(
    tuned: Callable[..., Run], paint: Paint, tmp_path: Path
) -> None:
    other = paint("others", each=12, seed=5)
    space = Search(space=("head.kind=ridge,lda",), trials=8)
    earlier = tune(other, search=space, budget="60s", out=tmp_path / "earlier").report.data["search"]
    assert earlier["past"] == []
    sampled = [trial for trial in earlier["trials"] if trial["origin"] == "sampler"]
    best = min(sampled, key=lambda trial: trial["value"])
    shared = str(tmp_path / "shared.log")
    found = tuned(trials=8, storage=shared).report.data["search"]
    (first, *_) = found["past"]
    assert first["about"]["classes"] == 3
    tried = {trial["number"]: trial for trial in found["trials"]}
    assert tried[first["trial"]]["values"] == best["values"]
    assert tried[first["trial"]]["origin"] == f"past search {first['study']}"
    assert first["trial"] <= 4
    assert [trial["origin"] for trial in found["trials"][:2]] == ["rule of thumb"] * 2
    # Run again, also with more data seen meanwhile, it goes on with what it began with.
    tune(paint("more", each=9, seed=7), search=space, budget="60s", out=tmp_path / "meanwhile")
    again = tuned(out="again", trials=10, storage=shared).report.data["search"]
    assert again["past"] == found["past"]
    assert again["trials"][:8] == found["trials"]


def test_the_same_images_split_another_way_are_no_other_data(tuned: Callable[..., Run]) -> None:
    tuned(trials=8)
    again = tuned(out="again", recipe=Recipe(seed=1), trials=8).report.data
    assert again["search"]["past"] == []
    assert again["search"]["counts"]["complete"] >= 6


def test_a_cold_start_can_be_asked_for(tuned: Callable[..., Run], paint: Paint, tmp_path: Path) -> None:
    tune(paint("others", each=12, seed=5), search=Search(trials=6), budget="60s", out=tmp_path / "earlier")
    found = tuned(warm_start=False, trials=8).report.data["search"]
    assert found["past"] == []
    assert {trial["origin"] for trial in found["trials"]} == {"rule of thumb", "sampler"}


def test_what_is_kept_for_later_names_no_image(tuned: Callable[..., Run], empty_cache: Path) -> None:
    tuned()
    (file,) = (empty_cache / "searches").glob("*.json")
    kept = file.read_text()
    assert not [word for word in ("photos", "red", "green", ".png", "/") if word in kept]
