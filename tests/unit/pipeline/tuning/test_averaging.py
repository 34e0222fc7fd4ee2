"""How much each part counts, and whether an average does harm."""

import numpy as np
import pytest

from regraft.pipeline.tuning import averaging
from regraft.pipeline.tuning.averaging import (
    affordable_parts,
    best_alone,
    drawn,
    is_worse,
    judged_by_others,
    most_parts,
)


def experts(count: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Logits of two that err independently of each other, and of one that knows nothing."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, count)
    right = np.eye(3)[truth]
    return np.stack([right + random.normal(0, 1, right.shape) for _ in "ab"] + [0 * right]), truth


def test_those_who_err_elsewhere_share() -> None:
    logits, truth = experts()
    shares = drawn(logits, truth, None)
    assert shares.sum() == pytest.approx(1)
    assert shares[:2].min() > 0.3
    assert shares[2] < 0.1


def test_weights_say_whose_errors_count() -> None:
    logits, truth = experts()
    good_at = np.arange(600) < 300
    logits[0][~good_at], logits[1][good_at] = 0, 0
    shares = drawn(logits, truth, np.where(good_at, 1.0, 1e-6))
    assert shares[0] > 0.9


def test_an_average_is_judged_by_images_that_did_not_choose_it() -> None:
    """Of a hundred that know nothing, some average looks good where it was chosen, and nowhere else."""
    random = np.random.default_rng(1)
    truth = random.integers(0, 2, 60)
    logits = random.normal(0, 1, (100, 60, 2))
    shares = drawn(logits, truth, None)
    best = np.tensordot(shares, logits, 1)
    flattered = -np.log(np.exp(best)[np.arange(60), truth] / np.exp(best).sum(1)).mean()
    assert flattered < 0.6
    assert judged_by_others(drawn, logits, truth, None, groups=[""] * 60, seed=0).mean() > 0.65


def test_groups_stay_together_when_an_average_is_judged() -> None:
    """Copies of an image on both sides would make ignorance look like knowledge."""
    random = np.random.default_rng(2)
    truth, logits = random.integers(0, 2, 20).repeat(8), random.normal(0, 1, (100, 20, 2)).repeat(8, axis=1)
    groups = [str(at) for at in np.arange(20).repeat(8)]
    together = judged_by_others(drawn, logits, truth, None, groups=groups, seed=0)
    torn = judged_by_others(drawn, logits, truth, None, groups=[""] * 160, seed=0)
    assert torn.mean() < 0.6 < 0.65 < together.mean()


def test_the_best_alone_is_judged_likewise() -> None:
    logits, truth = experts()
    given = (logits, truth, None)
    assert best_alone(*given).tolist() in ([1, 0, 0], [0, 1, 0])
    alone, average = (
        judged_by_others(choose, *given, groups=[""] * 600, seed=0) for choose in (best_alone, drawn)
    )
    assert average.mean() < alone.mean()
    assert is_worse(alone, average, groups=[""] * 600, seed=0)
    assert not is_worse(average, alone, groups=[""] * 600, seed=0)
    assert not is_worse(alone, alone, groups=[""] * 600, seed=0)


def test_harm_is_judged_by_weight() -> None:
    """An average that is worse on a few images, which weigh most."""
    random = np.random.default_rng(1)
    alone = random.exponential(size=60)
    average = alone + np.where(np.arange(60) < 12, 0.3, -0.1) + random.normal(0, 0.02, 60)
    weights = np.where(np.arange(60) < 12, 20.0, 1.0)
    given = {"groups": [""] * 60, "seed": 0}
    assert not is_worse(average, alone, **given)
    assert is_worse(average, alone, **given, weights=weights)


def test_many_answers_are_of_few_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(averaging, "ANSWERS_PER_S", 1.2e6)
    # Each of 120 passes over the answers of a part takes a second in 1.2 million.
    assert [most_parts(1000, seconds) for seconds in (0.0, 0.1, 0.35, 1.0)] == [0, 1, 3, 10]
    assert most_parts(10_000, 1.0) == 1


def test_parts_that_cannot_be_fitted_in_time_are_left_out() -> None:
    logits, truth = experts()
    assert np.count_nonzero(drawn(logits, truth, None)[:2]) == 2

    def kept(*costs_s: float, most_s: float) -> list[int]:
        return affordable_parts(logits, truth, None, np.array(costs_s, np.float64), most_s).tolist()

    assert kept(0, 0, 0, most_s=1) == [0, 1, 2]
    assert kept(0, 5, 0, most_s=5) == [0, 1, 2]
    assert kept(0, 5, 0, most_s=4) == [0, 2]
    # Of two that are too dear together, the dearer one goes.
    assert kept(3, 2, 0, most_s=4) == [1, 2]
    # What nobody would draw may cost what it wants, up to all the time.
    assert kept(2, 2, 4, most_s=4) == [0, 1, 2]
    assert kept(9, 9, 9, most_s=1) == []
