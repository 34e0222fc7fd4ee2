"""Decoders' remarks about damaged files, kept from the screen and from changing what is decoded.

Pillow and pydicom remark on a file by Python's warnings. A user who reads ten thousand files wants one list
of those that cannot be used, not a line for every odd tag; and where a program turns warnings into errors,
a remark must not decide whether an image can be used. `warnings.catch_warnings` cannot do this here: it
swaps the filters of the whole process, and decoding runs in threads.

Pillow also logs, which Python prints where a program has set up no logging; with a handler of its own, that
does nothing, the messages go only to where a program wants them.

libtiff writes to the standard error stream itself. It is told not to, once and for the whole process: Pillow
raises an exception for the same errors.
"""

import ctypes
import functools
import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from PIL import _imaging

logging.getLogger("PIL").addHandler(logging.NullHandler())

_thread = threading.local()
_lock = threading.Lock()


class _WhileDecoding:
    """Stands where a filter has the pattern of its message; it matches in the threads that are silenced."""

    # scikit-learn hands filters to its workers by their pattern; this one matches nothing there.
    pattern = r"(?!)"

    def match(self, _text: str) -> bool:
        return getattr(_thread, "depth", 0) > 0


FILTER = ("ignore", _WhileDecoding(), Warning, None, 0)


@contextmanager
def silence() -> Iterator[None]:
    """Drop all Python warnings of this thread, and of no other, for as long as the block lasts.

    The filter stays installed afterwards, where it matches nothing.
    """
    _put_first()
    _thread.depth = getattr(_thread, "depth", 0) + 1
    try:
        yield
    finally:
        _thread.depth -= 1


def _put_first() -> None:
    filters = cast("list[Any]", warnings.filters)
    if filters and filters[0] is FILTER:
        return
    # A program may have put filters of its own before this one, or be inside `catch_warnings`.
    with _lock:
        filters[:] = [FILTER, *(one for one in filters if one is not FILTER)]


@functools.cache
def silence_libtiff() -> None:
    """Take the handlers that print away from Pillow's libtiff, where it can be reached."""
    try:
        # Symbols are looked up in what a library was linked with, too: where libtiff lies does not matter.
        library = ctypes.CDLL(_imaging.__file__)
        handlers = library.TIFFSetErrorHandler, library.TIFFSetWarningHandler
    except (AttributeError, OSError):  # It is linked in without its names, as on Windows.
        return
    for set_handler in handlers:
        set_handler.restype = ctypes.c_void_p
        set_handler(None)
