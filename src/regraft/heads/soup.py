"""Several linear heads averaged to one, which averages their scores and costs no more than one of them.

The best of many heads is the best by some luck; the average of several owes it less.

Source: uniform and greedy model soups, Wortsman et al. 2022, 2203.05482.
"""

from collections.abc import Sequence

import numpy as np

from regraft.core.arrays import Features, Labels
from regraft.heads.classifier import Linear


def uniform_soup(heads: Sequence[Linear]) -> Linear:
    """The average of all heads, over the same features and classes.

    Raises:
        ValueError: there is none.
    """
    if not heads:
        raise ValueError("a soup of no heads: it takes at least one")
    return Linear(
        np.mean([head.weights for head in heads], axis=0), np.mean([head.bias for head in heads], axis=0)
    )


def greedy_soup(heads: Sequence[Linear], features: Features, labels: Labels) -> Linear:
    """The average of the first head and of those after it with which it is right no less often.

    Each is taken in, in turn, if the average with it is right on as many held-out images as without.

    Args:
        heads: the best first.
        features: of images that no head learnt from [n, d].
        labels: theirs [n].

    Cost: one pass over the features for each head; averages of scores take the place of averages of heads.

    Raises:
        ValueError: there is no head.
    """
    taken, total, most = list[Linear](), np.zeros(1), 0
    for head in heads:
        with_it = total + head.scores(features)
        right = int((with_it.argmax(axis=1) == labels).sum())
        if right >= most:
            taken, total, most = [*taken, head], with_it, right
    return uniform_soup(taken)
