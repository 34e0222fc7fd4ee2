from dataclasses import replace

import numpy as np
import pytest

from regraft.core.errors import DataError, RecipeError, TrainingError
from regraft.heads import Together, TrainedLinear, held_out, held_out_together, together
from regraft.heads.selection import tempered_log_loss
from regraft.heads.together import rungs, standardised

HEADS = [
    TrainedLinear("adamw", 0.05, epochs=6, batch_size=16),
    TrainedLinear("nesterov", 1.0, epochs=9, batch_size=16, weight_decay=1e-3),
    TrainedLinear("sgd", 0.5, epochs=6, batch_size=32, smoothing=0.1),
    TrainedLinear("rmsprop", 0.02, epochs=4, batch_size=16, decay="linear"),
    TrainedLinear("adam", 0.01, epochs=9, batch_size=16, dropout=0.3),
    TrainedLinear("adam", 0.01, epochs=5, batch_size=16, width=20),
    TrainedLinear("nesterov", 0.3, epochs=5, batch_size=16, augmentation="mixup"),
]


def overlapping(count=120, width=12, classes=3):
    random = np.random.default_rng(0)
    features = (5 * random.standard_normal((count, width)) + 2).astype(np.float32)
    labels = (features[:, :classes] + 3 * random.standard_normal((count, classes))).argmax(1)
    return features, labels


def dealt(count=120, seed=1):
    return np.random.default_rng(seed).integers(-1, 3, count)


def test_each_head_is_what_it_is_alone():
    """Trained to its last epoch on the other folds, whoever trains beside it."""
    features, labels = overlapping()
    folds, weights = dealt(), np.random.default_rng(2).uniform(0.5, 2, 120)
    given = {"class_count": 3, "rounds": (folds,), "weights": weights, "halve": False}
    found = held_out_together(HEADS, features, labels, **given)
    for head, one in zip(HEADS, found, strict=True):
        assert isinstance(one, Together)
        assert one.state == "complete"
        assert len(one.losses) == head.epochs
        alone = held_out(head, features, labels, class_count=3, folds=folds, weights=weights)
        np.testing.assert_allclose(one.scores, alone, atol=1e-4)
        assert (np.isnan(one.scores[:, 0]) == (folds < 0)).all()


@pytest.mark.parametrize("head", HEADS, ids=lambda head: head.optimizer)
def test_scores_are_of_a_fit_to_the_other_folds(head, monkeypatch):
    """Fitted again where nothing is left to standardise, so that all folds have the same scale."""
    features, labels = overlapping()
    standard, _ = standardised(features, labels, class_count=3, weights=None)
    monkeypatch.setattr(together.Standard, "of", lambda *_: standard)
    folds = dealt()
    scores = held_out(head, features, labels, class_count=3, folds=folds)
    for number in range(3):
        out = folds == number
        fitted = head.fit(features[~out], labels[~out], class_count=3)
        np.testing.assert_allclose(scores[out], fitted.scores(features[out]), atol=1e-4)


def test_losses_are_those_of_the_scores():
    features, labels = overlapping()
    (one,) = held_out_together(HEADS[:1], features, labels, class_count=3, rounds=(dealt(),))
    seen = ~np.isnan(one.scores[:, 0])
    scores, truth = one.scores[seen].astype(np.float64), labels[seen]
    losses = np.log(np.exp(scores).sum(1)) - scores[np.arange(len(truth)), truth]
    assert one.losses[-1] == pytest.approx(losses.mean(), rel=1e-4)


