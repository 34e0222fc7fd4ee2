"""What all who share a study take from whoever was first to find it: times measured, points proposed.

Each process would find something else, and trials could not be compared.
"""

from collections.abc import Callable
from typing import Any

import optuna

from regraft.search.marks import AGREED


class Agreement:
    """Things by name, in the storage of a study and in the memory of this process."""

    def __init__(self, study: optuna.Study) -> None:
        self._study = study
        self._known: dict[str, Any] = {}

    def __call__(self, name: str, find: Callable[[], Any]) -> Any:
        """What goes by that name; found, and written down, where nobody has yet.

        Args:
            name: what it is.
            find: gives it, as JSON knows it.
        """
        key = f"{AGREED}{name}"
        if key not in self._known:
            if key not in self._study.user_attrs:
                found = find()
                # It may have taken seconds, in which another process may have been quicker.
                if key not in self._study.user_attrs:
                    self._study.set_user_attr(key, found)
            # Or it may have come in between: what stands there holds.
            self._known[key] = self._study.user_attrs[key]
        return self._known[key]
