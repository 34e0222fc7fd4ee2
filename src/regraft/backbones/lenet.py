"""LeNet-5, to be trained from scratch: what images look like to a network that has seen none."""

from collections import OrderedDict
from typing import TYPE_CHECKING

from regraft.backbones.source import Intake, Made, Source
from regraft.core.errors import BackboneError, did_you_mean

if TYPE_CHECKING:
    from torch import nn

SCRATCH = "scratch:"
NAMES = ("lenet5",)
SEED = 0


def identify_scratch(rest: str) -> Source:
    """`lenet5`, and nothing else: random weights are had by name, never by accident.

    Raises:
        BackboneError: another name.
    """
    if rest not in NAMES:
        raise BackboneError(
            f"There is no network {SCRATCH}{rest} with random weights. {did_you_mean(rest, NAMES)}"
        )
    return Source(f"{SCRATCH}{rest}", rest, None, "", origin="scratch")


def make_scratch(_source: Source) -> Made:
    """LeNet-5 with weights drawn from seed 0, equal on every machine."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        network = lenet5()
    intake = Intake(32, 1.0, "bilinear", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    return Made(
        network, intake, "Apache-2.0", "nothing (random weights)", ("features.1", "features.4", "features.7")
    )


def lenet5(class_count: int = 10) -> "nn.Module":
    """Convolutions of 6, 16 and 120 maps, then 84 units: tanh throughout, mean pooling between.

    Source: LeCun, Bottou, Bengio and Haffner 1998 (Proc. IEEE 86:2278), doi 10.1109/5.726791, figure 2.
    Differs: three colours in; pooling has no weights of its own; every map of the second layer reads all six
    of the first; a linear layer instead of radial basis functions at the end. Larger images than 32 px are
    averaged over what the last convolution gives.
    """
    from torch import nn

    def convolution(inputs: int, outputs: int) -> tuple[nn.Module, nn.Module]:
        return nn.Conv2d(inputs, outputs, kernel_size=5), nn.Tanh()

    features = nn.Sequential(
        *convolution(3, 6), nn.AvgPool2d(2), *convolution(6, 16), nn.AvgPool2d(2), *convolution(16, 120)
    )
    embedding = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(120, 84), nn.Tanh())
    return nn.Sequential(
        OrderedDict(features=features, embedding=embedding, classifier=nn.Linear(84, class_count))
    )
