"""Features changed at random at every step, so that a head does not learn the examples by heart."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from regraft.heads.member import Augmentation


@dataclass(frozen=True)
class Ranges:
    """Of every feature among the examples that are trained on: [d] each."""

    low: Tensor
    high: Tensor
    mean: Tensor
    deviation: Tensor

    @classmethod
    def of(cls, rows: Tensor) -> "Ranges":
        """By the rows [t, d]."""
        return cls(rows.amin(0), rows.amax(0), rows.mean(0), rows.std(0, unbiased=False))


def mixing(count: int, strength: float, noise: np.random.Generator, like: Tensor) -> tuple[Tensor, Tensor]:
    """With whom each of some examples is mixed [b], and the share that it keeps of itself [b].

    Shares are drawn from a beta distribution of two equal parameters.

    Source: mixup, Zhang et al. 2018, 1710.09412; of what a network computes, as here, Verma et al. 2019,
        1806.05236.
    Differs: every pair has a share of its own.
    """
    partners = torch.from_numpy(noise.permutation(count))
    kept = torch.from_numpy(noise.beta(strength, strength, count).astype(np.float32))
    return partners.to(like.device), kept.to(like.device)


def kept_at_random(rows: int, columns: int, share: float, noise: np.random.Generator) -> Tensor:
    """Factors [rows, columns] of dropout: zero for a share of all, else what keeps the mean.

    Whole numbers of 16 bits are drawn several times as fast as real ones, which took longer than training.

    Source: Srivastava et al. 2014.
    """
    drawn = noise.integers(0, 1 << 16, (rows, columns), np.uint16)
    return torch.from_numpy(np.multiply(drawn >= round(share * (1 << 16)), np.float32(1 / (1 - share))))


def varied(
    features: Tensor, augmentation: Augmentation, strength: float, noise: np.random.Generator, ranges: Ranges
) -> Tensor:
    """Features [b, d] after noise, or a change of brightness or contrast, of each feature on its own.

    Noise is Gaussian, of so many standard deviations. Brightness adds a uniform share of the feature's range,
    up to the strength; contrast stretches the distance from the feature's mean by a factor of one more or
    less up to the strength. Neither leaves the feature's range.

    Source: FroFA, Baer et al. 2024, 2403.10519, brightness and contrast per channel (c2FroFA).
    Differs: pooled features have no positions, so a channel's range and mean are those over all examples.
    """
    if augmentation == "noise":
        drawn = torch.from_numpy(noise.standard_normal(features.shape, np.float32)).to(features.device)
        return features + strength * ranges.deviation * drawn
    drawn = torch.from_numpy(noise.random(features.shape, np.float32)).to(features.device)
    uniform = strength * (2 * drawn - 1)
    if augmentation == "brightness":
        changed = features + uniform * (ranges.high - ranges.low)
    else:
        changed = ranges.mean + (1 + uniform) * (features - ranges.mean)
    return torch.minimum(torch.maximum(changed, ranges.low), ranges.high)
