"""One vocabulary of array shapes for the whole project.

Arrays that cross from one floor to another are NumPy arrays: a saved model then predicts without
importing torch, which alone takes longer than the prediction. Torch lives inside `backbones` and inside
the population trainer of `heads`.

Shapes are written for the reader and checked at run time in the tests only (see `tests/conftest.py`).
Axes: n examples, d features, k classes, b images in a batch, h and w pixels, m members of a population.

The truth about images is one label each, or in a multi-label data set a matrix of yes and no.
"""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

Array = np.ndarray[Any, np.dtype[Any]]

Image = UInt8[Array, "h w 3"]
Images = UInt8[Array, "b h w 3"]
Features = Float[Array, "n d"]
Labels = Int[Array, " n"]
LabelMatrix = Bool[Array, "n k"]
Truth = Labels | LabelMatrix
Weights = Float[Array, " n"]
Scores = Float[Array, "n k"]
Probabilities = Float[Array, "n k"]
Folds = Int[Array, " n"]
Mask = Bool[Array, " n"]
