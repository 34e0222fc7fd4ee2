"""Advice where the evidence is clear, and silence where it is not."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from regraft.evaluation import Interval
from regraft.heads import HEADS
from regraft.pipeline.tuning.advice import Evidence, advice
from regraft.pipeline.tuning.progress import Comparisons
from regraft.search import Choice, Space, Trial, parse_changes, space_of
from regraft.search.importance import importance, importance_for_best

NOISE = 0.01
"""Half the interval of every difference here."""


def space_with(*changes: str) -> Space:
    return space_of(
        HEADS,
        kinds=("ridge", "lda"),
        others={"depths": Choice(("last", "all"))},
        defaults={"depths": "last"},
        changes=parse_changes(("head.ridge.penalty=1e-4..1e4:log", *changes)),
    )


def ridge(number: int, penalty: float, value: float, *, depths: str = "last", seconds: float = 1.0) -> Trial:
    values = {"depths": depths, "head.kind": "ridge", "head.ridge.penalty": penalty}
    return Trial(number, values, "complete", value, seconds=seconds)


def lda(number: int, value: float, *, seconds: float = 1.0) -> Trial:
    values = {"depths": "last", "head.kind": "lda", "head.lda.shrinkage": 0.1 + number / 1000}
    return Trial(number, values, "complete", value, seconds=seconds)


def penalties(count: int) -> list[float]:
    return np.exp(np.random.default_rng(0).uniform(np.log(1e-4), np.log(1e4), count)).tolist()


def spread(value: Callable[[float, str], float], count: int = 40) -> list[Trial]:
    """Ridge over its penalties, every other one on other depths; the first is neither best nor worst."""
    found = [("last", 3e3), *zip(["all", "last"] * count, penalties(count), strict=False)]
    return [ridge(n, p, value(p, depths), depths=depths) for n, (depths, p) in enumerate(found[:count])]


def told(
    trials: list[Trial],
    *,
    space: Space | None = None,
    noise: float = NOISE,
    objective: str = "loss",
    **known: object,
) -> str:
    """All advice in one text, differences being what they are, give or take the noise."""
    values = {trial.number: trial.value or 0.0 for trial in trials}
    space = space or space_with()
    complete = [trial for trial in trials if trial.state == "complete"]
    best = min(complete, key=lambda trial: trial.value or 0.0, default=None)

    def difference(one: int, other: int) -> Interval:
        apart = values[other] - values[one]
        return Interval(apart, apart - noise, apart + noise)

    shares = {} if best is None else importance(trials, space, best.values["head.kind"])
    for_best = {} if best is None else importance_for_best(trials, space, best.values["head.kind"])
    found = Evidence(trials, space, best, shares, for_best, Comparisons(difference, 200, objective), **known)
    return "\n".join(advice(found))


def bowl(penalty: float, _: str = "") -> float:
    """Best in the middle of the range."""
    return 0.1 + abs(np.log10(penalty)) / 10


def test_nothing_is_said_of_nothing() -> None:
    assert told([]) == ""
    assert told([ridge(0, 1.0, 0.5), ridge(1, 2.0, 0.4)]) == ""


def test_a_search_that_found_its_optimum_gets_no_advice_on_ranges() -> None:
    said = told(spread(lambda p, depths: bowl(p) + 0.2 * (depths == "last")), noise=1e-6)
    assert "edge" not in said
    assert "hardly matters" not in said
    assert "cannot be told apart" not in said
    assert "Leave" not in said


@pytest.mark.parametrize(
    ("sign", "side", "wider"), [(1, "lower", "1e-06..10000"), (-1, "upper", "0.0001..1e+06")]
)
def test_edges_are_said_with_their_evidence(sign: int, side: str, wider: str) -> None:
    said = told(spread(lambda p, _: 5 + sign * np.log10(p), count=60))
    assert f"head.ridge.penalty lie at the {side} edge of 0.0001..10000:log (" in said
    assert "of the best 9 trials): widen it" in said
    assert f"--space head.ridge.penalty={wider}:log" in said


def test_two_of_three_at_an_edge_are_chance() -> None:
    trials = spread(bowl, count=20)
    lowest = [ridge(90, 1e-4, 0.01), ridge(91, 2e-4, 0.02)]
    assert "edge" not in told([*trials, *lowest, ridge(92, 1.0, 0.03)], noise=1e-6)
    assert "(3 of the best 3 trials)" in told([*trials, *lowest, ridge(92, 3e-4, 0.03)], noise=1e-6)


def test_an_edge_where_nothing_matters_is_chance() -> None:
    # The penalty explains next to nothing; the lowest values happen to lie at its lower end.
    said = told(spread(lambda p, depths: (depths == "last") + np.log10(p) * 1e-4, count=60))
    assert "edge" not in said


def test_what_does_not_matter_is_named_with_its_share() -> None:
    said = told(spread(bowl, count=60))
    assert "depths hardly matters here: it explains" in said
    assert "better half of 60 trials. Fix it." in said
    assert "penalty hardly" not in said


def test_what_was_hardly_tried_is_not_called_idle() -> None:
    trials = spread(bowl, count=60)
    one_sided = [ridge(t.number, t.values["head.ridge.penalty"], t.value or 0.0) for t in trials]
    assert "depths" not in told([*one_sided[:-1], ridge(59, 1e4, 0.9, depths="all")])
    assert "hardly matters" not in told(trials[:18])


def test_failures_are_counted_with_their_most_frequent_reason() -> None:
    trials = [ridge(0, 1.0, 0.5)]
    failed = [Trial(n, trials[0].values, "failed", reason=f"reason {n // 2}") for n in range(2, 5)]
    assert told([*trials, *failed]) == "3 of 4 trials failed, most often so (2 times): reason 1"


def test_a_pruner_that_leaves_nothing_is_told_of() -> None:
    trials = [ridge(n, 1.0 + n, 0.5 - n / 100) for n in range(4)]
    pruned = [Trial(9 + n, trials[0].values, "pruned", 0.9, seconds=0.1) for n in range(40)]
    said = told([*trials, *pruned])
    assert "40 of 44 trials were given up, in 50.0 % of the time, and only 4 finished" in said
    assert "given up" not in told([*trials, *pruned[:5]])


def test_trials_that_cannot_be_told_apart_are_counted_and_the_fastest_named() -> None:
    trials = [
        ridge(n, 10.0 ** (n % 5 - 2), 0.3 + 0.004 * n, seconds=2.0 if n != 2 else 0.5) for n in range(20)
    ]
    said = told([ridge(99, 1e3, 0.9), *trials])
    assert "The best 3 of 21 trials cannot be told apart on 200 images" in said
    assert "the last of them is 0.0080 nats (-0.0020 to 0.0180) behind" in said
    assert "Trial 2, ridge, takes 0.50 s instead of 2.0 s." in said
    quick = [replace(trial, seconds=trial.seconds / 4) for trial in trials]
    assert "takes" not in told([ridge(99, 1e3, 0.9), *quick])
    assert "told apart" not in told([ridge(99, 1e3, 0.9), *trials], noise=0.003)
    assert "told apart" not in told(trials[:5], noise=1.0)


def test_kinds_that_are_behind_are_to_be_left_out() -> None:
    ridges = [ridge(n, 10.0 ** (n % 7 - 3), 0.2 + 0.001 * n) for n in range(10)]
    behind = [lda(20 + n, 0.4 + 0.001 * n, seconds=3.0) for n in range(6)]
    said = told([lda(99, 0.9), *ridges, *behind])
    assert "lda is 0.2000 nats (0.1900 to 0.2100) behind at the best of 7 trials, in 65.5 % of" in said
    assert "Leave it out, --space head.kind=ridge" in said
    assert "Leave" not in told([lda(99, 0.9), *ridges, *behind[:3]])


def test_a_kind_that_takes_the_time_and_is_no_better_may_be_left_out() -> None:
    ridges = [ridge(n, 10.0 ** (n % 7 - 3), 0.2 + 0.001 * n) for n in range(10)]
    close = [lda(20 + n, 0.205 + 0.001 * n, seconds=9.0) for n in range(6)]
    assert "lda cannot be told from the winner, and is 0.0050" in told([lda(99, 0.9), *ridges, *close])
    quick = [lda(20 + n, 0.205 + 0.001 * n, seconds=0.1) for n in range(6)]
    assert "Leave" not in told([lda(99, 0.9), *ridges, *quick])


def test_the_second_half_says_whether_more_would_help() -> None:
    flat = [ridge(n, p, 0.5 - 0.01 * min(n, 10)) for n, p in enumerate(penalties(40))]
    assert "Nothing in the last 20 of 40 finished trials was better than trial 10" in told(flat)
    falling = [ridge(n, p, 0.9 - 0.01 * n) for n, p in enumerate(penalties(40))]
    said = told(falling)
    assert "The last 20 of 40 finished trials still gained 0.2000 nats (0.1900 to 0.2100)" in said
    assert "which cannot be told from nothing" in told(falling, noise=0.5)
    assert "gained 20.0 points (19.0 to 21.0)" in told(falling, objective="accuracy")
    assert "finished trials" not in told(falling[:12])
    assert "finished trials" not in told(falling, is_exhausted=True)


def test_defaults_that_win_are_said() -> None:
    said = told([ridge(0, 1.0, 0.1), *(ridge(n + 1, p, 0.3) for n, p in enumerate(penalties(20)))])
    assert "None of 20 trials beat the first one" in said


@pytest.mark.parametrize(
    ("learnt", "held_out", "words"),
    [
        (
            0.99,
            (0.80, 0.77, 0.83),
            "differ by 19.0 points (16.0 to 22.0): 99.0 % on the images it learned from",
        ),
        (0.70, (0.695, 0.67, 0.72), "More images of the same kind will hardly help"),
        (0.99, (0.95, 0.91, 0.97), None),
        (0.95, (0.945, 0.93, 0.96), None),
        (0.70, (0.65, 0.55, 0.75), None),
    ],
)
def test_training_against_validation(
    learnt: float, held_out: tuple[float, float, float], words: str | None
) -> None:
    said = told(spread(bowl)[:6], training=(learnt, Interval(*held_out)))
    assert (words in said) if words else ("Training and validation" not in said)


def test_heads_that_hold_their_images_are_not_compared_with_them() -> None:
    values = {"depths": "last", "head.kind": "nearest_neighbours", "head.nearest_neighbours.neighbours": 1}
    trial = Trial(0, values, "complete", 0.4)
    space = space_of(HEADS, kinds=("nearest_neighbours",), others={"depths": Choice(("last", "all"))})
    assert told([trial], space=space, training=(1.0, Interval(0.5, 0.4, 0.6))) == ""


@pytest.mark.parametrize(("high", "is_said"), [(-0.001, True), (0.001, False)])
def test_an_ablation_that_beats_the_winner_is_said(high: float, is_said: bool) -> None:
    def row(after: str, value: float) -> dict[str, object]:
        difference = {"low": 2 * value, "value": value, "high": high}
        return {"name": "scaling", "before": "depth", "after": after, "difference": difference}

    rows = [row("feature", -0.01), row("none", -0.02), {"name": "depths", "difference": None}]
    said = told([ridge(0, 1.0, 0.5)], ablation=rows)
    words = "With scaling none in place of depth the winner has 0.0200 nats less (0.0010 to 0.0400)"
    assert (words in said) == is_said
    assert ("--space scaling=none" in said) == is_said


def test_of_a_grid_cut_short_nobody_knows_what_more_trials_bring() -> None:
    trials = [ridge(number, 10.0**-number, 1.0 + number) for number in range(4)]
    found = Evidence(trials, space_with(), trials[0], is_grid=True)
    assert "The grid has more points than the 4 that were tried" in "\n".join(advice(found))
    assert advice(replace(found, is_exhausted=True)) == []
    assert "will hardly help" not in "\n".join(advice(found))
