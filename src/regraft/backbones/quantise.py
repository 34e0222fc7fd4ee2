"""A trunk in 8-bit integers: smaller and faster. `benchmarks/precision.py` measures the cost in accuracy."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib.util import find_spec
from io import StringIO
from typing import TYPE_CHECKING

from regraft.backbones.calibration_images import calibration_images
from regraft.backbones.runtimes import first_line
from regraft.core.errors import BackboneError

if TYPE_CHECKING:
    from openvino import Model

IMAGES = 128


def require_nncf() -> None:
    """Check that the package that quantises is installed.

    Raises:
        BackboneError: it is not.
    """
    if find_spec("nncf") is None:
        raise BackboneError('Quantising a network needs nncf. Run: pip install "regraft[int8]"')


def quantise(network: "Model", image_px: int) -> "Model":
    """A network with weights and activations in int8 wherever that is done without harm.

    Weights get a scale for each channel, activations one for each tensor, from what they range over on
    `calibration_images`. What is left in floating point, such as normalisation and what sums up attention,
    is nncf's choice. Activations that can be negative get ranges of their own on both sides.

    Source: post-training quantisation, Krishnamoorthi 2018, 1806.08342; Nagel et al. 2021, 2106.08295.
    Cost: one forward pass over the calibration images, twice where biases are corrected.

    Raises:
        BackboneError: nncf is missing, or cannot quantise this network.
    """
    require_nncf()
    images = calibration_images(IMAGES, image_px)
    try:
        with _silence():
            import nncf

            quantised: Model = nncf.quantize(
                network,
                nncf.Dataset([image[None] for image in images]),
                preset=nncf.QuantizationPreset.MIXED,
                subset_size=IMAGES,
                model_type=nncf.ModelType.TRANSFORMER if _has_attention(network) else None,
            )
    except Exception as error:  # It raises whatever it meets in a network it does not know.
        raise BackboneError(
            f"This network cannot be quantised ({first_line(error)}). Leave ':int8' away."
        ) from error
    return quantised


def _has_attention(network: "Model") -> bool:
    """Whether nncf has to spare what a transformer is sensitive in."""
    return any(op.get_type_name() in ("Softmax", "ScaledDotProductAttention") for op in network.get_ops())


@contextmanager
def _silence() -> Iterator[None]:
    """Keep nncf's progress bars and remarks off the screen, which may be read by another program."""
    before = logging.root.manager.disable
    with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)
