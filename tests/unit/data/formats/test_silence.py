import subprocess
import sys
import threading
import warnings

import pytest

from regraft.core.errors import DataError
from regraft.data import decode
from regraft.data.formats.silence import FILTER, silence


def test_remarks_are_dropped_whatever_the_filters_say():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with silence():
            warnings.warn("a remark", UserWarning, stacklevel=1)
            with silence():
                pass
            warnings.warn("another remark", DeprecationWarning, stacklevel=1)
        with pytest.raises(UserWarning, match="not ours"):
            warnings.warn("not ours", UserWarning, stacklevel=1)


def test_an_error_ends_the_silence():
    with pytest.raises(ValueError, match="x"), silence():
        raise ValueError("x")
    with pytest.raises(UserWarning):
        warnings.warn("heard", UserWarning, stacklevel=1)


def test_other_threads_are_heard():
    heard = []
    inside, done = threading.Event(), threading.Event()

    def decoding():
        with silence():
            inside.set()
            done.wait(10)

    thread = threading.Thread(target=decoding)
    thread.start()
    inside.wait(10)
    try:
        warnings.warn("of another thread", UserWarning, stacklevel=1)
    except UserWarning as error:
        heard.append(str(error))
    done.set()
    thread.join()
    assert heard == ["of another thread"]


def test_the_filter_is_there_once_however_many_threads_decode():
    def some():
        for _ in range(200):
            with silence():
                pass

    threads = [threading.Thread(target=some) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one is FILTER for one in warnings.filters].count(True) == 1


def test_a_file_that_pillow_remarks_on_decodes_alike_under_any_filter(photo, tmp_path, recwarn):
    path = tmp_path / "odd.jpg"
    photo.save(path, exif=b"Exif\x00\x00MM\x00*\x00\x00\xff\xff")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        strict = decode(path)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert (decode(path) == strict).all()
    assert not recwarn.list


def test_libtiff_does_not_write_to_the_screen(photo, tmp_path, capfd):
    path = tmp_path / "damaged.tif"
    photo.resize((64, 48)).save(path, compression="tiff_lzw")
    data = bytearray(path.read_bytes())
    data[300:2000] = b"\xff" * 1700
    path.write_bytes(data)
    with pytest.raises(DataError, match="damaged"):
        decode(path)
    assert capfd.readouterr() == ("", "")


def test_pillow_does_not_log_to_the_screen():
    code = """
import io, PIL.Image
from regraft.data import decode
from regraft.core.errors import DataError
stream = io.BytesIO()
PIL.Image.new("RGB", (4, 4)).save(stream, "TIFF")
data = bytearray(stream.getvalue())
at = data.index((277).to_bytes(2, "little") + (3).to_bytes(2, "little"))
data[at + 8] = 7  # samples per pixel, which Pillow logs an error about
try:
    decode(bytes(data))
except DataError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "of a kind that is not read: 7 channels of 8 bits" in done.stdout
    assert done.stderr == ""
