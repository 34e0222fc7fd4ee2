"""Many heads judged on held-out examples at once: what a search asks for.

Heads of one kind train side by side (see `block`), those that do worst are dropped on the way, and nobody's
result depends on who else was there, but for who is dropped.

Importing this module does not import torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Features, Folds, Scores, Truth, Weights
from regraft.heads.member import Course, Criterion
from regraft.heads.standard import Standard
from regraft.heads.weighting import check_folds, checked, one_each

if TYPE_CHECKING:
    from regraft.heads.fold import Fold, Rows
    from regraft.heads.team import Team
    from regraft.heads.trained_linear import TrainedLinear

State = Literal["complete", "dropped", "diverged"]
KEPT_FRACTION = 0.5
STATE_BYTES = 2 << 30
"""Of weights, gradients and moments that are in memory at a time; more heads than that race in heats."""


@dataclass(frozen=True, eq=False)
class Together:
    """What became of one head.

    `scores` [n, k] are held out, averaged over rounds, NaN where an example never was; None if the head
    diverged or was dropped. `losses` are the held-out log-losses after each epoch until it stopped.
    """

    scores: Scores | None
    losses: Float[Array, " e"]
    state: State


def held_out_together(  # noqa: PLR0913  the arguments of `held_out`, and whether to halve
    heads: Sequence["TrainedLinear"],
    features: Features,
    labels: Truth,
    *,
    class_count: int,
    rounds: tuple[Folds, ...],
    weights: Weights | None = None,
    halve: bool = True,
    criterion: Criterion = "loss",
) -> list[Together]:
    """Held-out scores of heads in the order given, by their last epochs, as `held_out` has them of each.

    Args:
        heads: settings.
        features: of all examples.
        labels: one each.
        class_count: how many classes there are.
        rounds: ways to deal the examples to folds; -1 marks those that are never held out.
        weights: of the examples.
        halve: whether after 1, 2, 4, 8, ... epochs the worse half of the heads that still train is dropped.
        criterion: what tells which half that is: the held-out loss at the best of some temperatures, or the
            accuracy, where the loss breaks ties.

    Source: successive halving, Jamieson & Talwalkar 2016, 1502.07943.
    Cost: 2 n d k multiplications per epoch, head and fold.

    Raises:
        DataError: features, labels, folds or weights cannot be used.
        RecipeError: examples have several labels.
    """
    import torch

    from regraft.heads.fold import dealt_by
    from regraft.heads.team import one_thread

    for folds in rounds:
        check_folds(folds, len(labels))
    _, data = standardised(features, labels, class_count=class_count, weights=weights)
    found: list[Together] = []
    with torch.inference_mode(), one_thread():
        dealt = [fold for folds in rounds for fold in dealt_by(folds, data)]
        for courses in _heats([head.course for head in heads], dealt):
            found += _race(courses, dealt, Heat(courses, len(labels), criterion), halve=halve)
    return found


def standardised(
    features: Features, labels: Truth, *, class_count: int, weights: Weights | None
) -> tuple[Standard, "Rows"]:
    """Check the examples, standardise them and move them to a CUDA device where there is one."""
    import torch

    from regraft.heads.fold import Rows

    weights = checked(features, labels, class_count=class_count, weights=weights)
    labels, standard = one_each(labels), Standard.of(features, weights)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rows = standard.rows(features)
    return standard, Rows.load(rows, labels, class_count=class_count, weights=weights, device=device)


def train_alone(course: Course, data: "Rows") -> tuple[Array, ...]:
    """The layers of one head trained on all examples, [outputs, inputs + 1 + padding] each."""
    import torch

    from regraft.heads.block import Block
    from regraft.heads.fold import Fold
    from regraft.heads.hidden_block import HiddenBlock
    from regraft.heads.team import one_thread

    with torch.inference_mode(), one_thread():
        fold = Fold(data, np.arange(len(data.labels)), np.arange(0))
        block = (HiddenBlock if course.member.width else Block)([course], fold)
        for epoch in range(course.epochs):
            block.train(epoch)
        return tuple(layer[0] for layer in block.weights([0]))


class Heat:
    """The books of heads that train together until each has finished, was dropped or diverged."""

    def __init__(self, courses: Sequence[Course], example_count: int, criterion: Criterion) -> None:
        """Nobody has trained yet."""
        self.courses, self.example_count, self.criterion = courses, example_count, criterion
        self.rungs = rungs(max(course.epochs for course in courses))
        self._ends = {rung.stop for rung in self.rungs}
        self.standing = dict.fromkeys(range(len(courses)), (np.inf, np.inf))
        self.losses: list[list[float]] = [[] for _ in courses]
        self.scores: list[Scores | None] = [None for _ in courses]
        self.training = set(range(len(courses)))
        self.diverged: set[int] = set()

    def record(self, team: "Team", epoch: int) -> None:
        """Note the losses; whoever has finished or diverged leaves the team."""
        losses, accuracies = team.judge()
        for number, loss in zip(team.numbers, losses, strict=True):
            self.losses[number].append(float(loss))
        if epoch in self._ends:
            tempered = team.tempered()
            first = -accuracies if self.criterion == "accuracy" else tempered
            self.standing |= dict(zip(team.numbers, zip(first, tempered, strict=True), strict=True))
        finite = [bool(np.isfinite(self.losses[number][-1])) for number in team.numbers]
        done = [course.epochs <= epoch for course in team.courses]
        self.diverged |= {n for n, is_finite in zip(team.numbers, finite, strict=True) if not is_finite}
        if any(done):
            self._collect(team, [at for at, is_done in enumerate(done) if is_done and finite[at]])
        leaving = [at for at in range(len(done)) if done[at] or not finite[at]]
        if leaving:
            self.training -= {team.numbers[at] for at in leaving}
            team.keep([at for at in range(len(done)) if at not in leaving])

    def survivors(self, share: float) -> set[int]:
        """The best of those still training."""
        order = sorted(self.training, key=self.standing.__getitem__)
        self.training = set(order[: int(np.ceil(share * len(order)))])
        return self.training

    def results(self) -> list[Together]:
        """In the order of the courses."""
        return [
            Together(scores, np.array(losses, np.float32), self._state(number))
            for number, (scores, losses) in enumerate(zip(self.scores, self.losses, strict=True))
        ]

    def _state(self, number: int) -> State:
        if number in self.diverged:
            return "diverged"
        return "dropped" if self.scores[number] is None else "complete"

    def _collect(self, team: "Team", positions: Sequence[int]) -> None:
        """Scores of members that have finished, averaged over the folds that held an example out."""
        held = [(block.fold.judged, block.held_out()[list(positions)].cpu().numpy()) for block in team.blocks]
        shape = (len(positions), self.example_count, held[0][1].shape[1])
        total, count = np.zeros(shape), np.zeros(self.example_count)
        for judged, scores in held:
            total[:, judged] += scores.transpose(0, 2, 1)
            count[judged] += 1
        with np.errstate(invalid="ignore"):
            mean = (total / count[:, None]).astype(np.float32)
        for at, position in enumerate(positions):
            self.scores[team.numbers[position]] = mean[at]


def _race(courses: Sequence[Course], folds: Sequence["Fold"], heat: Heat, *, halve: bool) -> list[Together]:
    from regraft.heads.team import lay_out, race

    share = KEPT_FRACTION if halve else 1.0
    race(lay_out(courses, folds), heat.rungs, heat.record, lambda: heat.survivors(share))
    return heat.results()


def rungs(epochs: int) -> list[range]:
    """Epochs up to 1, 2, 4, 8, ... and the last.

    >>> rungs(6)
    [range(0, 1), range(1, 2), range(2, 4), range(4, 6)]
    """
    ends = [0, *(2**power for power in range(epochs.bit_length()) if 2**power < epochs), epochs]
    return [range(start, stop) for start, stop in pairwise(ends)]


def _heats(courses: Sequence[Course], folds: Sequence["Fold"]) -> list[list[Course]]:
    """As many heads at a time as fit into memory: weights, a gradient and two moments for each fold."""
    from regraft.heads.team import block_for

    heats: list[list[Course]] = []
    room = 0
    for course in courses:
        needed = 4 * 4 * len(folds) * block_for(course, folds[0], 1).size(course.member, folds[0])
        if needed > room or not heats:
            heats.append([])
            room = STATE_BYTES
        heats[-1].append(course)
        room -= needed
    return heats
