"""From standings and costs to one recommendation, and the reason for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from regraft.evaluation import Comparison, Interval, compare_answers
from regraft.pipeline.ranking.tournament import Standing


@dataclass(frozen=True)
class Placed:
    """A candidate beside the winner, on the same images: those that it was last judged on.

    `expected` is what the winner reaches on all images of the last round, and so much less as the candidate
    was behind when it left; so all candidates are on one scale, whenever they left.
    """

    standing: Standing
    behind: Interval
    probability_better: float
    expected: float


def place(rounds: Sequence[Sequence[Standing]]) -> list[Placed]:
    """All candidates, the winner first, then by how long they stayed and how well they did."""
    winner = rounds[-1][0]
    found: dict[str, Placed] = {}
    for standings in reversed(rounds):
        same_images = next(one for one in standings if one.name == winner.name)
        for standing in standings:
            if standing.name not in found:
                found[standing.name] = _placed(standing, same_images, winner)
    return list(found.values())


def _placed(standing: Standing, same_images: Standing, winner: Standing) -> Placed:
    paired: Comparison = compare_answers(same_images.answers, standing.answers)
    if standing.name == winner.name:
        return Placed(standing, Interval(0.0, 0.0, 0.0), 0.5, winner.score.value)
    behind = standing.score.value - same_images.score.value
    expected = min(1.0, max(0.0, winner.score.value + behind))
    return Placed(standing, paired.accuracy_difference, paired.probability_better, expected)


def pareto_front(expected: Sequence[float], costs: Sequence[float]) -> list[bool]:
    """Which candidates no other beats in one respect without losing in the other.

    >>> pareto_front([0.9, 0.8, 0.7], [10.0, 5.0, 6.0])
    [True, True, False]
    """
    pairs = list(zip(expected, costs, strict=True))
    return [
        not any(e >= own and c <= cost and (e > own or c < cost) for e, c in pairs) for own, cost in pairs
    ]
