"""How much work it is to fit a head, before it is fitted: what the budget is asked for."""

from regraft.heads import (
    Blend,
    ElasticLogistic,
    KernelRidge,
    KernelSvm,
    Lda,
    LinearSvm,
    Logistic,
    NearestMean,
    NearestNeighbours,
    Perceptron,
    SelectedRidge,
    TrainedLinear,
)
from regraft.heads.prepared import reach_all
from regraft.pipeline.recipe import Head

DECOMPOSITION = 12
"""Multiplications of an eigen-decomposition of [r, r] in units of r^3, at the speed of a matrix product."""

TAKEN_AWAY = 2
"""Multiplications in units of n^2 r, of taking a fold from the spectrum of all and reading its shrinkage off
what is left; at the rate of ridge, which decomposes once where it is said to do so for every fold."""

SOLUTION = 1
"""Multiplications in units of n^3, of a kernel machine for each fold, once all examples are decomposed."""

OUTSIDE = 0.8
"""The share of the examples outside a fold, one of five."""

PENALTIES = 25
PASSES, PASSES_OF_ONE = 700, 200
"""Over all examples, in the held-out fits of a whole path of a logistic regression or a linear support vector
machine; and for one penalty, solved to the end."""

PROXIMAL_PASSES, RANKING_PASSES = 5000, 1200
"""Over all examples, in the whole path of an elastic net, and in a group lasso that ranks features."""

SEQUENTIAL_PASSES = 200
"""Over the kernel matrix, for one class of a kernel machine."""

STOPPED_EARLY = 0.5
"""The share of its epochs that a perceptron goes through."""


def multiplications(
    head: Head, *, examples: int, features: int, classes: int, fits: int, paid: bool = False
) -> float:
    """Roughly how many multiplications it takes to fit a head so many times; only ratios of it are used.

    `paid`: another kind of head has decomposed the examples, which leaves a discriminant little to do, and
    what is solved step by step only its steps where there are more examples than features.
    """
    parts = (
        [(part.head, part.width) for part in head.parts] if isinstance(head, Blend) else [(head, features)]
    )
    return sum(_of_one(one, examples, width, classes, fits=fits, paid=paid) for one, width in parts)


def _of_one(head: object, n: int, d: int, k: int, *, fits: int, paid: bool) -> float:
    rank = min(n, d)
    work: float
    match head:
        case Logistic() | LinearSvm():
            work = _stepwise(head, n, d, k, fits=fits, paid=paid)
        case ElasticLogistic():
            work = fits * PROXIMAL_PASSES * n * d * k
        case Lda():
            # Of many examples a fold is large, and what is left is decomposed all the same.
            own = min(TAKEN_AWAY * n**2 * rank, _decomposition(n, d)) if paid else _decomposition(n, d)
            work = fits * (own + d * rank * k)
        case NearestMean():
            work = fits * n * d * k
        case NearestNeighbours():
            work = n * n * d
        case KernelSvm() | KernelRidge():
            work = _kernel(head, n, d, k, fits=fits)
        case Perceptron():
            h = head.width
            work = fits * STOPPED_EARLY * head.epochs * 6 * n * h * (d + (head.layers - 1) * h + k)
        case TrainedLinear():
            h = head.width or k
            work = fits * head.epochs * 2 * n * h * (d + (2 * k if head.width else 0))
        case SelectedRidge():
            kept = max(1, int(head.share * d))
            work = fits * (RANKING_PASSES * n * d * k + _ridge(n, kept, k, fits=1))
        case _:
            work = _ridge(n, d, k, fits=fits)
    return work


def _stepwise(head: Logistic | LinearSvm, n: int, d: int, k: int, *, fits: int, paid: bool) -> float:
    """Steps for each fit; and one decomposition for each, or for all, which others may have paid for."""
    rank = min(n, d)
    steps = fits * (PASSES if head.penalty is None else PASSES_OF_ONE) * n * rank * k
    if reach_all(int(OUTSIDE * n), d):
        return float(steps + n * d * rank + (0 if paid else _decomposition(n, d)))
    return float(steps + fits * _decomposition(n, d))


def _decomposition(n: int, d: int) -> float:
    """Of the smaller of the two symmetric matrices, and the sums that it is of."""
    rank = min(n, d)
    return float(n * d * rank + DECOMPOSITION * rank**3)


def _kernel(head: KernelSvm | KernelRidge, n: int, d: int, k: int, *, fits: int) -> float:
    """One class after another for each fit; or one decomposition, and what follows from it for each fold."""
    if isinstance(head, KernelSvm):
        return float(fits * n * n * (d + SEQUENTIAL_PASSES * k))
    return float(n * n * d + (DECOMPOSITION + fits * SOLUTION) * n**3)


def _ridge(n: int, d: int, k: int, *, fits: int) -> float:
    """One pass over the features; then a decomposition and all penalties for each fit."""
    rank = min(n, d)
    return n * d * rank + fits * (DECOMPOSITION * rank**3 + PENALTIES * n * rank * k)
