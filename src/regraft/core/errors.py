"""Every error that regraft raises on purpose.

    RegraftError
    ├── DataError          images, labels, splits: what the user gave
    ├── BackboneError      weights that cannot be had, networks that disagree with their card
    ├── RecipeError        settings that make no sense, alone or together
    ├── TrainingError      a fit that cannot finish
    └── ArtifactError      run folders, saved models and caches that cannot be read or written

A message says what is wrong, with values; where; and what to do about it. It is raised where the fact is
known and given context once, at the edge. `regraft --debug` shows the traceback; without it the command
line prints the message alone.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class RegraftError(Exception):
    """The root: `except RegraftError` catches what this library says on purpose and nothing else."""


class DataError(RegraftError):
    """The images, labels or table given cannot be used as they are."""


class BackboneError(RegraftError):
    """A pretrained network cannot be loaded or does not do what its card says."""


class RecipeError(RegraftError):
    """A setting is unknown, out of range, or contradicts another."""


class TrainingError(RegraftError):
    """A fit cannot finish: too little data or time, numbers that are not finite."""


class ArtifactError(RegraftError):
    """A run folder, saved model or cache is missing, incomplete, damaged, or cannot be written."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence naming the known names closest to a mistyped one, or listing a few of them.

    >>> did_you_mean("lite9", ["lite0", "lite1", "resnet"])
    'Did you mean lite1 or lite0?'
    """
    names = sorted(known)
    close = get_close_matches(name, names, n=3, cutoff=0.6)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return f"Known are{', among others' if len(names) > 8 else ''}: {', '.join(names[:8])}."
