"""Medical images (DICOM), shown as a viewer shows them at first. Needs pydicom: `pip install regraft[dicom]`.

- Stored values become measured ones by the rescale slope and intercept, or by a modality table.
- Grey is then windowed: by the first window centre and width that the file states, or else by its table of
  values of interest. Where it states neither, up to 8 bits are scaled from their full range, and more bits
  from the range of the picture's own values without padding, since what was stored rarely fills 16 bits.
- MONOCHROME1 is inverted; palettes are expanded; luma and chroma become red, green and blue.
- Of several frames the first is taken.

Source: DICOM PS3.3 C.7.6.3, C.11.1, C.11.2 (2024).
"""

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from regraft.core.arrays import Array, Image
from regraft.core.errors import DataError
from regraft.data.formats.limits import NO_MEMORY, require_sensible_shape
from regraft.data.formats.pixels import full_range, in_bands, own_range, repeat

if TYPE_CHECKING:
    from pydicom import FileDataset

DEFLATED = b"1.2.840.10008.1.2.1.99"
NEEDED = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
MOST_SAID = 300
LEAST_WINDOW = {"LINEAR": 1.0}


def decode_dicom(data: bytes) -> Image:
    """The pixels of a DICOM file's first frame.

    Raises:
        DataError: pydicom is missing, or the file is damaged, holds no image, a compressed one that needs
            another plug-in, or one that is too large.
    """
    dataset = read_dicom(data)
    try:
        _require_decoder(dataset)
        return _shown(_stored(dataset), dataset)
    except DataError:
        raise
    except MemoryError:
        raise DataError(NO_MEMORY) from None
    except Exception as error:
        # Damaged files raise whatever their parsing runs into, of pydicom and of its decoders.
        raise DataError(f"its pixels cannot be decoded ({_in_one_line(error)})") from error


def read_dicom(data: bytes) -> "FileDataset":
    """The elements of a DICOM file that holds an image of sensible size.

    Raises:
        DataError: see `decode_dicom`.
    """
    try:
        import pydicom
    except ImportError:
        raise DataError("it is a DICOM image, which needs pydicom: pip install pydicom") from None
    if DEFLATED in data:
        # It would be inflated as a whole, to whatever size, before anything could be checked.
        raise DataError("it is compressed as a whole (deflated); save it with its pixels alone compressed")
    try:
        dataset = pydicom.dcmread(io.BytesIO(data))
        has_pixels = any(name in dataset for name in NEEDED)
        columns, rows = _number(dataset, "Columns", 0), _number(dataset, "Rows", 0)
    except Exception as error:
        raise DataError(f"its header is damaged ({_in_one_line(error)})") from error
    if not has_pixels:
        raise DataError("it is a DICOM file without an image")
    require_sensible_shape(columns, rows)
    return dataset


def frame_count(dataset: "FileDataset") -> int:
    """How many frames the file says it has."""
    return max(1, _number(dataset, "NumberOfFrames", 1))


def _require_decoder(dataset: "FileDataset") -> None:
    from pydicom.pixels.decoders.base import get_decoder

    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_compressed and not get_decoder(syntax).is_available:
        raise DataError(
            f"its pixels are compressed as {syntax.name}, which needs a plug-in: pip install 'pylibjpeg[all]'"
        )


def _stored(dataset: "FileDataset") -> Array:
    """The values of the first frame, [h, w] or [h, w, 3]."""
    from pydicom.pixels.processing import apply_color_lut
    from pydicom.pixels.utils import pixel_array

    values = pixel_array(dataset, index=0)
    if values.shape[:2] != (dataset.Rows, dataset.Columns):
        raise DataError(f"it is damaged (its pixels are shaped {list(values.shape)})")
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        return np.asarray(apply_color_lut(values, dataset))
    return values


def _shown(values: Array, dataset: "FileDataset") -> Image:
    if values.ndim == 3:
        if values.shape[2] != 3:
            raise DataError(f"it has {values.shape[2]} channels; 1 or 3 are read")
        is_palette = dataset.PhotometricInterpretation == "PALETTE COLOR"
        bits = 8 * values.dtype.itemsize if is_palette else _number(dataset, "BitsStored", 8)
        return np.ascontiguousarray(full_range(values, most=2**bits - 1))
    grey = _grey(values, dataset)
    return repeat(255 - grey if dataset.PhotometricInterpretation == "MONOCHROME1" else grey)


def _grey(values: Array, dataset: "FileDataset") -> Array:
    from pydicom.pixels.processing import apply_modality_lut, apply_voi

    def measured(stored: Array) -> Array:
        return np.asarray(apply_modality_lut(stored, dataset))

    window = _window(dataset)
    if window is not None:
        return in_bands(values, lambda band: np.rint(255 * _windowed(measured(band), *window)))
    if dataset.get("VOILUTSequence"):
        scale = 255 / (2 ** int(dataset.VOILUTSequence[0].LUTDescriptor[2]) - 1)
        return in_bands(values, lambda band: np.rint(scale * apply_voi(measured(band), dataset)))
    every = measured(values)
    if values.dtype == np.uint8 and every is values:
        return full_range(values, most=2 ** _number(dataset, "BitsStored", 8) - 1)
    return own_range(every, used=_is_no_padding(values, dataset))


def _window(dataset: "FileDataset") -> tuple[float, float, str] | None:
    centre, width = (_first(dataset.get(name)) for name in ("WindowCenter", "WindowWidth"))
    function = str(dataset.get("VOILUTFunction", "") or "LINEAR")
    if centre is None or width is None or not np.isfinite([centre, width]).all():
        return None
    return (centre, width, function) if width > LEAST_WINDOW.get(function, 0.0) else None


def _windowed(values: Array, centre: float, width: float, function: str) -> Array:
    """Values in [0, 1]. Source: DICOM PS3.3 C.11.2.1.2 and C.11.2.1.3."""
    values = values.astype(np.float32)
    if function == "SIGMOID":
        return 1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -80, 80)))
    if function == "LINEAR_EXACT":
        return np.clip((values - centre) / width + 0.5, 0, 1)
    return np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)


def _is_no_padding(values: Array, dataset: "FileDataset") -> Array | None:
    padding = dataset.get("PixelPaddingValue")
    if not isinstance(padding, int):
        return None
    used = values != padding
    return used if used.any() else None


def _first(value: Any) -> float | None:
    """The first of one or several numbers, if there is any."""
    if value is None or value == "":
        return None
    try:
        return float(value)
    except TypeError:
        return float(value[0]) if len(value) else None


def _number(dataset: "FileDataset", name: str, default: int) -> int:
    value = dataset.get(name)
    return default if value is None or value == "" else int(value)


def _in_one_line(error: Exception) -> str:
    """What pydicom says, which may list every decoder it tried on a line of its own."""
    return " ".join(str(error).split())[:MOST_SAID]
