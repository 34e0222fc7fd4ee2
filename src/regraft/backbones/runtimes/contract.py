"""What every runtime gives, and how far two of them are apart."""

from collections.abc import Callable
from typing import Literal

import numpy as np

from regraft.core.arrays import Features, Images

Runtime = Literal["openvino", "onnxruntime", "torch", "torch-compile"]
RuntimeChoice = Literal["auto", "openvino", "onnxruntime", "torch", "torch-compile"]
Embed = Callable[[Images], Features]
"""uint8 images [b, h, w, 3] to float32 rows [b, card.width]. Threads may share it."""

IMAGES_PER_PIECE = 2
"""A batch is dealt to the cores in pieces so small that activations stay in a core's cache."""


def relative_error(rows: Features, reference: Features) -> float:
    """Norm of the difference over the norm of the reference."""
    return float(np.linalg.norm(rows - reference) / max(float(np.linalg.norm(reference)), 1e-30))


def first_line(error: Exception) -> str:
    """What went wrong, without the pages that tracers and converters write below it."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
