import pytest

from regraft.report.tune_text import tune_text


def trial(number: int, state: str, value: float | None, **values: object) -> dict[str, object]:
    return {
        "number": number,
        "values": {"depths": "all", "head.kind": "ridge", **values},
        "state": state,
        "value": value,
        "reason": "",
        "seconds": 0.2,
        "details": {} if value is None else {"accuracy": 0.9, "loss": value},
    }


@pytest.fixture
def search() -> dict[str, object]:
    return {
        "sampler": "tpe",
        "objective": "loss",
        "storage": "runs/x/study/trials.log",
        "counts": {"complete": 3, "pruned": 0, "failed": 1, "running": 0},
        "trials": [
            trial(0, "complete", 0.5, **{"head.ridge.penalty": None}),
            trial(1, "failed", None),
            trial(2, "complete", 0.25, **{"head.ridge.penalty": 0.01234}),
            trial(3, "complete", 0.75, **{"head.ridge.penalty": 3.0}),
        ],
        "best": 2,
        "corrected": {
            "naive": {"value": 0.25, "low": 0.1, "high": 0.4},
            "corrected": {"value": 0.3, "low": 0.2, "high": 0.4},
            "candidates": 3,
        },
        "importance": {"depths": 0.25, "head.ridge.penalty": 0.75},
        "advice": ["The best values of head.ridge.penalty lie at the lower edge: widen it"],
    }


def test_it_says_how_it_went_and_what_is_best(search: dict[str, object]) -> None:
    said = tune_text(search)
    assert "4 trials by tpe (1 failed)" in said
    assert "0.2500    90.0 % right   0.20 s   ridge, depths all, penalty 0.0123" in said
    assert said.index("0.2500    90.0") < said.index("0.5000    90.0") < said.index("0.7500    90.0")
    assert "runs/x/study/trials.log" in said
    assert "· The best values of head.ridge.penalty lie at the lower edge" in said


def test_the_curve_names_every_trial_that_was_better_than_all_before(search: dict[str, object]) -> None:
    curve = tune_text(search).split("trial by trial")[1].split("The best by")[0]
    assert [line.split()[0] for line in curve.split("\n") if line.strip()] == ["0", "2"]


def test_the_score_without_luck(search: dict[str, object]) -> None:
    assert "expect log-loss 0.3000 (0.2000 to 0.4000): the best of 3 scored 0.2500" in tune_text(search)
    search["corrected"] = None
    assert "expect" not in tune_text(search)


def test_accuracy_is_shown_as_accuracy(search: dict[str, object]) -> None:
    search["objective"] = "accuracy"
    search["corrected"] = {
        "naive": {"value": 0.75, "low": 0.6, "high": 0.9},
        "corrected": {"value": 0.7, "low": 0.5, "high": 0.9},
        "candidates": 3,
    }
    said = tune_text(search)
    assert "75.0 %   0.20 s   ridge" in said
    assert "expect accuracy 70.0 % (50.0 % to 90.0 %)" in said


def test_what_mattered_comes_first(search: dict[str, object]) -> None:
    said = tune_text(search)
    assert said.index("head.ridge.penalty  ━") < said.index("depths              ━")
    search["importance"] = {}
    assert "What mattered" not in tune_text(search)


def test_a_search_without_success(search: dict[str, object]) -> None:
    search |= {"trials": [trial(0, "failed", None)], "best": None, "importance": {}, "corrected": None}
    search["counts"] = {"complete": 0, "pruned": 0, "failed": 1, "running": 0}
    said = tune_text(search)
    assert "1 trial by tpe (1 failed)" in said
    assert "The best by" not in said


@pytest.fixture
def weighed(search: dict[str, object]) -> dict[str, object]:
    costs = {0: [5.0, 18.5], 2: [9.25, 40.0], 3: [20.0, 50.0]}
    for one in search["trials"]:
        one["costs"] = costs.get(one["number"], [])
    more = {"costs": ["latency", "size"], "front": [2, 0], "limits": {"latency": None, "size": None}}
    return search | more


def test_the_front_names_what_nobody_beats(weighed: dict[str, object]) -> None:
    front = tune_text(weighed).split("without more latency or size\n")[1].split("\n")
    assert front[0].split()[:6] == ["→", "0.2500", "9.25", "ms", "40.00", "MB"]
    assert front[0].endswith("ridge, depths all, penalty 0.0123")
    assert front[1].startswith("  0.5000        5.00 ms")
    assert front[2] == "→ is the best log-loss; for a cheaper one say --max-latency-ms or --max-size-mb."


def test_where_all_cost_the_same_there_is_nothing_to_weigh(weighed: dict[str, object]) -> None:
    for one in weighed["trials"]:
        one["costs"] = [5.0, 18.5]
    assert "All trials cost the same; give it networks" in tune_text(weighed | {"front": [2]})


def test_limits_are_named_where_they_chose(weighed: dict[str, object]) -> None:
    weighed |= {"limits": {"latency": 6, "size": None}, "best": 0}
    assert "→ is the best log-loss within 6 ms." in tune_text(weighed)
    assert "\n→ 0.5000        5.00 ms" in tune_text(weighed)
    weighed |= {"limits": {"latency": 1, "size": 2}, "best": None}
    assert "None keeps within 1 ms and 2 MB, so none was chosen." in tune_text(weighed)


def test_trials_of_earlier_searches_are_named(search: dict[str, object]) -> None:
    about = {"images": 1200, "classes": 10}
    search["past"] = [
        {"study": "heads-1", "about": about, "distance": 0.25, "trial": 2},
        {"study": "heads-2", "about": about, "distance": 0.5, "trial": None},
    ]
    said = tune_text(search)
    assert "Trial 2 was among the best in a search on 1,200 images of 10 classes (distance 0.25)" in said
    assert "distance 0.50" not in said


BLEND = {
    "parts": [{"kind": "logistic", "share": 0.75}, {"kind": "ridge", "share": 0.25}],
    "loss": 0.2,
    "loss_alone": 0.22,
}


def test_a_blend_is_told_where_it_is_what_was_delivered(search: dict[str, object]) -> None:
    search["blend"] = BLEND | {"delivered": False}
    assert "blend" not in tune_text(search)
    search["blend"] = BLEND | {"delivered": True}
    said = tune_text(search)
    assert "Delivered is a blend, 75 % logistic + 25 % ridge: log-loss 0.2000 on images that had no" in said
    assert "where the best trial alone has 0.2200." in said


def test_what_counts_by_weight_says_so(search: dict[str, object]) -> None:
    search["weighted"] = True
    said = tune_text(search)
    assert "The best by weighted log-loss" in said
    assert "90.0 % right by weight" in said
    assert "expect weighted log-loss 0.3000" in said
