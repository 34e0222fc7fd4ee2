"""Members side by side in every fold, and how a population is dealt to teams that train independently."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import torch
from jaxtyping import Float

from regraft.core.arrays import Array
from regraft.core.cores import usable_cores
from regraft.heads.block import Block
from regraft.heads.classifier import Linear
from regraft.heads.fold import Fold
from regraft.heads.gram_block import GramBlock, is_cheaper
from regraft.heads.hidden_block import HiddenBlock
from regraft.heads.member import Course


class Team:
    """Members, known by number, each trained in every fold: one block for each fold."""

    def __init__(self, numbers: Sequence[int], blocks: Sequence[Block]) -> None:
        """Take blocks of the same members, one for each fold."""
        self.numbers, self.blocks = list(numbers), list(blocks)
        self.kind = self.courses[0].kind

    @property
    def courses(self) -> list[Course]:
        """Of the members, in their order."""
        return self.blocks[0].courses

    def train(self, epoch: int) -> None:
        """Pass once over the examples of every fold."""
        for block in self.blocks:
            block.train(epoch)

    def judge(self) -> tuple[Float[Array, " m"], Float[Array, " m"]]:
        """Log-loss and accuracy of every member on all that is held out, by weight."""
        judged = np.array([block.judge() for block in self.blocks], np.float64)
        return judged[:, 0].sum(axis=0) / self._total, judged[:, 1].sum(axis=0) / self._total

    def tempered(self) -> Float[Array, " m"]:
        """The log-loss of every member at the best of some temperatures."""
        sums = np.sum([block.tempered() for block in self.blocks], axis=0, dtype=np.float64)
        return np.asarray(np.min(sums, axis=0) / self._total)

    @property
    def _total(self) -> float:
        return sum(float(block.fold.verdicts.sum()) for block in self.blocks)

    def keep(self, positions: Sequence[int]) -> None:
        """Go on with some of the members."""
        self.numbers = [self.numbers[position] for position in positions]
        for block in self.blocks:
            block.keep(positions)

    def join(self, other: "Team") -> None:
        """Take over the members of a team of the same kind that has made as many steps."""
        self.numbers += other.numbers
        for block, theirs in zip(self.blocks, other.blocks, strict=True):
            block.join(theirs)
        forms = [course.member.form for course in self.courses]
        self.keep(sorted(range(len(forms)), key=forms.__getitem__))


def lay_out(courses: Sequence[Course], folds: Sequence[Fold], initial: Linear | None = None) -> list[Team]:
    """Members of one kind next to each other, as many to a team as a block should hold."""
    alike: dict[tuple[object, ...], list[int]] = {}
    for number, course in enumerate(courses):
        alike.setdefault(course.kind, []).append(number)
    teams = []
    for numbers in alike.values():
        block = block_for(courses[numbers[0]], folds[0], len(numbers), initial)
        capacity = block.capacity(courses[numbers[0]].member, folds[0])
        for dealt in np.array_split(numbers, -(-len(numbers) // capacity)):
            part = sorted(dealt.tolist(), key=lambda number: courses[number].member.form)
            own = [courses[number] for number in part]
            teams.append(Team(part, [block(own, fold, initial) for fold in folds]))
    return teams


def block_for(course: Course, fold: Fold, members: int, initial: Linear | None = None) -> type[Block]:
    """The kind of block that so many members of a kind train in."""
    if course.member.width:
        return HiddenBlock
    return GramBlock if is_cheaper(course, fold, members, initial) else Block


def regroup(teams: Iterable[Team], survivors: set[int]) -> list[Team]:
    """Drop the others, then join what is left of one kind while it fits into one block."""
    joined: dict[tuple[object, ...], list[Team]] = {}
    for team in teams:
        member, first = team.courses[0].member if team.numbers else None, team.blocks[0]
        team.keep([at for at, number in enumerate(team.numbers) if number in survivors])
        if member is None or not team.numbers:
            continue
        alike = joined.setdefault(team.kind, [])
        room = first.capacity(member, first.fold) - len(team.numbers)
        if alike and len(alike[-1].numbers) <= room:
            alike[-1].join(team)
        else:
            alike.append(team)
    return [team for alike in joined.values() for team in alike]


def side_by_side(work: Callable[[Team], None], teams: Sequence[Team]) -> None:
    """Let every team work, on a processor as many at a time as there are cores, one thread each.

    The threads of one product wait for each other by spinning, and where something else runs on the same
    cores they mostly wait; teams need nothing of each other.
    """
    if not teams or teams[0].blocks[0].device.type != "cpu":
        for team in teams:
            work(team)
        return

    def alone(team: Team) -> None:
        with torch.inference_mode():
            work(team)

    with (
        one_thread(),
        ThreadPoolExecutor(usable_cores(), initializer=torch.set_num_threads, initargs=(1,)) as pool,
    ):
        list(pool.map(alone, teams))


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep torch to one thread; what it was comes back at the end."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def race(
    teams: Sequence[Team],
    rungs: Iterable[range],
    record: Callable[[Team, int], None],
    survivors: Callable[[], set[int]],
) -> None:
    """Train all teams through rungs of epochs.

    Args:
        teams: as they were laid out.
        rungs: epochs, counted from 0; after each rung only the survivors go on.
        record: told of a team and how many epochs it has trained; may make members leave it.
        survivors: asked after each rung for the numbers of those that go on.
    """
    for rung in rungs:

        def advance(team: Team, epochs: range = rung) -> None:
            for epoch in epochs:
                if team.numbers:
                    team.train(epoch)
                    record(team, epoch + 1)

        side_by_side(advance, teams)
        teams = regroup(teams, survivors())
