"""Work that many settings of a head have in common: done once for the same examples and folds."""

from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Any, TypeVar

from regraft.heads.kernel_ridge import KernelRidge
from regraft.heads.lda import Lda
from regraft.heads.logistic import PENALTIES as OF_LOGISTIC
from regraft.heads.logistic import Logistic
from regraft.heads.prepared.dealt import Dealt, Gathered, Key
from regraft.heads.prepared.kernel_ridge import PreparedKernelRidge
from regraft.heads.prepared.lda import PreparedLda
from regraft.heads.prepared.preparation import KnowsPaths, Preparation
from regraft.heads.prepared.reduced import PreparedReduced, reach_all
from regraft.heads.prepared.ridge import PreparedRidge
from regraft.heads.ridge import PENALTIES as OF_RIDGE
from regraft.heads.ridge import Ridge
from regraft.heads.support_vectors import PENALTIES as OF_LINEAR_SVM
from regraft.heads.support_vectors import LinearSvm

__all__ = [
    "Dealt",
    "Gathered",
    "Key",
    "KnowsPaths",
    "Preparation",
    "Prepared",
    "Sharing",
    "penalties",
    "reach_all",
    "shares",
    "sharing",
]

H = TypeVar("H")

Sharing = tuple[Hashable, Callable[[Dealt], Preparation]]
"""A name that is equal for heads that share a preparation, and how it is made."""


class Prepared:
    """What kinds of heads prepared on the same examples and folds, each when the first head asks."""

    def __init__(self, dealt: Dealt) -> None:
        """Nothing is prepared yet."""
        self.dealt = dealt
        self._made: dict[Hashable, Preparation] = {}

    def of(self, head: Any) -> Preparation | None:
        """What answers for a head; None where there is nothing to share."""
        shared = sharing(head)
        if shared is None:
            return None
        name, prepare = shared
        if name not in self._made:
            self._made[name] = prepare(self.dealt)
        return self._made[name]

    def settled(self, head: H) -> H:
        """With the penalty that its kind finds from all examples, where that is left to it."""
        prepared = self.of(head)
        if isinstance(head, KernelRidge) and isinstance(prepared, PreparedKernelRidge):
            return prepared.settled(head)  # type: ignore[return-value]
        return head

    def knows(self, head: Any) -> bool:
        """Whether a head of its kind has asked before, for one penalty or along a path."""
        path = penalties(head)
        shared = sharing(replace(head, penalty=path[0]) if path else head)
        return shared is not None and shared[0] in self._made

    def helps(self, head: Any) -> bool:
        """Whether others have paid for some of the work that a head shares; kernels are nobody else's."""
        if self.knows(head):
            return True
        if isinstance(head, Lda) and self.dealt.gathered.is_decomposed:
            return True
        return shares(head) and not isinstance(head, KernelRidge) and self.dealt.nbytes > 0

    @property
    def nbytes(self) -> int:
        """Of what was gathered and decomposed by now, which is most of it."""
        return self.dealt.nbytes + self.dealt.gathered.nbytes


def penalties(head: Any) -> tuple[float, ...]:
    """Those that a head without one chooses among, strongest first, and which share their work.

    None where it finds its own in another way.
    """
    match head:
        case Ridge(penalty=None):
            path = OF_RIDGE
        case Logistic(penalty=None):
            path = OF_LOGISTIC
        case LinearSvm(penalty=None):
            path = OF_LINEAR_SVM
        case _:
            return ()
    return (*sorted(path.tolist(), reverse=True),)


def sharing(head: Any) -> Sharing | None:
    """How a head shares its work with others; None where there is nothing to share."""
    match head:
        case Ridge(penalty=float()):
            return "ridge", PreparedRidge
        case Lda():
            return "lda", PreparedLda
        case Logistic(penalty=float()) | LinearSvm(penalty=float()):
            return "reduced", PreparedReduced
        case KernelRidge():
            return "kernel_ridge", PreparedKernelRidge
        case _:
            return None


def shares(head: Any) -> bool:
    """Whether a head shares work with others, for one setting or along a path."""
    return sharing(head) is not None or bool(penalties(head))
