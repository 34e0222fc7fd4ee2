"""What counts as a lack of memory, and the second attempt."""

import errno
from dataclasses import dataclass

import pytest
import torch

from regraft.search.memory import RETRIED, is_out_of_memory, reason_of, with_half_the_batch


@dataclass(frozen=True)
class Trained:
    batch_size: int | None = 64


@dataclass(frozen=True)
class Closed:
    penalty: float = 1.0


def test_what_the_libraries_raise_is_known() -> None:
    with pytest.raises(RuntimeError) as of_torch:
        torch.empty(1 << 50)
    assert is_out_of_memory(of_torch.value)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB."))
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(OSError(errno.ENOMEM, "Cannot allocate memory"))
    assert is_out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED"))


@pytest.mark.parametrize(
    "error", [RuntimeError("shapes differ"), ValueError("out of memory"), OSError(errno.ENOSPC, "full")]
)
def test_other_errors_are_not_taken_for_it(error: Exception) -> None:
    assert not is_out_of_memory(error)


def test_reasons_are_one_line() -> None:
    assert reason_of(MemoryError()) == "out of memory"
    assert reason_of(MemoryError("9 GB\nfree: 1 GB")) == "out of memory: 9 GB"
    assert reason_of(ValueError("rank is 0")) == "ValueError: rank is 0"
    assert reason_of(KeyError()) == "KeyError"


def test_a_batch_is_halved_once() -> None:
    asked = []

    def fit(head: Trained) -> int:
        asked.append(head.batch_size)
        if head.batch_size > 40:
            raise MemoryError
        return head.batch_size

    assert with_half_the_batch(Trained(64), fit) == (
        32,
        {RETRIED: "out of memory with batches of 64, so 32 were taken"},
    )
    assert with_half_the_batch(Trained(32), fit) == (32, {})
    with pytest.raises(MemoryError):
        with_half_the_batch(Trained(128), fit)
    assert asked == [64, 32, 32, 128, 64]


@pytest.mark.parametrize("head", [Trained(1), Trained(None), Closed()])
def test_where_there_is_nothing_to_halve_it_is_not_tried_again(head: object) -> None:
    tried = []

    def fit(one: object) -> None:
        tried.append(one)
        raise MemoryError("no room")

    with pytest.raises(MemoryError, match="no room"):
        with_half_the_batch(head, fit)
    assert tried == [head]


def test_other_errors_are_not_tried_again() -> None:
    tried = []

    def fit(one: object) -> None:
        tried.append(one)
        raise ValueError("rank is 0")

    with pytest.raises(ValueError, match="rank is 0"):
        with_half_the_batch(Trained(), fit)
    assert len(tried) == 1
