"""Our own threads, and a BLAS that keeps to one."""

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from regraft.core.cores import usable_cores
from regraft.core.threads import in_parallel, single_threaded_blas


def blas_threads() -> list[int]:
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_blas_keeps_to_one_thread_and_gets_its_threads_back():
    before = blas_threads()
    with single_threaded_blas():
        assert set(blas_threads()) == {1}
    assert blas_threads() == before


def test_results_come_in_the_order_of_the_items():
    matrices = [np.full((50, 50), float(number)) for number in range(20)]
    assert in_parallel(lambda matrix: float((matrix @ matrix)[0, 0]), matrices) == [
        50.0 * n**2 for n in range(20)
    ]


@pytest.mark.skipif(usable_cores() < 2, reason="one core runs one thing after the other")
def test_items_really_run_side_by_side():
    meeting = threading.Barrier(2, timeout=30)
    assert sorted(in_parallel(lambda _: meeting.wait(), [0, 1])) == [0, 1]


def test_an_error_reaches_the_caller():
    def fail(number: int) -> None:
        raise ValueError(str(number))

    with pytest.raises(ValueError, match="0"):
        in_parallel(fail, [0, 1])
    assert len(set(blas_threads())) >= 1
