"""Features in a mapped file, in half precision: the same fits, and memory for some of the rows alone."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from regraft.core.errors import DataError
from regraft.heads import (
    ElasticLogistic,
    Lda,
    LinearSvm,
    Logistic,
    NearestMean,
    NearestNeighbours,
    Ridge,
    blocks,
    held_out,
    leaving_out,
    ridge,
    ridge_path,
)
from regraft.heads.ballots import Ballots, class_sums
from regraft.heads.blocks import column_means, not_finite, read_rows

HEADS = (Ridge(), Ridge(0.3), Lda(), NearestMean(0.2))


@pytest.fixture(params=[7, 64, 2048])
def block_size(request, monkeypatch):
    monkeypatch.setattr(blocks, "ROWS_AT_ONCE", request.param)
    return request.param


def mapped(folder: Path, features: np.ndarray) -> np.memmap:
    file = folder / "features.npy"
    np.save(file, features)
    return np.load(file, mmap_mode="r")


def examples(count=400, width=30, classes=5):
    random = np.random.default_rng(0)
    labels = random.integers(0, classes, count)
    centres = random.standard_normal((classes, width))
    features = centres[labels] + random.standard_normal((count, width)) + 2
    return features.astype(np.float16), labels


@pytest.mark.parametrize(
    ("head", "several"), [(head, False) for head in HEADS] + [(Ridge(), True), (Ridge(0.3), True)]
)
def test_a_mapped_file_is_fitted_like_the_array(tmp_path, block_size, head, several):
    features, labels = examples()
    if several:
        labels = np.random.default_rng(1).random((400, 5)) < 0.3
    weights = np.random.default_rng(2).uniform(0.5, 2, 400)
    given = {"class_count": 5, "weights": weights}
    there = head.fit(mapped(tmp_path, features), labels, **given)
    here = head.fit(features.astype(np.float32), labels, **given)
    np.testing.assert_allclose(there.weights, here.weights, atol=1e-6)
    np.testing.assert_allclose(there.bias, here.bias, atol=1e-5)
    np.testing.assert_allclose(there.scores(features), here.scores(features.astype(np.float32)), atol=2e-5)


@pytest.mark.parametrize(
    "head", [Logistic(0.01), LinearSvm(0.1), ElasticLogistic(1.0), NearestNeighbours(5)], ids=repr
)
def test_other_heads_take_half_precision_as_well(tmp_path, head):
    """In memory: what they are fitted to is held in float32."""
    features, labels = examples()
    scores = [
        head.fit(given, labels, class_count=5).scores(given[:50])
        for given in (mapped(tmp_path, features), features.astype(np.float32))
    ]
    np.testing.assert_allclose(*scores, atol=1e-3)


@pytest.mark.parametrize("folds", [None, np.arange(400) % 5, np.arange(400) % 133 - 1])
def test_held_out_scores_of_a_mapped_file(tmp_path, block_size, folds):
    features, labels = examples()
    found, expected = (
        held_out(Ridge(), given, labels, class_count=5, folds=folds)
        for given in (mapped(tmp_path, features), features.astype(np.float32))
    )
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("folds", [None, np.arange(400) % 5 - 1, np.arange(400) % 133 - 1])
@pytest.mark.parametrize("at_once", [1, 300, 10**6])
def test_where_scores_are_too_many_penalties_are_compared_on_some(monkeypatch, folds, at_once):
    features, labels = examples()
    given = {"class_count": 5, "folds": folds}
    whole = ridge_path(features, labels, **given)
    monkeypatch.setattr(ridge, "LEAST_JUDGED", 150)
    monkeypatch.setattr(ridge, "MOST_SCORES", 25 * 5 * 100)
    monkeypatch.setattr(leaving_out, "NUMBERS_AT_ONCE", at_once)
    some = ridge_path(features, labels, **given)
    for at in (0, 12, 24):
        np.testing.assert_allclose(some.scores(at), whole.scores(at), atol=1e-5)
    assert not np.array_equal(some.losses, whole.losses)
    np.testing.assert_allclose(some.losses, whole.losses, atol=0.2)
    assert abs(some.best - whole.best) <= 4


@pytest.mark.parametrize("folds", [None, np.arange(400) % 5])
def test_few_penalties_are_compared_on_the_same_examples_as_all(monkeypatch, folds):
    features, labels = examples()
    monkeypatch.setattr(ridge, "LEAST_JUDGED", 150)
    monkeypatch.setattr(ridge, "MOST_SCORES", 25 * 5 * 100)
    whole, few = (of(features, labels, class_count=5, folds=folds) for of in (ridge_path, ridge.best_of_path))
    places = np.searchsorted(whole.penalties, few.penalties)
    np.testing.assert_allclose(few.losses, whole.losses[places], rtol=1e-6)


def test_half_precision_in_memory_is_read_as_single():
    features, _ = examples()
    assert read_rows(features, slice(3, 9)).dtype == np.float32
    np.testing.assert_array_equal(read_rows(features, slice(3, 9)), features[3:9].astype(np.float32))
    single = features.astype(np.float32)
    assert np.shares_memory(read_rows(single, slice(3, 9)), single)
    np.testing.assert_allclose(column_means(features), features.mean(0, dtype=np.float64), rtol=1e-12)


def test_what_was_written_to_a_private_mapping_stays(tmp_path):
    """Its pages are the only copy; giving them back would bring the file's rows back."""
    mapped(tmp_path, np.zeros((3000, 40), np.float16))
    private = np.load(tmp_path / "features.npy", mmap_mode="c")
    private[:] = 1
    read_rows(private, slice(0, 3000))
    assert (np.asarray(private) == 1).all()


