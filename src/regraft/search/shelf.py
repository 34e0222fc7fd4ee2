"""What was computed and may be wanted again, as long as there is room for it."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Protocol, TypeVar, runtime_checkable


@runtime_checkable
class Sized(Protocol):
    """Whatever knows how much memory it takes: an array, for instance."""

    @property
    def nbytes(self) -> int:
        """In bytes."""
        ...


T = TypeVar("T", bound=Sized)


class Shelf:
    """Results by name, those that were not asked for the longest leaving first. One thread uses it.

    What is kept may grow while it is used: its size is asked for anew each time.
    """

    def __init__(self, room_bytes: float) -> None:
        self.room_bytes = room_bytes
        self._kept: OrderedDict[Hashable, Sized] = OrderedDict()

    def get(self, name: Hashable, make: Callable[[], T]) -> T:
        """What is kept under a name, made if it is not there."""
        if name in self._kept:
            self._kept.move_to_end(name)
            return self._kept[name]  # type: ignore[return-value]
        self._drop_down_to(self.room_bytes)
        made = make()
        self._drop_down_to(self.room_bytes - made.nbytes)
        if made.nbytes <= self.room_bytes:
            self._kept[name] = made
        return made

    def __contains__(self, name: Hashable) -> bool:
        """Whether it is kept."""
        return name in self._kept

    @property
    def nbytes(self) -> int:
        """Of all that is kept."""
        return sum(each.nbytes for each in self._kept.values())

    def clear(self) -> None:
        """Drop everything: memory is wanted elsewhere."""
        self._kept.clear()

    def _drop_down_to(self, room_bytes: float) -> None:
        while self._kept and self.nbytes > room_bytes:
            self._kept.popitem(last=False)
