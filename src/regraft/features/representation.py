"""Which columns of which backbones describe an image, and how they are scaled.

A backbone's row holds every stage in two poolings. A representation picks from it; scaling is affine, so
that a linear head on scaled features folds into one matrix on the raw ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from jaxtyping import Float

from regraft.backbones import Backbone, Card
from regraft.core.arrays import Array, Features
from regraft.core.errors import ArtifactError, RecipeError
from regraft.core.settings import Knob
from regraft.features.store import FeatureStore
from regraft.features.views import PLAIN, Variant

Depths = Literal["last", "all", "grid"]
Scaling = Literal["depth", "feature", "none"]

SMALLEST_VARIANCE = 1e-10
DAMPING = 0.3
"""Of a depth's typical deviation: added in quadrature to that of each of its columns to standardise them.
Chosen on folds of seven sets; `benchmarks/scaling.py` compares it with none."""

ROWS_AT_ONCE = 2048


@dataclass(frozen=True)
class Representation:
    """How an image becomes a row of numbers."""

    backbones: Annotated[tuple[str, ...], Knob("pretrained networks whose features stand side by side")]
    depths: Annotated[Depths, Knob("last stage; all stages; all stages, and on a 2 x 2 grid")] = "grid"
    scaling: Annotated[Scaling, Knob("equal variance for every depth, or for every feature, or as is")] = (
        "depth"
    )

    def __post_init__(self) -> None:
        if not self.backbones or len(set(self.backbones)) != len(self.backbones):
            raise RecipeError(f"backbones must be one or more different names, not {self.backbones!r}.")


@dataclass(frozen=True)
class Affine:
    """(features - shift) * scale, column by column."""

    shift: Float[Array, " d"]
    scale: Float[Array, " d"]

    def __call__(self, features: Features) -> Features:
        """Scaled features, float32 [n, d]."""
        scaled: Features = features - self.shift
        scaled *= self.scale
        return scaled


def columns(card: Card, depths: Depths) -> tuple[slice, ...]:
    """The columns of a backbone's row that a choice of depths means, one slice for each depth and pooling."""
    return card.columns(depths)


def width(cards: Sequence[Card], depths: Depths) -> int:
    """How many features a representation has."""
    return sum(part.stop - part.start for card in cards for part in columns(card, depths))


def read(
    representation: Representation,
    backbones: Mapping[str, Backbone],
    store: FeatureStore,
    images: Sequence[str],
    *,
    variant: Variant = PLAIN,
    out: Features | None = None,
) -> Features:
    """Unscaled features of images (by SHA-256) from the store: [n, d], backbone after backbone.

    Args:
        representation: which columns of which networks.
        backbones: the networks by name.
        store: where they are.
        images: which rows are wanted, in their order.
        variant: how the images were looked at.
        out: what is filled and returned, such as a mapped file (`np.memmap`) in half precision where features
            exceed memory; else a new array of float32.

    Raises:
        ArtifactError: the store lacks one of the images; `extract` first.
    """
    loaded = [backbones[name] for name in representation.backbones]
    count = width([backbone.card for backbone in loaded], representation.depths)
    features = np.empty((len(images), count), dtype=np.float32) if out is None else out
    if features.shape != (len(images), count):
        raise ArtifactError(f"Features are {len(images)} x {count}; the array for them is {features.shape}.")
    start = 0
    for backbone in loaded:
        parts = columns(backbone.card, representation.depths)
        stop = start + sum(part.stop - part.start for part in parts)
        store.read_into(features[:, start:stop], variant.key(backbone), images, parts)
        start = stop
    return features


def fit_affine(representation: Representation, cards: Sequence[Card], features: Features) -> Affine:
    """Centre every column, and scale by the representation's rule. Labels are not needed.

    `depth` divides each depth by the root of its total variance: a linear head with a penalty then sees the
    mean of the depths' kernels, wide and narrow ones alike. `feature` divides every column by its own
    deviation, which lets wide depths weigh more. That deviation is damped by the depth's: a column that was
    hardly ever active in training would otherwise be blown up on new images.

    Source: uniformly weighted multiple kernels, Gönen and Alpaydın 2011 (JMLR 12:2211).
    A column, or a depth, that is constant in these features is set to zero: nothing can be learnt from it,
    and divided by its deviation it would explode on the first image that differs.

    Cost: two passes over the features; memory for a few thousand rows.
    """
    return affine_of(features, _column_blocks(cards, representation.depths), representation.scaling)


def affine_of(features: Features, blocks: Sequence[slice], scaling: Scaling) -> Affine:
    """`fit_affine` where the columns of each depth are known."""
    shift = features.mean(0, dtype=np.float64)
    variance = _variance(features, shift)
    if scaling == "none":
        scale = np.ones_like(variance)
    elif scaling == "feature":
        damping = np.empty_like(variance)
        for part in blocks:
            damping[part] = DAMPING**2 * variance[part].mean()
        scale = np.where(variance > SMALLEST_VARIANCE, _inverse_root(variance + damping), 0.0)
    else:
        scale = np.empty_like(variance)
        for part in blocks:
            scale[part] = _inverse_root(variance[part].sum())
    return Affine(shift.astype(np.float32), scale.astype(np.float32))


def columns_within(cards: Sequence[Card], depths: Depths, whole: Depths) -> tuple[tuple[int, int], ...]:
    """Where the blocks of one choice of depths begin and end among the columns of another that holds them.

    Raises:
        RecipeError: it does not hold them.
    """
    found, wanted, start = list[tuple[int, int]](), 0, 0
    for card in cards:
        own = {(part.start, part.stop) for part in columns(card, depths)}
        wanted += len(own)
        for part in columns(card, whole):
            stop = start + part.stop - part.start
            if (part.start, part.stop) in own:
                found.append((start, stop))
            start = stop
    if len(found) < wanted:
        raise RecipeError(f"The depths {whole!r} do not hold those of {depths!r}.")
    return tuple(found)


def _variance(features: Features, mean: Float[Array, " d"]) -> Float[Array, " d"]:
    """Over rows, a piece at a time: NumPy's own would hold every deviation at once, in double precision."""
    total = np.zeros_like(mean)
    for start in range(0, len(features), ROWS_AT_ONCE):
        total += np.square(features[start : start + ROWS_AT_ONCE] - mean).sum(0)
    return total / max(len(features), 1)


def _inverse_root(variance: Any) -> Any:
    return np.where(variance > SMALLEST_VARIANCE, 1 / np.sqrt(np.maximum(variance, SMALLEST_VARIANCE)), 0.0)


def _column_blocks(cards: Sequence[Card], depths: Depths) -> list[slice]:
    blocks, start = [], 0
    for card in cards:
        for part in columns(card, depths):
            stop = start + part.stop - part.start
            blocks.append(slice(start, stop))
            start = stop
    return blocks
