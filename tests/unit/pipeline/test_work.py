"""Estimates of work, whose ratios decide what a budget is spent on."""

import pytest

from regraft.heads import HEADS, Lda, Logistic, NearestMean, Perceptron, Ridge, SelectedRidge
from regraft.pipeline.work import multiplications

SIZES = {"examples": 2000, "features": 1280, "classes": 20, "fits": 6}


@pytest.mark.parametrize("kind", HEADS)
def test_more_of_anything_is_more_work(kind: str) -> None:
    head = HEADS[kind]()
    work = multiplications(head, **SIZES)
    assert work > 0
    for name in ("examples", "features"):
        assert multiplications(head, **{**SIZES, name: 2 * SIZES[name]}) > work
    assert multiplications(head, **{**SIZES, "fits": 12}) >= work


def test_what_takes_longer_is_thought_to() -> None:
    order = (NearestMean(), Lda(), Perceptron(width=64), Logistic())
    found = [multiplications(head, **SIZES) for head in order]
    assert found == sorted(found)
    assert multiplications(Ridge(), **SIZES) < multiplications(Logistic(), **SIZES)
    assert multiplications(Perceptron(512), **SIZES) > 1.9 * multiplications(Perceptron(256), **SIZES)
    assert multiplications(SelectedRidge(0.1), **SIZES) < multiplications(SelectedRidge(1.0), **SIZES)