def test_rounds_are_averaged():
    features, labels = overlapping()
    rounds = (np.arange(120) % 4, np.arange(120) // 40)
    both = held_out_together(HEADS[:2], features, labels, class_count=3, rounds=rounds, halve=False)
    each = [
        held_out_together(HEADS[:2], features, labels, class_count=3, rounds=(one,), halve=False)
        for one in rounds
    ]
    for head in (0, 1):
        mean = (each[0][head].scores + each[1][head].scores) / 2
        np.testing.assert_allclose(both[head].scores, mean, atol=1e-5)


def test_the_worse_half_is_dropped_after_1_2_4_8_epochs():
    features, labels = overlapping()
    rates = [1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1]
    heads = [TrainedLinear("adam", rate, epochs=10, batch_size=16) for rate in rates]
    found = held_out_together(heads, features, labels, class_count=3, rounds=(dealt(),))
    assert sorted(len(one.losses) for one in found) == [1, 1, 1, 2, 4, 10]
    assert [one.state for one in found].count("complete") == 1
    once = [replace(head, epochs=1, decay="constant") for head in heads]
    given = {"class_count": 3, "rounds": (dealt(),), "halve": False}
    scores = [one.scores for one in held_out_together(once, features, labels, **given)]
    first = [tempered_log_loss(one, labels)[0] for one in scores]
    assert {at for at, one in enumerate(found) if len(one.losses) > 1} == set(np.argsort(first)[:3])
    full = held_out_together(heads, features, labels, class_count=3, rounds=(dealt(),), halve=False)
    for one, whole in zip(found, full, strict=True):
        assert (one.scores is None) == (one.state == "dropped")
        np.testing.assert_allclose(one.losses, whole.losses[: len(one.losses)], rtol=1e-5)


def test_halves_by_accuracy():
    """Of two heads one is far too sure of itself, and more often right."""
    features, labels = overlapping()
    heads = [
        TrainedLinear("sgd", 100.0, epochs=4, decay="constant", momentum=0.0),
        TrainedLinear("sgd", 1e-3, epochs=4, decay="constant", smoothing=0.5),
    ]
    given = {"class_count": 3, "rounds": (dealt(),)}
    full = held_out_together(heads, features, labels, **given, halve=False)
    assert full[0].losses[0] > full[1].losses[0]
    found = held_out_together(heads, features, labels, **given, criterion="accuracy")
    once = held_out_together(
        [replace(one, epochs=1) for one in heads], features, labels, **given, halve=False
    )
    right = [(one.scores.argmax(1) == labels)[dealt() >= 0].mean() for one in once]
    assert [one.state for one in found] == ["complete", "dropped"][:: 1 if right[0] > right[1] else -1]
    assert right[0] != right[1]


def test_who_diverges_harms_nobody():
    features, labels = overlapping()
    wild = TrainedLinear("sgd", 100.0, weight_decay=10.0, batch_size=1, epochs=10, decay="constant")
    given = {"class_count": 3, "rounds": (dealt(),), "halve": False}
    company = held_out_together([wild, *HEADS], features, labels, **given)
    alone = held_out_together(HEADS, features, labels, **given)
    assert company[0].state == "diverged"
    assert company[0].scores is None
    assert not np.isfinite(company[0].losses[-1])
    for one, other in zip(company[1:], alone, strict=True):
        np.testing.assert_allclose(one.scores, other.scores, atol=1e-4)
    with pytest.raises(TrainingError, match=r"diverged .* 100"):
        held_out(wild, features, labels, class_count=3, folds=dealt())


def test_more_heads_than_memory_race_in_heats(monkeypatch):
    features, labels = overlapping()
    given = {"class_count": 3, "rounds": (dealt(),), "halve": False}
    at_once = held_out_together(HEADS, features, labels, **given)
    monkeypatch.setattr(together, "STATE_BYTES", 1)
    in_turn = held_out_together(HEADS, features, labels, **given)
    for one, other in zip(at_once, in_turn, strict=True):
        np.testing.assert_allclose(one.scores, other.scores, atol=1e-4)


def test_a_class_that_a_fold_does_not_train_on_never_wins_there():
    features, labels = overlapping()
    labels[:2] = 3
    folds = np.where(np.arange(120) < 40, 0, -1)
    (one,) = held_out_together(HEADS[:1], features, labels, class_count=5, rounds=(folds,))
    assert set(one.scores[:40].argmax(1)) <= {0, 1, 2}
    assert np.isfinite(one.scores[:40]).all()
    assert np.isfinite(one.losses).all()


def test_nobody():
    features, labels = overlapping()
    assert held_out_together([], features, labels, class_count=3, rounds=(dealt(),)) == []


def test_what_cannot_be_used_is_said():
    features, labels = overlapping()
    with pytest.raises(DataError, match="hold out some"):
        held_out_together(HEADS, features, labels, class_count=3, rounds=(dealt(), np.full(120, -1)))
    with pytest.raises(RecipeError, match="Take ridge or logistic"):
        held_out_together(HEADS, features, labels[:, None] == [0, 1, 2], class_count=3, rounds=(dealt(),))
    with pytest.raises(RecipeError, match=r"TrainedLinear\.momentum"):
        replace(HEADS[1], momentum=0.0)


def test_rungs_end_with_the_last_epoch():
    assert rungs(1) == [range(1)]
    assert rungs(8) == [range(1), range(1, 2), range(2, 4), range(4, 8)]
    assert [len(rung) for rung in rungs(11)] == [1, 1, 2, 4, 3]
