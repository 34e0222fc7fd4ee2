"""A linear head on a network whose last stages can be trained: rows in, class scores out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Int
from torch import nn

from regraft.backbones.card import Block, Card, Depths
from regraft.backbones.tail import Tail
from regraft.core.arrays import Array, Features, Labels, Mask, Scores, Weights
from regraft.features import Affine
from regraft.heads import Linear

BATCH = 64


@dataclass(frozen=True, eq=False)
class Lesson:
    """What is learnt from, image by image.

    `handed` [n, ...] is what the fixed part of the network hands on, `rows` [n, d] are unscaled features, of
    which the columns of trained stages are computed anew. Only the images of the `index` [m] count, or all
    of them; what is known of the others is shared with other lessons.
    """

    handed: torch.Tensor
    rows: Features
    labels: Labels
    weights: Weights
    index: Int[Array, " m"] | None = None

    def of(self, chosen: Mask) -> "Lesson":
        """That of some images."""
        return replace(self, index=np.flatnonzero(chosen))

    def at(self, places: Int[Array, " b"]) -> tuple[torch.Tensor, ...]:
        """What is handed on, rows, labels and weights of the images at some places of the index."""
        index = places if self.index is None else self.index[places]
        rows, weights = (torch.tensor(part[index], dtype=torch.float32) for part in (self.rows, self.weights))
        return self.handed[torch.from_numpy(index)], rows, torch.tensor(self.labels[index]), weights

    @property
    def mean_weight(self) -> float:
        """Of its images."""
        return float((self.weights if self.index is None else self.weights[self.index]).mean())

    def __len__(self) -> int:
        return len(self.labels if self.index is None else self.index)


class Tunable(nn.Module):
    """The last stages of a network and a linear head: class scores of what was handed on, and stored rows.

    It starts from a head that was solved on scaled rows.
    """

    shift: torch.Tensor
    scale: torch.Tensor
    into: torch.Tensor
    out_of: torch.Tensor

    def __init__(self, tail: Tail, card: Card, depths: Depths, *, head: Linear, affine: Affine) -> None:
        super().__init__()
        self.tail = tail
        self.head = nn.Linear(*head.weights.shape)
        into, out_of = _columns(card, depths, tail.names)
        self.register_buffer("into", torch.from_numpy(into))
        self.register_buffer("out_of", torch.from_numpy(out_of))
        self.register_buffer("shift", torch.tensor(affine.shift, dtype=torch.float32))
        self.register_buffer("scale", torch.tensor(affine.scale, dtype=torch.float32))
        solved = {"weight": head.weights.T, "bias": head.bias}
        self.head.load_state_dict({name: torch.tensor(array) for name, array in solved.items()})

    def forward(self, handed: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Scores [b, k] of what was handed on [b, ...] and unscaled rows [b, d].

        The trained stages' blocks take the place of what the rows say of them.
        """
        whole = rows.index_copy(1, self.into, self.tail(handed)[:, self.out_of])
        scores: torch.Tensor = self.head((whole - self.shift) * self.scale)
        return scores

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.shift.device

    @property
    def solved(self) -> Linear:
        """The head on scaled rows as it is now."""
        weight, bias = (one.detach().cpu().numpy() for one in (self.head.weight, self.head.bias))
        return Linear(np.ascontiguousarray(weight.T), bias.copy())


def scores_of(model: Tunable, lesson: Lesson) -> Scores:
    """Scores [n, k] of images, in batches."""
    with torch.inference_mode():
        places = (np.arange(at, min(at + BATCH, len(lesson))) for at in range(0, len(lesson), BATCH))
        parts = (lesson.at(some)[:2] for some in places)
        found = [model(handed.to(model.device), rows.to(model.device)).cpu() for handed, rows in parts]
    scores: Scores = torch.cat(found).numpy()
    return scores


def _columns(card: Card, depths: Depths, trained: Sequence[str]) -> tuple[Array, Array]:
    """Which columns of a row of these depths are of trained stages, and where a tail's output has them."""
    offered: dict[Block, int] = {}
    width = 0
    for block in card.blocks:
        if block.stage in trained:
            offered[block] = width
            width += block.stop - block.start
    into, out_of, at = list[np.ndarray](), list[np.ndarray](), 0
    for block in _blocks(card, depths):
        size = block.stop - block.start
        if block in offered:
            into.append(np.arange(at, at + size))
            out_of.append(np.arange(offered[block], offered[block] + size))
        at += size
    return np.concatenate(into), np.concatenate(out_of)


def _blocks(card: Card, depths: Depths) -> list[Block]:
    wanted = {part.start for part in card.columns(depths)}
    return [block for block in card.blocks if block.start in wanted]
