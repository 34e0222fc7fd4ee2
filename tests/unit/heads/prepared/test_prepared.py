"""Whatever is prepared once answers like a fit of its own, setting by setting."""

from typing import Any

import numpy as np
import pytest

from regraft.core.errors import DataError
from regraft.heads import KernelRidge, Lda, LinearSvm, Logistic, Ridge, held_out, spectrum
from regraft.heads.prepared import Dealt, Gathered, Prepared, sharing

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


@pytest.fixture
def decomposed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of all matrices that are decomposed from now on."""
    found, real = list[int](), spectrum.np.linalg.eigh

    def counted(matrix: np.ndarray) -> Any:
        found.append(len(matrix))
        return real(matrix)

    monkeypatch.setattr("regraft.heads.spectrum.np.linalg.eigh", counted)
    return found


def dealt_to(folds: Any, given: dict[str, Any]) -> Dealt:
    """The examples, dealt to folds."""
    return Dealt(Gathered(**given), () if folds is None else (folds,))


@pytest.mark.parametrize(("count", "width"), [(60, 9), (60, 30), (40, 90)])
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


@pytest.mark.parametrize(("count", "width"), [(60, 9), (40, 90)])
@pytest.mark.parametrize("kind", SHARED)
def test_it_fits_all_examples_as_the_head_does(kind: str, count: int, width: int) -> None:
    """Also where a class has no examples, before and after anything was held out."""
    given, new = examples(count, width), examples(25, width, seed=1)["features"]
    prepared = Prepared(dealt_to(np.arange(count) % 4, given))
    for head in [*SHARED[kind], *SHARED[kind][::-1]]:
        found, wanted = prepared.of(head).fit(head).scores(new), head.fit(**given).scores(new)
        np.testing.assert_allclose(found, wanted, atol=2e-5 * np.abs(wanted).max(), rtol=1e-5)
        prepared.of(head).held_out(head, prepared.dealt.keys)


def test_a_fit_reads_no_sums_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    given, gathered = examples(40, 90), list[object]()
    prepared = Prepared(dealt_to(np.arange(40) % 4, given))
    heads = [Ridge(1.0), Logistic(0.1), LinearSvm(1.0), Lda(0.3), KernelRidge(0.1)]
    for head in heads:
        prepared.of(head).held_out(head, prepared.dealt.keys)
    for name in ("heads.prepared.dealt.moments", "heads.moments.moments", "heads.reduced.moments"):
        monkeypatch.setattr(f"regraft.{name}", lambda *_: gathered.append(1))
    monkeypatch.setattr("regraft.heads.kernel_ridge.squared_distances", lambda *_: gathered.append(1))
    for head in heads:
        assert prepared.of(head).fit(head).class_count == 4
    assert not gathered


@pytest.mark.parametrize("head", [Ridge(0.5), Logistic(0.1)])
def test_several_labels_are_fitted_alike(head: Any) -> None:
    given = examples(40, 9)
    given["labels"] = np.random.default_rng(0).random((40, 4)) < 0.4
    found, wanted = sharing(head)[1](dealt_to(None, given)).fit(head), head.fit(**given)
    np.testing.assert_allclose(found.weights, wanted.weights, atol=1e-5, rtol=1e-4)
    np.testing.assert_allclose(found.bias, wanted.bias, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", SHARED)
def test_rounds_are_averaged(kind: str) -> None:
    given, rounds = examples(60, 40), (np.arange(60) % 3, np.arange(60) // 15, np.arange(60) % 6 - 1)
    dealt = Dealt(Gathered(**given), rounds)
    prepared = sharing(SHARED[kind][0])[1](dealt)
    for head in SHARED[kind]:
        wanted = np.nanmean([held_out(head, **given, folds=folds) for folds in rounds], axis=0)
        near = 1e-3 if kind == "reduced" else 2e-5
        found = prepared.held_out(head, dealt.keys)
        np.testing.assert_allclose(found, wanted, atol=near * np.abs(wanted).max(), rtol=1e-4)


@pytest.mark.parametrize(("count", "width"), [(60, 30), (40, 90)])
def test_small_folds_are_taken_from_the_spectrum_of_all(
    count: int, width: int, decomposed: list[int]
) -> None:
    given, folds = examples(count, width), np.arange(count) % 8
    # One class is in no other fold.
    given["labels"] = np.where(folds == 1, given["labels"], given["labels"] % 2)
    wanted = [held_out(head, **given, folds=folds) for head in (Lda(None), Lda(0.3))]
    decomposed.clear()
    prepared = Prepared(dealt_to(folds, given))
    assert not prepared.helps(Lda(None))
    prepared.of(Ridge(1.0)).held_out(Ridge(1.0), prepared.dealt.keys)
    assert prepared.helps(Lda(None))
    assert not prepared.helps(Logistic(0.1))
    for head, scores in zip((Lda(None), Lda(0.3)), wanted, strict=True):
        found = prepared.of(head).held_out(head, prepared.dealt.keys)
        np.testing.assert_allclose(found, scores, atol=2e-5 * np.abs(scores).max(), rtol=1e-4)
    assert len(decomposed) == 1


@pytest.mark.parametrize(("count", "width"), [(60, 55), (40, 90)])
def test_kinds_share_one_decomposition_of_each_fold(count: int, width: int, decomposed: list[int]) -> None:
    given = examples(count, width)
    dealt = Dealt(Gathered(**given), (np.arange(count) % 4, np.arange(count) // 10))
    prepared = Prepared(dealt)
    for head in (Logistic(0.1), Lda(0.3), LinearSvm(1.0), Logistic(1.0)):
        prepared.of(head).held_out(head, dealt.keys)
    assert len(decomposed) == len(dealt.keys)
    # Others take what is there, and ask for the spectrum of all examples once: the shrinkage of Ledoit and
    # Wolf for how far they lie from their means, ridge for the penalty's unit.
    for head in (Lda(None), Ridge(1.0), Ridge(2.0)):
        prepared.of(head).held_out(head, dealt.keys)
    assert len(decomposed) == len(dealt.keys) + 1
    assert prepared.nbytes > 0


def test_many_examples_are_decomposed_once_for_all_folds(decomposed: list[int]) -> None:
    given, folds = examples(120, 9), np.arange(120) % 5
    # One class is in no other fold.
    given["labels"] = np.where(folds == 1, given["labels"], given["labels"] % 2)
    heads = (Logistic(0.1), Logistic(1e-4, 0.0), LinearSvm(1.0))
    wanted = [held_out(head, **given, folds=folds) for head in heads]
    decomposed.clear()
    prepared = Prepared(dealt_to(folds, given))
    for head, scores in zip(heads, wanted, strict=True):
        found = prepared.of(head).held_out(head, prepared.dealt.keys)
        np.testing.assert_allclose(found, scores, atol=1e-3 * np.abs(scores).max(), rtol=1e-4)
    assert len(decomposed) == 1


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


@pytest.mark.parametrize("head", [Ridge(None), Logistic(None), object()])
def test_what_has_nothing_to_share_says_so(head: object) -> None:
    assert sharing(head) is None


@pytest.mark.parametrize("width", [0.5, 1.0])
def test_a_penalty_left_to_the_examples_is_found_once(width: float, monkeypatch: pytest.MonkeyPatch) -> None:
    given, folds, head = examples(40, 9), np.arange(40) % 4, KernelRidge(width=width)
    wanted = held_out(head, **given, folds=folds)
    new = examples(25, 9, seed=1)["features"]
    delivered = head.fit(**given).scores(new)
    prepared = Prepared(dealt_to(folds, given))
    settled = prepared.settled(head)
    assert settled.penalty is not None
    assert settled.width == width
    monkeypatch.setattr("regraft.heads.spectrum.np.linalg.eigh", lambda _: pytest.fail("decomposed again"))
    for one in (head, settled):
        assert prepared.settled(one) == settled
        found = prepared.of(one).held_out(one, prepared.dealt.keys)
        np.testing.assert_allclose(found, wanted, atol=1e-4)
        np.testing.assert_allclose(prepared.of(one).fit(one).scores(new), delivered, atol=1e-4)


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


@pytest.mark.parametrize("shrinkage", [None, 1e-4, 0.5, 1.0])
def test_more_classes_than_axes(shrinkage: float | None) -> None:
    random = np.random.default_rng(0)
    labels = np.arange(60) % 20
    given = {
        "features": (random.normal(size=(60, 5)) + labels[:, None] % 7).astype(np.float32),
        "labels": labels,
        "class_count": 20,
    }
    agrees_with_held_out(Lda(shrinkage), given, np.arange(60) // 20)


@pytest.mark.parametrize("shrinkage", [None, 0.3])
def test_one_example_of_each_class_outside_every_fold(shrinkage: float | None) -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(24, 30)).astype(np.float32)
    given = {"features": features, "labels": np.arange(24) % 12, "class_count": 12}
    agrees_with_held_out(Lda(shrinkage), given, np.arange(24) // 12)


@pytest.mark.parametrize("shrinkage", [None, 0.0, 0.3])
def test_features_that_never_vary_and_classes_that_hardly_do(shrinkage: float | None) -> None:
    random = np.random.default_rng(0)
    labels = np.arange(60) % 3
    features = np.eye(3, 12)[labels] + 1e-3 * random.normal(size=(60, 12))
    features[:, 5:8] = [0, 7, -1e3]
    given = {"features": features.astype(np.float32), "labels": labels, "class_count": 3}
    agrees_with_held_out(Lda(shrinkage), given, np.arange(60) // 15, near=1e-3)


@pytest.mark.parametrize("shrinkage", [None, 0.3])
@pytest.mark.parametrize(("count", "width"), [(120, 30), (60, 90)])
def test_features_that_only_one_example_has(count: int, width: int, shrinkage: float | None) -> None:
    """Held out, they vary in nobody else, and have no share in what equal variances would be."""
    given = examples(count, width)
    given["features"] = given["features"] - 3
    given["features"][:, :10] = 0
    given["features"][np.arange(10), np.arange(10)] = 5
    agrees_with_held_out(Lda(shrinkage), given, np.arange(count) % 4)


@pytest.mark.parametrize("shrinkage", [None, 0.3])
def test_classes_that_never_vary_where_the_folds_differ_in_them(shrinkage: float | None) -> None:
    """How far means lie apart is told from their own mean, not from that of the examples with the fold's."""
    labels = np.repeat([0, 1, 2], [40, 5, 5])
    features = (3 * np.eye(3, 80)[labels] + 7).astype(np.float32)
    given = {"features": features, "labels": labels, "class_count": 3}
    agrees_with_held_out(Lda(shrinkage), given, np.arange(50) // 5)


def test_classes_that_hardly_vary_and_little_shrinkage() -> None:
    random = np.random.default_rng(0)
    labels = np.arange(60) % 3
    features = np.eye(3, 200)[labels] + 0.003 * random.normal(size=(60, 200))
    given = {"features": features.astype(np.float32), "labels": labels, "class_count": 3}
    agrees_with_held_out(Lda(0.001), given, np.arange(60) // 15, near=2e-3)


@pytest.mark.parametrize("kind", ["ridge", "reduced", "lda"])
@pytest.mark.parametrize("value", [0.0, 3.0])
def test_where_nothing_varies_classes_are_as_likely_as_they_are_frequent(kind: str, value: float) -> None:
    given, folds = examples(40, 9), np.arange(40) % 4
    given["features"][:] = value
    dealt = dealt_to(folds, given)
    for head in SHARED[kind]:
        found = sharing(head)[1](dealt).held_out(head, dealt.keys)
        wanted = held_out(head, **given, folds=folds)
        np.testing.assert_allclose(found, wanted, atol=2e-3 * np.abs(wanted).max())
        fits = sharing(head)[1](dealt).fit(head), head.fit(**given)
        found, wanted = (fitted.scores(given["features"]) for fitted in fits)
        np.testing.assert_allclose(found, wanted, atol=2e-3 * np.abs(wanted).max())


def agrees_with_held_out(head: Lda, given: dict[str, Any], folds: np.ndarray, *, near: float = 2e-5) -> None:
    """Whether what is prepared answers like fits of their own, of folds and of all examples."""
    dealt = dealt_to(folds, given)
    prepared, features = sharing(head)[1](dealt), given["features"]
    found, wanted = prepared.held_out(head, dealt.keys), held_out(head, **given, folds=folds)
    np.testing.assert_allclose(found, wanted, atol=near * np.nanmax(np.abs(wanted)), rtol=1e-4)
    found, wanted = (fitted.scores(features) for fitted in (prepared.fit(head), head.fit(**given)))
    np.testing.assert_allclose(found, wanted, atol=near * np.abs(wanted).max(), rtol=1e-4)
