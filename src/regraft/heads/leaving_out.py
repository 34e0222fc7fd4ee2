"""Scores of examples by a ridge fit that never saw them, exactly, without fitting again where that is dearer.

The fitted values of weighted ridge regression are linear in the targets. With X = U S V' as in `spectrum`,
q = sqrt(w / sum(w)), and everything multiplied by sqrt(w),

    fitted = H Y,    H = q q' + U diag(S^2 / (S^2 + penalty)) U'

The first term is the unpenalised intercept: without it, or with it penalised, held-out scores are wrong.
Leaving out a set g of rows, intercept and all, changes the residuals E = Y - H Y on them to

    E_held_out = (I - H_gg)^-1 E_g

Source: Allen 1974, 10.1080/00401706.1974.10489157 (one row, PRESS); Cook & Weisberg 1982 (sets of rows).
Differs: sets whose block is dearer to solve, for all penalties, than a decomposition of the other rows are
    refitted instead. Both are exact; `cheaper_to_refit` decides.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import solve

from regraft.core.arrays import Array, Folds
from regraft.core.threads import in_parallel
from regraft.heads.blocks import Rows
from regraft.heads.moments import Moments
from regraft.heads.spectrum import Spectrum
from regraft.heads.weighting import fold_numbers

ROWS_AT_ONCE = 1024
NUMBERS_AT_ONCE = 2**23
"""Held-out scores worked on at a time by a thread, and coefficients of some penalties: 64 MB each."""
# One eigen-decomposition of [r, r] took as long as 3.5 r^3 multiplications in a matrix product: r = 2000, one
# thread, OpenBLAS 0.3.31 on an AMD EPYC, 2026-11-23, best of 4.
EIGEN_COST = 3.5

Held = Float[Array, "p a k"]
"""Scores of a examples under p penalties."""

Asked = Int[Array, " a"]


def leave_one_out(
    side: Moments, whole: Spectrum, penalties: Float[Array, " p"], *, asked: Asked | None = None
) -> Held:
    """Every example, or those asked for, scored by the fit to all others.

    Cost: n r (p (k + 1)) multiplications.
    """
    count, classes = side.targets.shape
    asked = np.arange(count) if asked is None else asked
    held_out = np.empty((len(penalties), len(asked), classes), np.float32)
    for some in _few_penalties(len(penalties), len(whole.values) * classes):
        _leave_each_out(side, whole, penalties[some], asked, held_out[some])
    return held_out


def _leave_each_out(
    side: Moments, whole: Spectrum, penalties: Float[Array, " p"], asked: Asked, held_out: Held
) -> None:
    """Write the scores of the examples asked for, a block of them at a time."""
    solution = whole.ridge(penalties).reshape(len(whole.values), len(penalties) * side.targets.class_count)
    shrinkage = 1 / (whole.values[:, None] + penalties)

    def score(part: slice) -> None:
        own = asked[part]
        rows, weights, targets = side.coordinates(whole, own), side.weights[own], side.targets[own]
        fitted = rows @ solution / np.sqrt(weights)[:, None]
        leverage = (rows * rows) @ shrinkage + (weights / side.weights.sum())[:, None]
        residual = (
            targets[:, None]
            - whole.intercept
            - fitted.reshape(len(rows), len(penalties), side.targets.class_count)
        )
        held_out[:, part] = (targets[:, None] - residual / (1 - leverage)[..., None]).transpose(1, 0, 2)

    in_parallel(score, _blocks(len(asked), solution.shape[1]))


def leave_folds_out(
    side: Moments,
    whole: Spectrum,
    penalties: Float[Array, " p"],
    *,
    folds: Folds,
    asked: Asked | None = None,
) -> Held:
    """Every example, or those asked for, scored by the fit to all folds but its own; NaN for fold -1."""
    asked = np.arange(len(folds)) if asked is None else asked
    held_out = np.full((len(penalties), len(asked), side.targets.shape[1]), np.nan, np.float32)

    def leave_out(number: int) -> None:
        rows, places = np.flatnonzero(folds == number), np.flatnonzero(folds[asked] == number)
        if cheaper_to_refit(len(rows), len(folds), rank=len(whole.values), penalties=len(penalties)):
            held_out[:, places] = _refit(side, rows, penalties, asked=asked[places])
        else:
            block = _solve_block(side, whole, penalties, rows)
            held_out[:, places] = block[:, np.searchsorted(rows, asked[places])]

    in_parallel(leave_out, fold_numbers(folds).tolist())
    return held_out


def cheaper_to_refit(held: int, count: int, *, rank: int, penalties: int) -> bool:
    """Whether decomposing the rest costs less than a Cholesky factor of I - H_gg for every penalty."""
    block = penalties * (held**2 * rank / 2 + held**3 / 6) + held * rank**2
    rest = min(count - held, rank)
    return EIGEN_COST * rest**3 < block


def _solve_block(side: Moments, whole: Spectrum, penalties: Float[Array, " p"], rows: Rows) -> Held:
    """(I - H_gg)^-1 E_g for every penalty."""
    root = np.sqrt(side.weights[rows])[:, None]
    axes = side.coordinates(whole, rows)
    targets, solutions = side.targets[rows], whole.ridge(penalties)
    constant = root @ root.T / side.weights.sum()
    held_out = np.empty((len(penalties), *targets.shape), np.float32)
    for at, penalty in enumerate(penalties):
        shrunken = axes / np.sqrt(whole.values + penalty)
        residual = root * (targets - whole.intercept) - axes @ solutions[:, at]
        unexplained = np.eye(len(rows)) - constant - shrunken @ shrunken.T
        held_out[at] = targets - solve(unexplained, residual, assume_a="pos", check_finite=False) / root
    return held_out


def _refit(side: Moments, rows: Rows, penalties: Float[Array, " p"], *, asked: Asked) -> Held:
    """Decompose all but these rows and predict some of them."""
    return predicted(side, side.without(rows), penalties, asked)


def predicted(side: Moments, rest: Spectrum, penalties: Float[Array, " p"], asked: Asked) -> Held:
    """Scores of some rows by the decomposition of others."""
    classes = len(rest.intercept)
    held_out = np.empty((len(penalties), len(asked), classes), np.float32)
    for some in _few_penalties(len(penalties), len(rest.basis) * classes):
        solution = rest.ridge(penalties[some])
        coefficients = rest.basis @ solution.reshape(len(rest.values), solution.shape[1] * classes)
        for part in _blocks(len(asked), coefficients.shape[1]):
            fitted = (side.rows(asked[part]) - rest.offset) @ coefficients
            shaped = fitted.reshape(len(fitted), solution.shape[1], classes) + rest.intercept
            held_out[some, part] = shaped.transpose(1, 0, 2)
    return held_out


def _few_penalties(count: int, coefficients: int) -> list[slice]:
    """So many penalties, as many at a time as their coefficients let."""
    size = max(1, NUMBERS_AT_ONCE // max(coefficients, 1))
    return [slice(start, start + size) for start in range(0, count, size)]


def _blocks(count: int, scores: int) -> list[slice]:
    """So many rows, as many at a time as the scores of one let."""
    size = min(ROWS_AT_ONCE, max(1, NUMBERS_AT_ONCE // max(scores, 1)))
    return [slice(start, start + size) for start in range(0, count, size)]
