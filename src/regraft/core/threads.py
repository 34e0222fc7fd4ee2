"""Threads of our own, each with a BLAS that keeps to one.

The threads of a BLAS wait for each other by spinning. Where something else runs on the same cores they
mostly wait: an eigen-decomposition of [1280, 1280] took 0.6 s with one thread and 1.6 to 14 s with two,
beside one busy process on two AMD EPYC cores (OpenBLAS 0.3.31, 2026-11-23, n = 3). Independent work is
therefore dealt to Python threads, which BLAS lets run side by side, and no call inside uses more than one.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

from regraft.core.cores import usable_cores

T = TypeVar("T")
R = TypeVar("R")


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Keep every BLAS of this process to one thread; what it was comes back at the end."""
    with _controller().limit(limits=1, user_api="blas"):
        yield


def in_parallel(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Results in the order of the items, computed by as many threads as there are items and cores."""
    items = list(items)
    threads = min(len(items), usable_cores())
    with single_threaded_blas():
        if threads < 2:
            return [function(item) for item in items]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(function, items))


@cache
def _controller() -> Any:
    # Finding the loaded libraries takes milliseconds, so it is done once.
    return ThreadpoolController()
