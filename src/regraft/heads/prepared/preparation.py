"""What answers for one setting of a kind of head after another, on the same examples and folds."""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol, runtime_checkable

from regraft.core.arrays import Scores
from regraft.heads.classifier import Classifier
from regraft.heads.prepared.dealt import Key


@runtime_checkable
class Preparation(Protocol):
    """The part of the work that does not depend on the settings, and what answers for each of them.

    It is computed when it is first needed, so that a head given up after one fold pays for one.
    """

    def fit(self, head: Any) -> Classifier:
        """What the head's own `fit` gives, within rounding."""
        ...

    def held_out(self, head: Any, keys: tuple[Key, ...] | None) -> Scores:
        """What the function `held_out` gives, of these folds, averaged over rounds; NaN elsewhere.

        None for each example alone.
        """
        ...


@runtime_checkable
class KnowsPaths(Preparation, Protocol):
    """A preparation that answers for a whole path of penalties, for less than for each on its own."""

    def path(self, heads: Iterable[Any], keys: tuple[Key, ...] | None) -> Iterator[Scores]:
        """What `held_out` gives for each of some heads, the strongest penalty first, as it is asked for."""
        ...
