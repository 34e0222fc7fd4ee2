"""On files that pydicom ships, and on files made here."""

import builtins
import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.processing import apply_voi_lut
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEGLSLossless,
    SecondaryCaptureImageStorage,
)

from regraft.core.errors import DataError
from regraft.data import decode
from regraft.data.formats.pages import read_contents


def dicom(values, **elements):
    """A file with these values, [h, w] or [frames, h, w] or [h, w, 3], and elements by keyword."""
    values = np.asarray(values)
    bits = 8 * values.dtype.itemsize
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = elements.pop("syntax", ExplicitVRLittleEndian)
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
    is_colour = values.ndim == 3 and values.shape[2] == 3
    frames = values.shape[0] if values.ndim == 3 and not is_colour else 1
    dataset.Rows, dataset.Columns = values.shape[:2] if is_colour else values.shape[-2:]
    dataset.SamplesPerPixel = 3 if is_colour else 1
    dataset.PhotometricInterpretation = "RGB" if is_colour else "MONOCHROME2"
    if is_colour:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.PixelRepresentation = int(values.dtype.kind == "i")
    pixels = values.tobytes()
    is_packed = meta.TransferSyntaxUID.is_encapsulated
    dataset.PixelData = encapsulate([pixels]) if is_packed else pixels
    dataset["PixelData"].is_undefined_length = is_packed
    if frames > 1:
        dataset.NumberOfFrames = frames
    for name, value in elements.items():
        setattr(dataset, name, value)
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=False)
    return stream.getvalue()


def grey(data):
    pixels = decode(data)
    assert (pixels == pixels[:, :, :1]).all()
    return pixels[0, :, 0].tolist()


HOUNSFIELD = np.array([[-1000, -200, 39, 40, 41, 240, 3000]], np.int16)


def test_the_window_is_honoured():
    data = dicom(HOUNSFIELD, WindowCenter=40, WindowWidth=400)
    assert grey(data) == [0, 0, 127, 128, 128, 255, 255]
    several = dicom(HOUNSFIELD, WindowCenter=[40, 500], WindowWidth=[400, 2000])
    assert grey(several) == grey(data)


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_windows_are_those_of_pydicom(function):
    values = np.arange(0, 4000, 40, dtype=np.uint16)[None]
    data = dicom(
        values, WindowCenter=1500, WindowWidth=1700, VOILUTFunction=function, BitsStored=12, HighBit=11
    )
    expected = np.asarray(apply_voi_lut(values, pydicom.dcmread(io.BytesIO(data)))) / 4095 * 255
    np.testing.assert_allclose(grey(data), expected[0], atol=0.6)


def test_stored_values_become_measured_ones_first():
    stored = (HOUNSFIELD + 1024).astype(np.uint16)
    data = dicom(stored, RescaleSlope=1, RescaleIntercept=-1024, WindowCenter=40, WindowWidth=400)
    assert grey(data) == grey(dicom(HOUNSFIELD, WindowCenter=40, WindowWidth=400))


def test_monochrome1_is_inverted():
    values = np.array([[0, 100, 255]], np.uint8)
    assert grey(dicom(values)) == [0, 100, 255]
    assert grey(dicom(values, PhotometricInterpretation="MONOCHROME1")) == [255, 155, 0]


def test_without_a_window_many_bits_use_their_own_range_and_leave_padding_out():
    values = np.array([[0, 1000, 1500, 2000]], np.uint16)
    assert grey(dicom(values)) == [0, 128, 191, 255]
    assert grey(dicom(values, PixelPaddingValue=0)) == [0, 0, 128, 255]
    # No window is a window without a width.
    assert grey(dicom(values, WindowCenter=1, WindowWidth=0)) == grey(dicom(values))
    few = np.array([[0, 15]], np.uint8)
    assert grey(dicom(few, BitsStored=4, HighBit=3)) == [0, 255]


def test_a_table_of_values_of_interest():
    table = pydicom.Dataset()
    table.LUTDescriptor = [4, 0, 16]
    table.LUTData = np.array([65535, 0, 32896, 257], "<u2").tobytes()
    data = dicom(np.array([[0, 1, 2, 3, 9]], np.uint16), VOILUTSequence=Sequence([table]))
    assert grey(data) == [255, 0, 128, 1, 1]


def test_colours():
    values = np.random.default_rng(0).integers(0, 256, (4, 5, 3), np.uint8)
    np.testing.assert_array_equal(decode(dicom(values)), values)
    np.testing.assert_array_equal(decode(dicom(values.astype(np.uint16) * 257)), values)


def test_the_first_frame_is_taken_and_that_is_said():
    values = np.stack([np.full((4, 5), number * 50, np.uint8) for number in range(3)])
    assert not decode(dicom(values)).any()
    assert read_contents(dicom(values)).kind == "DICOM MONOCHROME2, first of 3 frames"


STRIPES = [
    [255, 0, 0], [255, 128, 128], [0, 255, 0], [128, 255, 128], [0, 0, 255],
    [128, 128, 255], [0, 0, 0], [64, 64, 64], [192, 192, 192], [255, 255, 255],
]  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        "SC_rgb_rle.dcm",
        "SC_rgb_rle_16bit.dcm",
        "SC_rgb_rle_32bit_2frame.dcm",
        "SC_rgb_dcmtk_+eb+cr.dcm",
        "SC_rgb_dcmtk_+eb+cy+np.dcm",
        "SC_rgb_jpeg_dcmtk.dcm",
        "SC_rgb_jpeg_lossy_gdcm.dcm",
    ],
)
def test_one_picture_in_many_encodings(name):
    pixels = decode(get_testdata_file(name))
    np.testing.assert_allclose(pixels[5::10, 50], STRIPES, atol=6)


def test_palettes_and_a_tiff_in_the_preamble():
    palette = decode(get_testdata_file("examples_palette.dcm"))
    assert palette.shape == (350, 800, 3)
    assert (palette[:, :, 0] != palette[:, :, 2]).any()
    scan = Path(str(get_testdata_file("CT_small.dcm")))
    assert scan.read_bytes().startswith(b"II*")
    assert decode(scan).shape == (128, 128, 3)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (dicom(np.zeros((9, 9), np.uint8), Rows=60_000, Columns=60_000), "more than .* pixels"),
        (dicom(np.zeros((9, 9), np.uint8), Rows=1, Columns=60_000), "times as long as wide"),
        (dicom(np.zeros((9, 9), np.uint8), Rows=5_000, Columns=5_000), "cannot be decoded"),
        (dicom(np.zeros((9, 9), np.uint8), Rows=None), "no pixels"),
        (dicom(np.zeros((9, 9), np.uint8))[:-40], "cannot be decoded|header is damaged"),
        (dicom(np.zeros((9, 9), np.uint8), syntax=JPEGLSLossless), "pip install 'pylibjpeg"),
        (dicom(np.zeros((9, 9), np.uint8), syntax=DeflatedExplicitVRLittleEndian), "deflated"),
        (bytes(128) + b"DICM", "without an image|header is damaged"),
    ],
)
def test_what_cannot_be_used_says_why(data, reason):
    with pytest.raises(DataError, match=reason):
        decode(data)


def test_a_file_without_an_image():
    with pytest.raises(DataError, match="without an image"):
        decode(get_testdata_file("test-SR.dcm"))


def test_without_pydicom_it_is_named(monkeypatch):
    real = builtins.__import__

    def refuse(name, *arguments):
        if name.startswith("pydicom"):
            raise ImportError(name)
        return real(name, *arguments)

    data = dicom(np.zeros((9, 9), np.uint8))
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(DataError, match="pip install pydicom"):
        decode(data)
