"""A linear head on the features, or depths of features, that a group lasso finds most useful."""

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from jaxtyping import Bool, Float

from regraft.core.arrays import Array, Features, Folds, Truth, Weights
from regraft.core.errors import DataError
from regraft.core.settings import Knob, check
from regraft.core.threads import in_parallel, single_threaded_blas
from regraft.heads.ballots import Ballots
from regraft.heads.classifier import Linear
from regraft.heads.loss import require_affordable_path
from regraft.heads.moments import NO_ROWS, moments
from regraft.heads.proximal import Problem, Solution, descend
from regraft.heads.reduced import Examples
from regraft.heads.ridge import PENALTIES, Ridge, linear
from regraft.heads.selection import PenaltyPath, held_out_loss
from regraft.heads.weighting import check_folds, checked, fold_numbers, one_each

STRENGTH = 0.01
"""Of the group lasso, as a share of the penalty that leaves no group: strong enough to have one optimum that
is reached, since ranks hang on it."""

ITERATIONS = 300


@dataclass(frozen=True)
class SelectedRidge:
    """Ridge on the share of features whose groups have the largest norms under a group lasso.

    A group is one feature with its weights for all classes; or with `blocks`, the widths of neighbouring
    blocks of features such as the depths of a network, a whole block, kept or left as one. The best block is
    kept in any case. Groups without weight are ranked by how strongly the loss pulls at them.

    Source: Evci et al. 2022 (Head2Toe), 2201.03529; group lasso of Yuan & Lin 2006,
        10.1111/j.1467-9868.2005.00532.x.
    Differs: relevance comes from softmax regression solved by `proximal` in place of SGD; norms of blocks are
        divided by the root of their width; what is kept is fitted by ridge in closed form.
    Cost: up to 300 steps of 4 n d k multiplications, then ridge on the features kept; without a penalty the
        best by leaving each example out alone, or by the folds of `path`.
    """

    share: Annotated[float, Knob("share of the features that is kept", low=0.001, high=1, log=True)] = 0.5
    penalty: Annotated[float | None, Knob("penalty on squared weights", low=1e-6, high=1e6, log=True)] = None
    blocks: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check(self)

    def fit(
        self, features: Features, labels: Truth, *, class_count: int, weights: Weights | None = None
    ) -> Linear:
        """Rank, keep, and fit what is kept. Rows of weights on other features are zero.

        Raises:
            DataError: features, labels or weights cannot be used, or blocks do not sum to the width.
        """
        examples = self._checked(features, labels, class_count, weights)
        kept = self._kept(examples)
        seen = features[:, kept]
        fitted = Ridge(self.penalty).fit(seen, labels, class_count=class_count, weights=examples.weights)
        return _on_all(fitted, kept)

    def path(
        self,
        features: Features,
        labels: Truth,
        *,
        class_count: int,
        folds: Folds,
        weights: Weights | None = None,
    ) -> PenaltyPath:
        """Rank outside every fold, and fit what is kept there under each of ridge's penalties.

        Cost: the ranking and one decomposition for each fold, and for the fit to all examples.

        Raises:
            DataError: as for `fit`, or folds cannot be used, or there are too many held-out scores.
        """
        examples = self._checked(features, labels, class_count, weights)
        check_folds(folds, len(labels))
        shape = len(PENALTIES), len(labels), class_count
        require_affordable_path(
            head="selected_ridge", penalties=shape[0], examples=shape[1], classes=class_count
        )
        scores = np.full(shape, np.nan, np.float32)

        def leave_out(number: int) -> None:
            out = folds == number
            rest = Examples(features[~out], labels[~out], class_count, examples.weights[~out])
            kept = self._kept(rest)
            with single_threaded_blas():
                side = moments(rest.features[:, kept], Ballots(rest.labels, class_count), rest.weights)
                whole, held = side.without(NO_ROWS), features[out][:, kept]
                for at, penalty in enumerate(PENALTIES * whole.spread(rest.weights)):
                    scores[at, out] = linear(side, whole.on_rows(float(penalty))).scores(held)

        in_parallel(leave_out, fold_numbers(folds).tolist())
        losses = np.array([held_out_loss(each, labels, weights=examples.weights) for each in scores])

        def fit(index: int) -> Linear:
            head = replace(self, penalty=float(PENALTIES[index]))
            return head.fit(features, labels, class_count=class_count, weights=weights)

        return PenaltyPath(PENALTIES, losses, scores.__getitem__, fit)

    def _checked(
        self, features: Features, labels: Truth, class_count: int, weights: Weights | None
    ) -> Examples:
        weights = checked(features, labels, class_count=class_count, weights=weights)
        width = features.shape[1]
        if self.blocks and (sum(self.blocks) != width or min(self.blocks) < 1):
            raise DataError(f"SelectedRidge.blocks sum to {sum(self.blocks)}; there are {width} features.")
        return Examples(features, labels, class_count, weights)

    def _kept(self, examples: Examples) -> Bool[Array, " d"]:
        """Which features are kept for some examples."""
        with single_threaded_blas():
            problem = Problem.of(
                examples.features,
                one_each(examples.labels),
                class_count=examples.class_count,
                weights=examples.weights,
            )
            return self.keeps(self._relevance(problem))

    def keeps(self, relevance: Float[Array, " g"]) -> Bool[Array, " d"]:
        """Which features are kept: those of the best groups that together fit into the share."""
        widths = np.array(self.blocks or (1,) * len(relevance))
        best = np.argsort(-relevance, kind="stable")
        chosen = np.empty(len(best), bool)
        chosen[best] = np.cumsum(widths[best]) <= max(self.share * widths.sum(), widths[best[0]])
        return np.repeat(chosen, widths)

    def _relevance(self, problem: Problem) -> Float[Array, " g"]:
        """Norms of the groups' weights under the group lasso; below zero, the next to have any come first."""
        widths = np.array(self.blocks or (1,) * (problem.posed.rows.shape[1] - 1))
        starts, roots = np.cumsum(widths) - widths, np.sqrt(widths)

        def lengths(weights: Solution) -> Float[Array, " g"]:
            return np.sqrt(np.add.reduceat((weights**2).sum(axis=1), starts))

        penalty = STRENGTH * float((lengths(problem.pulls(problem.nothing)) / roots).max())

        def shrink(weights: Solution, times: float) -> Solution:
            found = lengths(weights)
            kept = np.maximum(1 - penalty * times * roots / np.where(found > 0, found, np.inf), 0)
            return np.asarray(weights * np.repeat(kept, widths)[:, None].astype(np.float32))

        solution = descend(problem, shrink, start=problem.nothing, iterations=ITERATIONS)
        norms, pulls = lengths(solution[:-1]), lengths(problem.pulls(solution))
        return np.asarray(np.where(norms > 0, norms, pulls - roots * penalty) / roots)


def _on_all(fitted: Linear, kept: Bool[Array, " d"]) -> Linear:
    """The same head over all features, with weights of zero on those that are not kept."""
    rows = np.zeros((len(kept), fitted.class_count), np.float32)
    rows[kept] = fitted.weights
    return Linear(rows, fitted.bias)
