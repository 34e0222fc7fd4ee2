"""From scores to probabilities that mean what they say."""

import numpy as np

from regraft.core.arrays import Array, Labels, Probabilities, Scores, Weights
from regraft.core.errors import TrainingError

REACH = 1e4  # the temperature lies within this factor of the spread of the scores


def softmax(scores: Scores, temperature: float = 1.0) -> Probabilities:
    """Probabilities of the same float type as the scores, with no overflow; rows sum to one.

    >>> softmax(np.array([[1000.0, 1000.0, -1000.0]])).tolist()
    [[0.5, 0.5, 0.0]]
    """
    # The maximum is taken off before dividing: a tiny temperature then gives 0, never infinity - infinity.
    shifted = (scores - scores.max(axis=1, keepdims=True)) / temperature
    powers = np.exp(shifted)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def fit_temperature(scores: Scores, labels: Labels, weights: Weights | None = None) -> float:
    """The temperature at which softmax(scores / temperature) has the least log-loss on held-out images.

    Source: Guo et al. 2017, arXiv 1706.04599, section 4.2.
    Differs: each image counts as 1 - e its own class and as e spread over the others, with
        e = 1 / (n + 2), as Platt (1999) did for two classes. Without this, images that are all right
        have no best temperature: the colder the better. With it n right images justify a confidence
        near (n + 1) / (n + 2), Laplace's rule of succession, and for many images nothing changes.
    Cost: some 30 passes over the scores.

    The log-loss is convex in 1 / temperature, so the bounded search cannot miss its minimum. Scores that
    do not tell classes apart at all give 1; scores that mislead give a temperature so high that all
    classes come out about equally probable.

    Raises:
        TrainingError: no images, weights that sum to nothing, or scores that are not finite.
    """
    from scipy.optimize import minimize_scalar

    n, k = scores.shape
    share = np.ones(n) if weights is None else np.asarray(weights, np.float64)
    if n == 0 or not share.sum() > 0:
        raise TrainingError(f"A temperature cannot be fitted on {n} images of total weight {share.sum():g}.")
    if not np.isfinite(scores).all():
        raise TrainingError("A temperature cannot be fitted: some scores are not finite numbers.")
    shifted = np.asarray(scores, np.float64) - scores.max(axis=1, keepdims=True)
    spread = float(np.sqrt(np.square(shifted - shifted.mean(axis=1, keepdims=True)).mean()))
    if k < 2 or spread == 0:
        return 1.0
    share = share / share.sum()
    wanted = _expected_scores(shifted, labels, 1 / (n + 2))

    def loss(log_temperature: float) -> float:
        colder = shifted / np.exp(log_temperature)
        return float(share @ (np.log(np.exp(colder).sum(axis=1)) - wanted / np.exp(log_temperature)))

    bounds = (np.log(spread / REACH), np.log(spread * REACH))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-5})
    return float(np.exp(found.x))


def _expected_scores(scores: Array, labels: Labels, e: float) -> Array:
    """Each image's score averaged over classes: 1 - e of its own, e shared by the others."""
    own = scores[np.arange(len(scores)), labels]
    others = (scores.sum(axis=1) - own) / (scores.shape[1] - 1)
    return np.asarray((1 - e) * own + e * others)
