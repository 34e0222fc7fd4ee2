"""Which changes are tried, and what a search on real images makes of them."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from regraft.heads import HEADS, Lda
from regraft.heads.prepared.lda import PreparedLda
from regraft.pipeline.budget import Budget
from regraft.pipeline.run import Run
from regraft.pipeline.tuning.ablation import MOST_FRACTION, changes, cost_s, reserved_s
from regraft.pipeline.tuning.asked import Search
from regraft.search import Choice, Range, Space, Trial, parse_changes, space_of

# The package offers the function under the module's name.
tune = importlib.import_module("regraft.pipeline.tune").tune

DEPTHS = Choice(("last", "all", "grid"))


def space_with(*kinds: str, **axes: str) -> Space:
    asked = parse_changes([f"head.{name}={axis}" for name, axis in axes.items()])
    others = {"depths": DEPTHS}
    return space_of(HEADS, kinds=kinds, others=others, defaults={"depths": "last"}, changes=asked)


def trial(number: int, value: float, kind: str = "ridge", *, seconds: float = 1.0, **own: Any) -> Trial:
    settings = {f"head.{kind}.{name}": v for name, v in own.items()}
    return Trial(number, {"depths": "all", "head.kind": kind, **settings}, "complete", value, seconds=seconds)


def tried(best: Trial, trials: list[Trial], space: Space) -> list[tuple[str, Any, Any]]:
    found = changes(best, trials, space)
    differing = [{n for n in one.values if one.values[n] != best.values.get(n, ...)} for one in found]
    assert all(
        names == {one.name} for one, names in zip(found, differing, strict=True) if one.name != "head.kind"
    )
    return [(one.name, one.before, one.after) for one in found]


def test_choices_go_to_every_other_value_and_ranges_to_what_holds_untuned() -> None:
    best = trial(3, 0.1, "logistic", penalty=0.01, smoothing=0.15)
    assert tried(best, [best], space_with("logistic")) == [
        ("depths", "all", "last"),
        ("depths", "all", "grid"),
        ("head.logistic.penalty", 0.01, None),
        ("head.logistic.smoothing", 0.15, HEADS["logistic"]().smoothing),
    ]


def test_what_stands_at_its_rule_of_thumb_goes_to_the_best_tried_elsewhere() -> None:
    best = trial(0, 0.1, penalty=None)
    found = Trial(**{**vars_of(best), "details": {"head": {"penalty": 1.0}}})
    near, far, worse = (trial(n, 0.1 + n / 10, penalty=p) for n, p in ((1, 1.2), (2, 300.0), (3, 0.001)))
    after = [
        one for one in tried(found, [found, near, far, worse], space_with("ridge")) if "penalty" in one[0]
    ]
    assert after == [("head.ridge.penalty", None, 300.0)]
    assert [one for one in tried(found, [found, near], space_with("ridge")) if "penalty" in one[0]] == []


def vars_of(one: Trial) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Trial.__dataclass_fields__}


def test_what_another_axis_switches_on_goes_back_to_what_holds_untuned() -> None:
    space = space_of(
        HEADS,
        kinds=("ridge",),
        others={"more.depth": Choice((0, 2)), "more.rate": Range(0.01, 10, log=True)},
        defaults={"more.depth": 0, "more.rate": 0.1},
        switches={"more.": "more.depth"},
    )
    best = Trial(0, {"more.depth": 2, "more.rate": 5.0, "head.kind": "ridge"}, "complete", 0.1)
    assert tried(best, [best], space) == [("more.depth", 2, 0), ("more.rate", 5.0, 0.1)]


def test_another_kind_brings_the_settings_of_its_best_trial_and_keeps_the_rest() -> None:
    best = trial(3, 0.1, penalty=1.0)
    others = [trial(4, 0.4, "lda", shrinkage=0.5), trial(5, 0.3, "lda", shrinkage=0.7)]
    others[1].values["depths"] = "grid"
    space = space_with("ridge", "lda", "nearest_mean")
    kinds = [one for one in changes(best, [best, *others], space) if one.name == "head.kind"]
    assert [(one.after, one.why) for one in kinds] == [
        ("lda", "set as in trial 5"),
        ("nearest_mean", "with its defaults"),
    ]
    assert kinds[0].values == {"depths": "all", "head.kind": "lda", "head.lda.shrinkage": 0.7}


def test_time_is_kept_back_for_what_it_costs_and_not_more() -> None:
    best = trial(3, 0.1, penalty=1.0, seconds=0.5)
    space = space_with("ridge")
    # Two other depths and the penalty that ridge finds, each fitted once more and refitted.
    assert cost_s(best, [best], space) == pytest.approx(3 * 2 * 0.5)
    # Most trials find features scaled and folds decomposed; a fit of its own does not.
    quick = [trial(number, 0.2, penalty=1.0, seconds=0.01) for number in range(4, 9)]
    assert cost_s(best, [best, *quick], space) == pytest.approx(3 * 2 * 0.5)
    assert reserved_s(best, [best], space, Budget(100)) == pytest.approx(3.0)
    assert reserved_s(best, [best], space, Budget(4)) == pytest.approx(MOST_FRACTION * 4)


@pytest.fixture
def ablated(paint: Callable[..., Path], tmp_path: Path) -> Callable[..., Run]:
    """Tune on painted images and ablate."""

    def run(space: tuple[str, ...] = ("head.kind=ridge,lda",)) -> Run:
        search = Search(space=space, trials=6, ablate=True, report=True)
        return tune(paint(each=10), search=search, budget="60s", out=tmp_path / "run")

    return run


@pytest.mark.usefixtures("networks")
def test_a_search_ends_in_an_ablation(ablated: Callable[..., Run]) -> None:
    run = ablated()
    found = run.report.data["search"]
    rows = found["ablation"]
    assert {row["name"] for row in rows} >= {"depths", "scaling", "head.kind"}
    values = [row["difference"]["value"] for row in rows]
    assert values == sorted(values, reverse=True)
    assert all(r["difference"]["low"] <= r["difference"]["value"] <= r["difference"]["high"] for r in rows)
    page = (run.folder / "search.html").read_text("utf-8")
    assert "The winner with one setting changed" in page
    assert found["training"]["learnt"]["value"] == 1.0


@pytest.mark.usefixtures("networks")
def test_what_cannot_be_tried_says_why(ablated: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(*_: object, **__: object) -> None:
        raise MemoryError("no room")

    for each in (Lda, PreparedLda):
        monkeypatch.setattr(each, "fit", fit)
    rows = ablated().report.data["search"]["ablation"]
    refused = [row for row in rows if row["difference"] is None]
    assert [(row["after"], row["refused"]) for row in refused] == [("lda", "MemoryError: no room")]
    # They stand last.
    assert rows[-1]["after"] == "lda"
    assert len(rows) > 1


@pytest.mark.usefixtures("networks")
def test_without_time_left_every_change_is_listed_as_not_tried(
    ablated: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module("regraft.pipeline.tuning.analysis")
    whole = module.ablation

    def late(best: Trial, winner: Any, trials: Any, *, space: Space, tasks: Any) -> list[Any]:
        tasks.climb.budget.interrupted = True
        return whole(best, winner, trials, space=space, tasks=tasks)

    monkeypatch.setattr(module, "ablation", late)
    rows = ablated(("head.kind=ridge",)).report.data["search"]["ablation"]
    assert rows
    assert {row["refused"] for row in rows} == {"stopped before it was tried"}


@pytest.mark.usefixtures("networks")
def test_a_grid_that_is_done_is_not_to_be_gone_on_with(
    paint: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module("regraft.pipeline.tuning.analysis")
    seen = []
    monkeypatch.setattr(module, "advice", lambda found: seen.append(found.is_exhausted) or [])
    axes = ("head.kind=ridge", "head.penalty=0.01,1", "depths=last,all", "scaling=depth")
    for trials in (3, None):
        search = Search(space=axes, sampler="grid", trials=trials, storage=str(tmp_path / "study.log"))
        tune(paint(each=10), search=search, budget="60s", out=tmp_path / f"run {trials}")
    assert seen == [False, True]


@pytest.mark.usefixtures("networks")
def test_what_is_kept_back_ends_the_search_and_is_there_for_the_ablation(
    ablated: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module("regraft.pipeline.tune")
    monkeypatch.setattr(module, "reserved_s", lambda *_: 1e9)
    found = ablated().report.data["search"]
    assert found["counts"]["complete"] == 1
    assert all(row["difference"] is not None for row in found["ablation"])


@pytest.mark.usefixtures("networks")
def test_time_kept_back_for_the_ablation_is_not_spent_on_the_rest_of_the_analysis(
    ablated: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module("regraft.pipeline.tuning.analysis")
    order = []
    monkeypatch.setattr(module, "ablation", lambda *_, **__: order.append("ablation"))
    monkeypatch.setattr(module, "importance", lambda *_: order.append("importance") or {})
    ablated()
    assert order == ["ablation", "importance"]
