"""The linear classifier that a network was trained with: it says what the source classes make of an image."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from regraft.backbones.card import Card
from regraft.core.arrays import Array, Features, Scores

FILE = "source_head.safetensors"


@dataclass(frozen=True)
class SourceHead:
    """Weights [d, z] and bias [z] over z source classes, reading the mean of the stage `block` of a row.

    `names` are the source classes' where they are known.
    """

    weights: Float[Array, "d z"]
    bias: Float[Array, " z"]
    block: str
    names: tuple[str, ...] | None = None

    def scores(self, rows: Features, card: Card) -> Scores:
        """The network's own class scores [n, z], from rows that it embedded before."""
        block = next(one for one in card.blocks if one.stage == self.block and one.pooling == "mean")
        scores: Scores = rows[:, block.start : block.stop] @ self.weights + self.bias
        return scores


def save(head: SourceHead, folder: Path) -> None:
    """Put it beside a converted network."""
    from safetensors.numpy import save_file

    arrays = {
        "weights": np.ascontiguousarray(head.weights, np.float32),
        "bias": np.ascontiguousarray(head.bias, np.float32),
    }
    save_file(arrays, folder / FILE, {"block": head.block, "names": json.dumps(head.names)})


def read(folder: Path) -> SourceHead | None:
    """What `save` put there; None where the network has no linear classifier."""
    from safetensors import safe_open

    if not (folder / FILE).exists():
        return None
    with safe_open(folder / FILE, framework="numpy") as stored:
        facts = stored.metadata()
        names = json.loads(facts["names"])
        return SourceHead(
            stored.get_tensor("weights"),
            stored.get_tensor("bias"),
            facts["block"],
            None if names is None else tuple(names),
        )
