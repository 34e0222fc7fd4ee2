"""Successive halving over networks: all see a few images, the better half sees more, until one is ahead."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from regraft.evaluation import AnyAnswers, Interval, compare_answers
from regraft.features import Depths

FINALISTS = 2
"""So many stay to the end, unless one of them is clearly behind."""

HOPELESS = 0.01
"""Who is better than the first in a smaller share of resamples is out."""


@dataclass(frozen=True)
class Standing:
    """How a candidate does on a sample: the best of some closed-form probes, on images held out in turn.

    `loss` is the calibrated log-loss, by which candidates are compared: it knows more than right and wrong.
    """

    name: str
    depths: Depths
    images: int
    answers: AnyAnswers
    loss: float
    score: Interval


Judge = Callable[[str, int], Standing]
"""How a candidate does on the first so many images."""


def rounds(images: int, classes: int) -> tuple[int, ...]:
    """How many images each round looks at: of `images`, about a sixteenth, an eighth, a quarter.

    A sample with fewer than three images of each class, or fewer than 64 in all, tells networks apart by
    chance; more than 2,000 would cost more than they are expected to tell. Where a quarter of the images is
    few, the last two networks are compared on eight times the least.
    """
    least = max(LEAST_IMAGES, LEAST_PER_CLASS * classes)
    sizes = [min(max(round(images * share), least * 2**i), MOST_IMAGES) for i, share in enumerate(SHARES)]
    kept: list[int] = []
    for size in (min(size, images) for size in sizes):
        if not kept or size >= WORTH_A_ROUND * kept[-1]:
            kept.append(size)
    return tuple(kept)


WORTH_A_ROUND = 1.25
"""A round sees at least so many times the images of the one before."""

SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 4)
LEAST_IMAGES, LEAST_PER_CLASS, MOST_IMAGES = 64, 3, 2000


def play(
    names: Sequence[str],
    sizes: Sequence[int],
    judge: Judge,
    *,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[list[Standing]]:
    """Yield the standings after each round, the best first, until one is clearly ahead or no round is left.

    Source: Jamieson and Talwalkar 2016, 1502.07943 (successive halving); on samples of a data set in place of
        training steps, as Petrak 2000 (sampling-based relative landmarks); Maron and Moore 1994 (races: who
        is clearly behind is out at once).
    Differs: `FINALISTS` stay to the last round, however few entered it, unless they are clearly behind.
    Cost: with c candidates and rounds of m, 2m, 4m and 8m images about 2 c m forward passes, those of the
        first round included, and 4 m for each of the last two who is not clearly behind.
    """
    left = list(names)
    for number, size in enumerate(sizes):
        standings = []
        for name in left:
            standings.append(judge(name, size))
            if should_stop() and number:
                return
        standings.sort(key=lambda standing: standing.loss)
        yield standings
        left = _still_open(standings)
        if len(left) == 1 or should_stop():
            return


def _still_open(standings: Sequence[Standing]) -> list[str]:
    """The first, and who of the better half may yet be better."""
    first, *others = standings[: max(FINALISTS, math.ceil(len(standings) / 2))]
    within = [one for one in others if _may_be_better(one, first)]
    return [one.name for one in (first, *within)]


def _may_be_better(one: Standing, first: Standing) -> bool:
    return compare_answers(first.answers, one.answers).probability_better >= HOPELESS
