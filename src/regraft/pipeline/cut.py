"""A network whose last stages are to be trained: its fixed part has looked at every image once."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regraft.backbones import Backbone
from regraft.backbones.names import parse
from regraft.core.errors import RecipeError
from regraft.data import Dataset
from regraft.features import view_of
from regraft.pipeline.machine import memory_bytes

if TYPE_CHECKING:
    import torch

    from regraft.backbones.tail import Tail

MEMORY_FRACTION = 0.3
"""For what fixed parts of networks hand on to stages that are trained."""


@dataclass(frozen=True)
class Patience:
    """Seconds that a look at all images may take, and whether to stop, asked after every batch and step."""

    most_s: float = math.inf
    should_stop: Callable[[], bool] = lambda: False


FOREVER = Patience()


@dataclass(frozen=True, eq=False)
class Cut:
    """A network cut at its freeze point, and what its fixed part hands on of every image [n, ...]."""

    tail: "Tail"
    handed: "torch.Tensor"

    @property
    def nbytes(self) -> int:
        """Memory of what is handed on."""
        return self.handed.numel() * self.handed.element_size()


def make_cut(backbone: Backbone, stages: int, dataset: Dataset, *, patience: Patience = FOREVER) -> Cut:
    """Send every image through the part of a network that stays fixed, once.

    Args:
        backbone: the network as it came.
        stages: how many of its last stages are to be trained.
        dataset: the images for learning.
        patience: how long it may take.

    Raises:
        BackboneError: the network has fewer stages, cannot be cut there, or cannot take other weights.
        RecipeError: it is not in full precision.
        TrainingError: an image is gone, memory is too small for what is handed on, there is no time, or it
            was stopped.

    Cost: one forward pass of the fixed part for each image, in torch.
    """
    import torch

    from regraft.backbones.runtimes import has_cuda
    from regraft.backbones.sources import build, identify, with_weights
    from regraft.backbones.tail import cut
    from regraft.training.handing import handed_on

    name = backbone.card.name
    if parse(name).precision != "full":
        raise RecipeError(f"{name} cannot be fine-tuned in {parse(name).precision}; name it without.")
    source = identify(name)
    with_weights(source, "")  # Refuses now what could not be saved then.
    network, card = build(source)
    tail = cut(network, card, trained=stages).to(torch.device("cuda" if has_cuda() else "cpu"))
    tail = tail.to(memory_format=torch.channels_last)
    handed = handed_on(
        tail,
        dataset.paths,
        view_of(backbone),
        most_bytes=MEMORY_FRACTION * memory_bytes(),
        most_s=patience.most_s,
        should_stop=patience.should_stop,
    )
    return Cut(tail, handed)
