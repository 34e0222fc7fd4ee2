"""Images in NumPy's own file format, `.npy`: one array a file, by the rules of `pixels.from_array`.

The header is read by NumPy and the pixels are taken from the bytes that are there, so a header that promises
more than the file holds takes no memory. Nothing that would have to be unpickled is read.
"""

import io
import math

import numpy as np

from regraft.core.arrays import Array, Image
from regraft.core.errors import DataError
from regraft.data.formats.limits import require_sensible_shape
from regraft.data.formats.pixels import channels_last, from_array


def decode_npy(data: bytes) -> Image:
    """The pixels of a `.npy` file.

    Raises:
        DataError: it is damaged, cut short, of another type or shape than `from_array` takes, or too large.
    """
    return from_array(_view(data))


def npy_shape(data: bytes) -> tuple[int, ...]:
    """Height and width, and channels if there are any.

    Raises:
        DataError: as for `decode_npy`, except for the values.
    """
    return tuple(int(side) for side in channels_last(_view(data)).shape)


def _view(data: bytes) -> Array:
    stream = io.BytesIO(data)
    shape, fortran, dtype = _header(stream)
    if dtype.hasobject or dtype.kind not in "uf" or dtype.names:
        raise DataError(f"an array must be uint8, uint16 or floats in [0, 1], not {dtype}")
    if len(shape) not in (2, 3):
        raise DataError(f"an array must be shaped [h, w] or [h, w, 1, 3 or 4], not {list(shape)}")
    # Neither order of the axes may be absurd; which one it is, is decided with the array at hand.
    sides = sorted(shape)[-2:]
    require_sensible_shape(*sides)
    count = math.prod(shape)
    if count * dtype.itemsize > len(data) - stream.tell():
        raise DataError(f"it is cut short: {list(shape)} of {dtype} do not fit into {len(data)} bytes")
    values = np.frombuffer(data, dtype, count=count, offset=stream.tell())
    return values.reshape(shape, order="F" if fortran else "C")


def _header(stream: io.BytesIO) -> tuple[tuple[int, ...], bool, np.dtype]:
    try:
        if np.lib.format.read_magic(stream) == (1, 0):
            return np.lib.format.read_array_header_1_0(stream)
        # Version 3 differs from 2 in the names of fields only, and fields are not read.
        return np.lib.format.read_array_header_2_0(stream)
    except Exception as error:
        raise DataError(f"its header is damaged ({error})") from error
