"""Whatever is prepared once answers like a fit of its own, setting by setting."""

from typing import Any

import numpy as np
import pytest

from regraft.core.errors import DataError
from regraft.heads import KernelRidge, Lda, LinearSvm, Logistic, Ridge, held_out
from regraft.heads.prepared import Dealt, Gathered, sharing

SHARED = {
    "ridge": [Ridge(0.01), Ridge(1.0), Ridge(100.0)],
    "reduced": [Logistic(0.1), Logistic(0.01, 0.0), LinearSvm(1.0)],
    "kernel_ridge": [KernelRidge(0.1), KernelRidge(1e-4, 2.0), KernelRidge(10.0, 0.3)],
    "lda": [Lda(None), Lda(0.0), Lda(0.3), Lda(1.0)],
}


def examples(count: int, width: int, *, seed: int = 0) -> dict[str, Any]:
    """Three overlapping classes, weighted."""
    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(count) % 3)
    features = random.normal(size=(count, width)) + np.eye(3, width)[labels] * 1.5 + 3
    return {
        "features": features.astype(np.float32),
        "labels": labels,
        "class_count": 4,
        "weights": random.uniform(0.5, 2, count),
    }


def dealt_to(folds: Any, given: dict[str, Any]) -> Dealt:
    """The examples, dealt to folds."""
    return Dealt(Gathered(**given), () if folds is None else (folds,))


@pytest.mark.parametrize(("count", "width"), [(60, 9), (40, 90)])
@pytest.mark.parametrize("kind", SHARED)
def test_it_answers_like_held_out(kind: str, count: int, width: int) -> None:
    given = examples(count, width)
    # One large fold, small ones, and examples that are always trained on.
    folds = np.minimum(np.arange(count) % 8, 4) - 1
    name, prepare = sharing(SHARED[kind][0])
    dealt = dealt_to(folds, given)
    prepared = prepare(dealt)
    for head in SHARED[kind]:
        assert sharing(head)[0] == name
        found = prepared.held_out(head, dealt.keys)
        wanted = held_out(head, **given, folds=folds)
        # Weights in float32 round relative to the largest scores; a solver ends where it is near enough.
        near = 1e-3 if kind == "reduced" else 2e-5
        np.testing.assert_allclose(found, wanted, atol=near * np.nanmax(np.abs(wanted)), rtol=1e-4)
        assert np.isnan(found[folds < 0]).all()
    assert dealt.nbytes + dealt.gathered.nbytes > 0


@pytest.mark.parametrize("kind", SHARED)
def test_one_fold_is_answered_alone(kind: str) -> None:
    given, folds = examples(48, 7), np.arange(48) % 4
    prepared = sharing(SHARED[kind][0])[1](dealt_to(folds, given))
    found = prepared.held_out(SHARED[kind][0], ((0, 2),))
    wanted = held_out(SHARED[kind][0], **given, folds=folds)
    np.testing.assert_allclose(found[folds == 2], wanted[folds == 2], atol=2e-3, rtol=2e-4)
    assert np.isnan(found[folds != 2]).all()


@pytest.mark.parametrize("kind", ["ridge", "kernel_ridge"])
def test_each_example_alone(kind: str) -> None:
    given = examples(40, 9)
    prepared = sharing(SHARED[kind][0])[1](dealt_to(None, given))
    for head in SHARED[kind]:
        wanted = held_out(head, **given, folds=None)
        np.testing.assert_allclose(prepared.held_out(head, None), wanted, atol=1e-4)


@pytest.mark.parametrize("head", [Ridge(None), KernelRidge(None), Logistic(None), object()])
def test_what_has_nothing_to_share_says_so(head: object) -> None:
    assert sharing(head) is None


def test_examples_are_checked() -> None:
    given = examples(40, 9)
    given["features"][3, 4] = np.nan
    with pytest.raises(DataError, match="rows 3"):
        dealt_to(None, given)
    with pytest.raises(DataError, match="leave others to train on"):
        dealt_to(np.zeros(40, int), examples(40, 9))


def test_where_rounding_leaves_no_inverse_the_head_itself_answers() -> None:
    given, folds = examples(40, 9), np.arange(40) % 4
    given["features"][:] = given["features"][0]
    found = sharing(KernelRidge(1.0))[1](dealt_to(folds, given)).held_out(KernelRidge(1.0), ((0, 0), (0, 1)))
    wanted = held_out(KernelRidge(1.0), **given, folds=folds)
    np.testing.assert_allclose(found[folds < 2], wanted[folds < 2], atol=1e-6)
    assert np.isnan(found[folds >= 2]).all()
