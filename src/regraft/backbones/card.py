"""What travels with a network: what it is, what it eats, what it gives, and under which licence."""

from dataclasses import dataclass
from typing import Any, Literal

from regraft.backbones.names import Precision, without_file
from regraft.core.hashing import plain

Pooling = Literal["mean", "grid"]
Depths = Literal["last", "all", "grid"]
GRID = 2
"""Side of the coarse grid that keeps a little of *where* something is: 2 x 2 cells."""


@dataclass(frozen=True)
class Stage:
    """A named place in a network whose activations can be read.

    `is_map` says that they still have height and width, so that they can be pooled on a grid.
    """

    name: str
    width: int
    is_map: bool


@dataclass(frozen=True)
class Block:
    """A run of columns in a backbone's output: one stage pooled in one way."""

    stage: str
    pooling: Pooling
    start: int
    stop: int


@dataclass(frozen=True)
class Card:
    """A backbone's identity. Equal cards give equal features.

    `sha256` is of the weights file, or of the weights themselves when they came from a hub. `mean` and
    `std` are of pixels scaled to [0, 1]. `multiply_adds` counts one image at `image_px`. `precision` is
    `full`, `bf16`, `fp16` or `int8`.
    """

    name: str
    architecture: str
    sha256: str
    licence: str
    pretrained_on: str
    image_px: int
    crop_fraction: float
    interpolation: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    stages: tuple[Stage, ...]
    parameters: int
    multiply_adds: int
    precision: Precision = "full"

    @property
    def identity(self) -> dict[str, Any]:
        """What features depend on, to be hashed.

        Full precision goes without saying, so that features stored before there were others still count; and
        so does where a weights file lies, since the SHA-256 says what is in it.
        """
        facts: dict[str, Any] = plain(self) | {"name": without_file(self.name)}
        if self.precision == "full":
            del facts["precision"]
        return facts

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The layout of an output row: every stage's mean from shallow to deep, then the grids.

        The means come first so that whoever wants no grid reads one contiguous run of columns.
        """
        poolings: list[tuple[Stage, Pooling, int]] = [(stage, "mean", stage.width) for stage in self.stages]
        poolings += [(stage, "grid", stage.width * GRID * GRID) for stage in self.stages if stage.is_map]
        blocks, start = [], 0
        for stage, pooling, width in poolings:
            blocks.append(Block(stage.name, pooling, start, start + width))
            start += width
        return tuple(blocks)

    def columns(self, depths: Depths) -> tuple[slice, ...]:
        """The columns of a row that a choice of depths means, one slice for each depth and pooling."""
        blocks = [block for block in self.blocks if depths == "grid" or block.pooling == "mean"]
        return tuple(slice(one.start, one.stop) for one in (blocks[-1:] if depths == "last" else blocks))

    @property
    def width(self) -> int:
        """Columns in an output row, all blocks together."""
        return self.blocks[-1].stop
