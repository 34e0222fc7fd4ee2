"""The grid of a space, its points by number: a fair sample of it can be drawn, however large it is."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

from regraft.core.seeds import generator

RANDOM_BYTES = 64
"""Numbers far beyond the size of any grid, which may be beyond that of a machine's integers."""


class Block(NamedTuple):
    """What one kind of head has on a grid: each axis with its values, the last axis changing first."""

    names: list[str]
    values: list[tuple[Any, ...]]

    @property
    def size(self) -> int:
        """How many combinations there are."""
        return prod(map(len, self.values))

    def combination(self, number: int) -> dict[str, Any]:
        """The combination of a number below `size`."""
        found = list[Any]()
        for values in reversed(self.values):
            number, at = divmod(number, len(values))
            found.append(values[at])
        return dict(zip(self.names, reversed(found), strict=True))


@dataclass(frozen=True)
class Grid:
    """Every combination once: for each kind of head, a block, those of its own axes with all others.

    Of combinations that differ in nothing that counts only the first is a point. `is_active` says whether an
    axis counts beside what was chosen.
    """

    blocks: Sequence[Block]
    is_active: Callable[[str, Mapping[str, Any]], bool]

    @property
    def size(self) -> int:
        """How many combinations there are, at least as many as points."""
        return sum(block.size for block in self.blocks)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """All points, in order."""
        for block in self.blocks:
            yield from self._points(block, range(block.size))

    def sample(self, most: int, *, seed: int) -> list[dict[str, Any]]:
        """All points; or by lot, in the order drawn, those among so many combinations."""
        if self.size <= most:
            return [*self]
        draw, numbers = generator(seed, "grid"), dict[int, None]()
        while len(numbers) < most:
            numbers[int.from_bytes(draw.bytes(RANDOM_BYTES)) % self.size] = None
        return [point for number in numbers for point in self._of(number)]

    def _of(self, number: int) -> Iterator[dict[str, Any]]:
        """The point of a number below `size`, if there is one."""
        for block in self.blocks:
            if number < block.size:
                return self._points(block, [number])
            number -= block.size
        return iter(())

    def _points(self, block: Block, numbers: Iterable[int]) -> Iterator[dict[str, Any]]:
        first = block.combination(0)
        for number in numbers:
            values = block.combination(number)
            idle = [name for name in block.names if not self.is_active(name, values)]
            if all(values[name] == first[name] for name in idle):
                yield {name: value for name, value in values.items() if name not in idle}
