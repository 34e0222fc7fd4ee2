"""Successive halving over networks: all see a few images, the better half sees more."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from regraft.evaluation import AnyAnswers, Interval
from regraft.features import Depths

FINALISTS = 3
"""So many stay to the end, so that the first can be compared with others on all images of the last round."""


@dataclass(frozen=True)
class Standing:
    """How a candidate does on a sample: the better of two closed-form probes, on images held out in turn.

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
    chance; more than 2,000 would cost more than they are expected to tell.
    """
    least = max(LEAST_IMAGES, LEAST_PER_CLASS * classes)
    sizes = [min(max(round(images * share), least * 2**i), MOST_IMAGES) for i, share in enumerate(SHARES)]
    return tuple(dict.fromkeys(min(size, images) for size in sizes))


SHARES = (1 / 16, 1 / 8, 1 / 4)
LEAST_IMAGES, LEAST_PER_CLASS, MOST_IMAGES = 64, 3, 2000


def play(
    names: Sequence[str],
    sizes: Sequence[int],
    judge: Judge,
    *,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[list[Standing]]:
    """Yield the standings after each round, the best first.

    Source: Jamieson and Talwalkar 2016, 1502.07943 (successive halving); on samples of a data set in place of
        training steps, as Petrak 2000 (sampling-based relative landmarks).
    Differs: `FINALISTS` stay to the last round, however few entered it.
    Cost: with c candidates and rounds of m, 2m and 4m images about 2 c m forward passes, those of the first
        round included.
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
        if should_stop():
            return
        left = [standing.name for standing in standings[: max(FINALISTS, math.ceil(len(left) / 2))]]
