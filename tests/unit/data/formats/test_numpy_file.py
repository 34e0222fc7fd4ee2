import io

import numpy as np
import pytest

from regraft.core.errors import DataError
from regraft.data import decode
from regraft.data.formats.numpy_file import npy_shape


def saved(array, **options):
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def promising(shape, descr="|u1"):
    """A header that promises an array, and no array."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"shape": shape, "fortran_order": False, "descr": descr})
    return stream.getvalue()


@pytest.mark.parametrize("type_", [np.uint8, np.uint16, ">u2", np.float16, np.float32, np.float64])
def test_a_file_is_the_array_it_holds(type_):
    array = np.linspace(0, 1, 5 * 7 * 3).reshape(5, 7, 3)
    most = {1: 255, 2: 65535}.get(np.dtype(type_).itemsize) if np.dtype(type_).kind == "u" else 1
    array = (array * most).astype(type_)
    expected = decode(array)
    for order in ("C", "F"):
        np.testing.assert_array_equal(decode(saved(np.asarray(array, order=order))), expected)
    np.testing.assert_array_equal(decode(saved(np.moveaxis(array, 2, 0))), expected)
    assert npy_shape(saved(np.moveaxis(array, 2, 0))) == (5, 7, 3)
    decode(saved(array))[:] = 0


def test_a_file_on_disk_is_read_by_its_content(tmp_path):
    path = tmp_path / "array.png"
    path.write_bytes(saved(np.full((4, 5), 7, np.uint8)))
    assert (decode(path) == 7).all()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (saved(np.zeros((4, 4), np.uint8))[:-1], "cut short"),
        (saved(np.zeros((4, 4), np.uint8))[:20], "header is damaged"),
        (promising((9_000, 9_000)), "cut short"),
        (promising((60_000, 60_000)), "more than .* pixels"),
        (promising((3, 60_000, 60_000)), "more than .* pixels"),
        (promising((2, 2), "|O"), "not object"),
        (promising((2, 2), "<c8"), "not complex64"),
        (promising((2, 2, 2, 3)), "shaped"),
        (promising((2, 0)), "no pixels"),
        (promising((60_000, 1)), "times as long as wide"),
        (saved(np.full((4, 4), np.nan)), r"must lie in \[0, 1\]"),
        (saved(np.full((4, 4), 3.0)), r"must lie in \[0, 1\]"),
        (saved(np.zeros((4, 4), np.int64)), "not int64"),
    ],
)
def test_what_cannot_be_used_says_why(data, reason):
    with pytest.raises(DataError, match=reason):
        decode(data)


def test_nothing_is_unpickled():
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("it was unpickled",))

    with pytest.raises(DataError, match="not object"):
        decode(saved(np.array([[Trap(), Trap()]], object), allow_pickle=True))
