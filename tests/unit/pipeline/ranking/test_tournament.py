import numpy as np
import pytest

from regraft.evaluation import Answers, Interval
from regraft.pipeline.ranking.tournament import FINALISTS, Standing, play, rounds


def standing(name: str, size: int, loss: float, right: float = 0.7) -> Standing:
    """Forty answers that give the right class a probability; every other one a little less."""
    probability = np.tile([right, right - 0.1], 20)
    answers = Answers(np.stack([probability, 1 - probability], axis=1), np.zeros(40, np.int64), None)
    return Standing(name, "last", size, answers, loss, Interval(0.5, 0.4, 0.6))


@pytest.mark.parametrize(
    ("images", "classes", "sizes"),
    [
        (2000, 4, (125, 250, 500)),
        (100_000, 10, (2000,)),
        (20_000, 10, (1250, 2000)),
        (300, 4, (64, 128, 256)),
        (400, 4, (64, 128, 256, 400)),
        (1200, 4, (75, 150, 300, 512)),
        (100, 4, (64, 100)),
        (40, 2, (40,)),
        (1000, 43, (129, 258, 516, 1000)),
    ],
)
def test_rounds_are_a_sixteenth_an_eighth_a_quarter_and_enough_for_the_last(images, classes, sizes):
    assert rounds(images, classes) == sizes


def test_the_better_half_sees_more_and_some_stay_to_the_end():
    seen = []

    def judge(name: str, size: int) -> Standing:
        seen.append((name, size))
        return standing(name, size, loss=float(name))

    played = list(play([str(n) for n in range(9)], (10, 20, 40, 80, 160), judge))
    assert [[one.name for one in each] for each in played] == [
        list("012345678"),
        list("01234"),
        list("012"),
        list("01"),
        list("01"),
    ]
    assert len(played[-1]) == FINALISTS
    assert len(seen) == 9 + 5 + 3 + 2 + 2


def test_who_is_clearly_behind_is_out_and_the_last_one_wins():
    def judge(name: str, size: int) -> Standing:
        behind = {"a": 0, "b": 0.01 * (size > 10), "c": 0.1, "d": 0.2}[name]
        return standing(name, size, behind, right=0.7 - behind)

    played = list(play(list("dbca"), (10, 20, 40, 80), judge))
    assert [[one.name for one in each] for each in played] == [list("bacd"), list("ab")]


def test_who_falls_behind_on_more_images_is_placed_by_them():
    played = list(play(["a", "b"], (10, 20), lambda name, size: standing(name, size, size * (name == "a"))))
    assert [one.name for one in played[0]] == ["b", "a"]


def test_the_first_round_is_finished_whatever_the_budget_and_no_other_is_begun():
    judged = []

    def judge(name: str, size: int) -> Standing:
        judged.append((name, size))
        return standing(name, size, 1.0)

    played = list(play(["a", "b"], (10, 20), judge, should_stop=lambda: True))
    assert len(played) == 1
    assert judged == [("a", 10), ("b", 10)]


def test_a_round_cut_short_does_not_count():
    calls = iter([False, False, False, True])
    played = list(
        play(["a", "b"], (10, 20), lambda name, size: standing(name, size, 1.0), should_stop=calls.__next__)
    )
    assert [each[0].images for each in played] == [10]
