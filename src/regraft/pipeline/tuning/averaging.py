"""How much each of several answers counts in an average of them, and whether the average does harm.

Shares are chosen by held-out log-loss; whether they do harm is judged on images that had no say in them.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Int

from regraft.core.arrays import Array, Labels, Weights
from regraft.core.seeds import generator
from regraft.evaluation.answers import units
from regraft.evaluation.resampling import mean_interval

DRAWS = 20
"""How often one of the parts is drawn."""

PIECES = 5
"""Of the held-out images: each is judged by shares that the others chose."""

ANSWERS_PER_S = 4e7
"""Probabilities whose log-loss is taken: 3e7 to 6e7 on a core of an AMD EPYC (2026-12-01)."""


def most_parts(answers: int, seconds: float) -> int:
    """How many parts of so many probabilities each can be weighed against each other in a time."""
    return int(seconds * ANSWERS_PER_S / (DRAWS * (1 + PIECES) * answers))


def affordable_parts(
    logits: Float[Array, "p n k"],
    truth: Labels,
    weights: Weights | None,
    costs_s: Float[Array, " p"],
    most_s: float,
) -> Int[Array, " a"]:
    """Which parts to draw from, so that those that are drawn can be fitted in a time: without the dearest.

    Judged by what is left, or a blend would be praised for what it cannot hold.
    """
    left = np.flatnonzero(costs_s <= most_s)
    while len(left):
        chosen = left[drawn(logits[left], truth, weights) > 0]
        if costs_s[chosen].sum() <= most_s:
            break
        left = left[left != chosen[np.argmax(costs_s[chosen])]]
    return left


def drawn(logits: Float[Array, "p n k"], truth: Labels, weights: Weights | None) -> Float[Array, " p"]:
    """Shares of an average: again and again whoever makes it best is added; those of the best on the way."""
    counts, total = np.zeros(len(logits)), np.zeros_like(logits[0])
    lowest, found = np.inf, counts
    for draw in range(1, DRAWS + 1):
        losses = [log_loss((total + one) / draw, truth, weights) for one in logits]
        best = int(np.argmin(losses))
        counts[best] += 1
        total += logits[best]
        if losses[best] < lowest:
            lowest, found = losses[best], counts / draw
    return found


def log_loss(logits: Float[Array, "n k"], truth: Labels, weights: Weights | None) -> float:
    """The mean log-loss of logits as they are."""
    return float(np.average(log_losses(logits, truth), weights=weights))


def log_losses(logits: Float[Array, "n k"], truth: Labels) -> Float[Array, " n"]:
    """Of every image."""
    top = logits.max(axis=1, keepdims=True)
    rest = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
    return np.asarray(rest - logits[np.arange(len(truth)), truth])


def best_alone(logits: Float[Array, "p n k"], truth: Labels, weights: Weights | None) -> Float[Array, " p"]:
    """Shares of the average that is one trial, the best."""
    shares = np.zeros(len(logits))
    shares[np.argmin([log_loss(one, truth, weights) for one in logits])] = 1
    return shares


def judged_by_others(
    choose: Callable[..., Float[Array, " p"]],
    logits: Float[Array, "p n k"],
    truth: Labels,
    weights: Weights | None,
    *,
    groups: Sequence[str],
    seed: int,
) -> Float[Array, " n"]:
    """Log-losses of images by averages whose shares other images chose, all of a group together."""
    codes = _units(groups, len(truth))
    own = generator(seed, "blend").permutation(codes.max() + 1)[codes] % PIECES
    found = np.empty_like(logits[0])
    for number in np.unique(own):
        judged = own == number
        # Of a single group there are no others.
        learnt = slice(None) if judged.all() else ~judged
        others = None if weights is None else weights[learnt]
        shares = choose(logits[:, learnt], truth[learnt], others)
        found[judged] = np.tensordot(shares, logits[:, judged], 1)
    return log_losses(found, truth)


def is_worse(
    average: Float[Array, " n"],
    alone: Float[Array, " n"],
    *,
    groups: Sequence[str],
    seed: int,
    weights: Weights | None = None,
) -> bool:
    """Whether losses are higher than others beyond chance: the 95 % interval of the mean lies above zero.

    An average of calibrated heads is rarely worse than one of them: on folds of seven sets it was in one of
    the 17 searches that ended with one. So it is refused on evidence, not for lack of it. Taking only those
    that such images speak for, be it by chance, lowers the log-loss by 3.7 % on average in place of 4.2 %
    (`benchmarks/blend.py`).
    """
    difference, codes = average - alone, _units(groups, len(alone))
    most = float(np.abs(difference).max())
    found = mean_interval(difference, codes, within=(-most, most), seed=seed, weights=weights)
    return found.low > 0


def _units(groups: Sequence[str], count: int) -> Array:
    return units(list(groups) if any(groups) else None, count)
