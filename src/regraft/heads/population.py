"""Training hundreds of heads as one computation, and keeping the best.

Members share features and mini-batches and differ in everything else: optimizer, learning rate and its decay,
momentum, weight decay, smoothing, dropout. Members of one kind train in blocks (see `block`) sized to the
cache, and blocks train independently of each other, one to a core. Between halvings the worst are dropped and
the tensors shrink with them, so the cost really falls. With folds every member trains once per fold.

Importing this module does not import torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int

from regraft.core.arrays import Array, Features, Folds, Labels, Scores
from regraft.core.errors import TrainingError
from regraft.heads.classifier import Linear, check_width
from regraft.heads.layers import Layers
from regraft.heads.ledger import Ledger
from regraft.heads.member import Course, Examples, Member, Schedule
from regraft.heads.soup import greedy_soup, uniform_soup
from regraft.heads.weighting import check_folds, checked, fold_numbers

SOUP, MOST_AVERAGED = 16, 32
"""Heads that are averaged, `benchmarks/soup.py` says what that brings; and that are looked at one by one."""


@dataclass(frozen=True, eq=False)
class Population:
    """What training left: a curve for every member, and each member's weights at its best epoch.

    The best is that of the schedule's criterion, the lowest held-out loss or the highest accuracy, where the
    loss breaks ties; `ranking` [m] are the members by their best epochs.

    `losses` and `accuracies` [m, epochs + 1] are held out, at temperature 1; column 0 is before training, and
    NaN stands where a member no longer trained. `lowest` [m] are the least losses; a start of our own does
    not count, a given one does. `diverged` marks members whose loss became NaN or infinite.
    """

    members: tuple[Member, ...]
    ranking: Int[Array, " m"]
    losses: Float[Array, "m e"]
    accuracies: Float[Array, "m e"]
    lowest: Float[Array, " m"]
    diverged: Bool[Array, " m"]
    folds: Folds
    _weights: list[tuple[tuple[Array, ...], ...]] = field(repr=False)
    _width: int = field(repr=False)

    @property
    def best(self) -> int:
        """The first of the ranking."""
        return int(self.ranking[0])

    def classifier(self, index: int) -> Linear:
        """One linear member at its best epoch; its replicas averaged, which averages their scores."""
        if self.members[index].width:
            raise ValueError("replicas with a hidden layer have no average; ask for `classifiers`")
        return self._linear(np.mean([layers[0] for layers in self._weights[index]], axis=0))

    def soup(self, count: int = SOUP) -> Linear:
        """The linear heads of the best members averaged to one; see `heads.soup`.

        Members that never had a finite loss are left out.

        Raises:
            ValueError: there is none to average, or one has a hidden layer.
        """
        return uniform_soup(self._best(count))

    def greedy_soup(self, features: Features, labels: Labels, *, most: int = MOST_AVERAGED) -> Linear:
        """The average of the best member and of those after it that do it no harm; see `heads.soup`.

        Args:
            features: of images that no member learnt from [n, d]; with several folds there are none.
            labels: theirs.
            most: members that are looked at, the best first.

        Raises:
            ValueError: several folds were held out, or as for `soup`.
        """
        if len(self._weights[self.best]) > 1:
            raise ValueError("every image taught some replica; hold one fold out to choose a soup by it")
        return greedy_soup(self._best(most), features, labels)

    def classifiers(self, index: int) -> list[Linear | Layers]:
        """One member at its best epoch, once for each fold that was held out."""
        return [self._classifier(layers) for layers in self._weights[index]]

    def held_out(self, index: int, features: Features) -> Scores:
        """A member's scores of the training features, each by the replica that held it out; else NaN."""
        check_width(features, self._width)
        replicas = self.classifiers(index)
        scores = np.full((len(features), replicas[0].class_count), np.nan, np.float32)
        for replica, number in zip(replicas, fold_numbers(self.folds), strict=True):
            out = self.folds == number
            scores[out] = replica.scores(features[out])
        return scores

    def _best(self, count: int) -> list[Linear]:
        """So many of the ranking, but for those that never had a finite loss."""
        ranked = self.ranking[: max(count, 0)]
        return [self.classifier(index) for index in ranked[np.isfinite(self.lowest[ranked])].tolist()]

    def _classifier(self, layers: tuple[Array, ...]) -> Linear | Layers:
        first = self._linear(layers[0])
        if len(layers) == 1:
            return first
        last = layers[1]
        return Layers((first.weights, last[:, :-1].T), (first.bias, last[:, -1]), "relu")

    def _linear(self, weights: Float[Array, "k d"]) -> Linear:
        return Linear(weights[:, : self._width].T, weights[:, self._width])


def train_population(
    members: Sequence[Member],
    examples: Examples,
    *,
    schedule: Schedule | None = None,
    initial: Linear | None = None,
    device: str = "cpu",
) -> Population:
    """Train all members side by side and keep each one's best epoch.

    Args:
        members: settings; those that share what their rows and updates are made of share a block.
        examples: features (standardised ones suit `sample_members`), labels and folds.
        schedule: epochs, halvings and early stopping.
        initial: first weights of all members instead of zeros; such as a ridge solution, its scores
            divided by their temperature.
        device: as torch names it.

    Source: successive halving, Jamieson & Talwalkar 2016, 1502.07943.
    Cost: 2 n d k m f multiplications per epoch for the m members still training.

    Raises:
        DataError: features, labels, folds or weights cannot be used.
        TrainingError: every member diverged, or there is none.
    """
    import torch

    from regraft.heads.fold import Rows, dealt_by
    from regraft.heads.team import lay_out, one_thread, race

    if not members:
        raise TrainingError("A population needs at least one member.")
    schedule = schedule or Schedule()
    features, labels, count = examples.features, examples.labels, examples.class_count
    weights = checked(features, labels, class_count=count, weights=examples.weights)
    check_folds(examples.folds, len(labels))
    ledger = Ledger(len(members), schedule)
    with torch.inference_mode(), one_thread():
        data = Rows.load(features, labels, class_count=count, weights=weights, device=device)
        courses = [Course(member, schedule.epochs, schedule.seed) for member in members]
        teams = lay_out(courses, dealt_by(examples.folds, data), initial)
        for team in teams:
            ledger.open(team, counts=initial is not None)
        race(teams, schedule.rungs, ledger.record, ledger.survivors)
    _require_one(ledger, members)
    curves = (ledger.ranking, ledger.losses, ledger.accuracies, ledger.lowest, ledger.diverged)
    return Population(tuple(members), *curves, examples.folds, ledger.weights, features.shape[1])


def _require_one(ledger: Ledger, members: Sequence[Member]) -> None:
    if not np.isfinite(ledger.lowest).any():
        rates = sorted(member.learning_rate for member in members)
        raise TrainingError(
            f"All {len(members)} members diverged, with learning rates from {rates[0]:g} to {rates[-1]:g}. "
            f"Standardise the features or lower the rates."
        )
