"""Random numbers that do not depend on the order in which parts of a program ask for them."""

import numpy as np

from regraft.core.hashing import fingerprint


def derive_seed(seed: int, *purpose: str | int) -> int:
    """A 32-bit seed for one purpose, so that adding a consumer of randomness changes no other.

    >>> derive_seed(0, "split") != derive_seed(0, "folds")
    True
    """
    return int(fingerprint([seed, *purpose])[:8], 16)


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """NumPy's generator for one purpose; see `derive_seed`."""
    return np.random.default_rng(derive_seed(seed, *purpose))
