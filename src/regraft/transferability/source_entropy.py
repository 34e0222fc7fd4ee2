"""How sure a network is of its own classes on somebody else's images."""

import numpy as np
from scipy.special import entr

from regraft.core.arrays import Probabilities
from regraft.core.errors import DataError
from regraft.transferability.score import Measured, check_source, normalised


def source_entropy(source: Probabilities) -> Measured:
    """The mean entropy of the source head's answers, as a share of the largest possible; in [0, 1].

    Near 0 the images look like the network's own; near 1 it has no idea what they are. It describes how alike
    two tasks are and ranks nothing: a sure network can be sure of the wrong thing.

    Source: Shannon 1948, 10.1002/j.1538-7305.1948.tb01338.x; as a sign of unfamiliar images, Hendrycks &
        Gimpel 2017, 1610.02136.
    Differs: divided by log z, so that heads of z classes can be compared.
    Cost: n z operations.

    Raises:
        DataError: rows that are not probabilities, or fewer than two source classes.
    """
    if source.shape[1] < 2:
        raise DataError(f"A head of {source.shape[1]} classes cannot be unsure; the shape is {source.shape}.")
    check_source(source, len(source))
    entropies = entr(normalised(source)).sum(axis=1) / np.log(source.shape[1])
    return Measured.mean(np.clip(entropies, 0, 1))
