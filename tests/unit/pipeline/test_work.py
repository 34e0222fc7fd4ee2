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
    # 0.2, 3.4, 4.8 and 29.6 s on 2 cores of an AMD EPYC, 2026-12-01.
    order = (NearestMean(), Lda(), Logistic(), Perceptron(width=64))
    found = [multiplications(head, **SIZES) for head in order]
    assert found == sorted(found)
    assert multiplications(Ridge(), **SIZES) < multiplications(Logistic(), **SIZES)
    assert multiplications(Perceptron(512), **SIZES) > 1.9 * multiplications(Perceptron(256), **SIZES)
    assert multiplications(SelectedRidge(0.1), **SIZES) < multiplications(SelectedRidge(1.0), **SIZES)


@pytest.mark.parametrize("kind", ["logistic", "linear_svm"])
def test_of_many_examples_one_decomposition_is_left_or_none(kind: str) -> None:
    head, few = HEADS[kind](penalty=0.1), SIZES | {"examples": 1200}
    many = few | {"examples": 20 * SIZES["features"]}
    assert multiplications(head, **few, paid=True) == multiplications(head, **few)
    saved = multiplications(head, **many) - multiplications(head, **many, paid=True)
    twice = many | {"fits": 2 * SIZES["fits"]}
    assert saved > 0
    assert multiplications(head, **twice) - multiplications(head, **twice, paid=True) == pytest.approx(saved)


@pytest.mark.parametrize("kind", HEADS)
@pytest.mark.parametrize("examples", [200, 2000, 100_000])
def test_what_is_paid_for_is_never_more_work(kind: str, examples: int) -> None:
    sizes = SIZES | {"examples": examples}
    assert multiplications(HEADS[kind](), **sizes, paid=True) <= multiplications(HEADS[kind](), **sizes)