@pytest.mark.parametrize("step", [slice(None), slice(None, None, -1), slice(5, 2000, 3)])
def test_any_look_at_a_mapped_file_is_read_right(tmp_path, step):
    features = np.random.default_rng(0).standard_normal((3000, 40)).astype(np.float16)
    look, array = mapped(tmp_path, features)[step, 3:17], features[step, 3:17]
    for part in (slice(0, 500), np.array([400, 2, 77]), np.empty(0, int)):
        np.testing.assert_array_equal(read_rows(look, part), array[part].astype(np.float32))
        np.testing.assert_array_equal(read_rows(look, part), array[part].astype(np.float32))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_rows_that_are_not_finite_are_named(tmp_path, block_size, wrong):
    features, labels = examples()
    features[[70, 333], [2, 5]] = wrong
    file = mapped(tmp_path, features)
    assert not_finite(file).tolist() == [70, 333]
    with pytest.raises(DataError, match=r"2 of 400 rows .* rows 70, 333"):
        Ridge().fit(file, labels, class_count=5)


def test_sums_of_classes(block_size):
    features, labels = examples()
    weights = np.random.default_rng(1).uniform(0.5, 2, 400)
    several = np.random.default_rng(2).random((400, 6)) < 0.3
    for truth, dense in ((labels, np.eye(6)[labels]), (several, several.astype(float))):
        ballots = Ballots(truth, 6)
        sums, counts = class_sums(features, ballots, weights)
        np.testing.assert_allclose(sums, features.T.astype(float) @ (dense * weights[:, None]), atol=1e-9)
        np.testing.assert_allclose(counts, weights @ dense)
        np.testing.assert_array_equal(ballots[:], dense)
        np.testing.assert_array_equal(ballots[np.array([3, 1])], dense[[3, 1]])


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_large_file_is_never_in_memory(tmp_path):
    """160 MB in half precision, and 40 MB for the fit, in a process of its own."""
    file = np.lib.format.open_memmap(tmp_path / "f.npy", "w+", np.float16, (320_000, 256))
    random = np.random.default_rng(0)
    for start in range(0, len(file), 80_000):
        file[start : start + 80_000] = random.standard_normal((80_000, 256), np.float32)
    file.flush()
    code = """
import sys
from pathlib import Path
import numpy as np
from regraft.heads import Lda, NearestMean, Ridge
def peak_kb():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
features = np.load(sys.argv[1], mmap_mode="r")
labels = np.arange(len(features)) % 3
Ridge(1.0).fit(features[:5000], labels[:5000], class_count=3)
before = peak_kb()
Ridge(1.0).fit(features, labels, class_count=3)
Lda().fit(features, labels, class_count=3)
NearestMean().fit(features, labels, class_count=3)
print(peak_kb() - before)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "f.npy")]
    grown_kb = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert grown_kb < 100_000
