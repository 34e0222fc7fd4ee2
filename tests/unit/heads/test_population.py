import numpy as np
import pytest
import torch

from regraft.core.errors import DataError, RecipeError, TrainingError
from regraft.heads import Examples, Member, Schedule, block, sample_members, train_population
from regraft.heads.block import Block, Data, kind


def examples(*, count=120, width=12, classes=3, folds=None, weights=None):
    random = np.random.default_rng(0)
    features = random.standard_normal((count, width)).astype(np.float32)
    labels = (features[:, :classes] + random.standard_normal((count, classes))).argmax(1)
    folds = np.where(np.arange(count) < 40, 0, -1) if folds is None else folds
    return Examples(features, labels, classes, folds, weights)


SOME = sample_members(12, 0, batch_size=16)


def test_the_same_twice():
    first, second = (train_population(SOME, examples(), schedule=Schedule(epochs=3)).losses for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_company_does_not_matter():
    """A member trains the same alone, in small blocks, in one block, and after others were dropped."""
    together = train_population(SOME, examples(), schedule=Schedule(epochs=4))
    for number in (0, 5, 7):
        alone = train_population([SOME[number]], examples(), schedule=Schedule(epochs=4))
        np.testing.assert_allclose(alone.losses[0], together.losses[number], rtol=1e-5)


def test_small_blocks_change_nothing(monkeypatch):
    together = train_population(SOME, examples(), schedule=Schedule(epochs=4))
    monkeypatch.setattr(block, "CACHE_BYTES", 1)
    apart = train_population(SOME, examples(), schedule=Schedule(epochs=4))
    np.testing.assert_allclose(apart.losses, together.losses, rtol=1e-5)


def test_halving_drops_the_worst_and_leaves_the_rest_as_they_were():
    full = train_population(SOME, examples(), schedule=Schedule(epochs=6))
    halved = train_population(SOME, examples(), schedule=Schedule(epochs=6, halvings=(1, 3)))
    left = (~np.isnan(halved.losses)).sum(0)
    assert left.tolist() == [12, 12, 6, 6, 3, 3, 3]
    lowest = full.losses[:, 1]
    assert set(np.flatnonzero(~np.isnan(halved.losses[:, 2]))) == set(np.argsort(lowest)[:6])
    reached = ~np.isnan(halved.losses)
    np.testing.assert_allclose(halved.losses[reached], full.losses[reached], rtol=1e-5)


def test_halving_shrinks_the_tensors():
    data = Data.load(examples(), np.ones(120), "cpu")
    members = [Member("adam", batch_size=16, seed=s) for s in range(6)]
    heads = Block(range(6), members, data, torch.zeros(6, 3, data.rows.shape[1]))
    heads.keep([1, 4])
    assert {tensor.shape[0] for tensor in heads.state.values()} == {2}
    assert heads.numbers == [1, 4]


def test_diverged_members_are_marked_and_harm_nobody():
    wild = Member("sgd", 100.0, weight_decay=10.0, batch_size=16)
    company = train_population([wild, *SOME], examples(), schedule=Schedule(epochs=30))
    alone = train_population(SOME, examples(), schedule=Schedule(epochs=30))
    assert company.diverged.tolist() == [True] + [False] * 12
    np.testing.assert_allclose(company.losses[1:], alone.losses, rtol=1e-4)
    assert company.best != 0


def test_if_all_diverge_it_is_said():
    features = np.full((120, 12), 1e30, np.float32)
    given = examples()
    wild = Examples(features, given.labels, 3, given.folds)
    with pytest.raises(TrainingError, match=r"All 1 members .* 100 .* Standardise"):
        train_population([Member("sgd", 100.0, batch_size=16)], wild, schedule=Schedule(epochs=2))


def test_nobody_to_train():
    with pytest.raises(TrainingError, match="at least one"):
        train_population([], examples())


def test_features_that_are_not_numbers_are_named():
    given = examples()
    given.features[3, 3] = np.nan
    with pytest.raises(DataError, match="rows 3"):
        train_population(SOME, given)


def test_patience_ends_a_member_and_keeps_its_best_epoch():
    hasty = Member("adam", 0.3, batch_size=16)
    population = train_population(
        [hasty, SOME[0]], examples(), schedule=Schedule(epochs=40, patience=3, decay="constant")
    )
    curve = population.losses[0, 1:][~np.isnan(population.losses[0, 1:])]
    assert len(curve) == np.argmin(curve) + 1 + 3 < 40
    given = examples()
    scores = population.classifier(0).scores(given.features[:40])
    shifted = scores - scores.max(1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(1)) - shifted[np.arange(40), given.labels[:40]]
    assert losses.mean() == pytest.approx(curve.min(), rel=1e-4)


def test_a_member_trained_in_folds_is_judged_by_what_each_replica_held_out():
    folds = np.arange(120) % 4
    given = examples(folds=folds)
    population = train_population(SOME, given, schedule=Schedule(epochs=4))
    best = population.best
    scores = population.held_out(best, given.features)
    right = (scores.argmax(1) == given.labels).mean()
    epoch = np.nanargmin(population.losses[best])
    assert right == pytest.approx(population.accuracies[best, epoch], abs=1e-5)


def test_replicas_are_averaged_into_one_linear():
    given = examples(folds=np.arange(120) % 4)
    population = train_population(SOME, given, schedule=Schedule(epochs=2))
    weights = population._weights[population.best]
    expected = np.mean([given.features @ w[:, :12].T + w[:, 12] for w in weights], axis=0)
    np.testing.assert_allclose(
        population.classifier(population.best).scores(given.features), expected, atol=1e-5
    )


def test_a_fold_is_never_trained_on():
    """Meaningless labels of the held-out part, changed, change its verdicts and nothing else."""
    given = examples(folds=np.arange(120) % 4)
    labels = np.where(given.folds == 2, (given.labels + 1) % 3, given.labels)
    changed = Examples(given.features, labels, 3, given.folds)
    first, second = (
        train_population(SOME, one, schedule=Schedule(epochs=1)).held_out(3, one.features)
        for one in (given, changed)
    )
    np.testing.assert_array_equal(first[given.folds == 2], second[given.folds == 2])
    assert np.abs(first - second)[given.folds != 2].max() > 1e-4


def test_members_share_blocks_by_what_they_must_share():
    assert kind(Member("adam", weight_decay=0.1)) == kind(Member("adamw", 0.1, seed=4))
    assert kind(Member("sgd", momentum=0.0)) != kind(Member("sgd"))
    assert kind(Member("adam", dropout=0.1)) != kind(Member("adam"))
    assert kind(Member("adam", batch_size=32)) != kind(Member("adam"))


def test_sampling_is_by_seed_and_extends():
    assert sample_members(20, 3) == sample_members(20, 3)
    assert sample_members(20, 3)[:5] == sample_members(5, 3)
    assert sample_members(20, 3) != sample_members(20, 4)
    assert {member.optimizer for member in sample_members(8, 0)} == {"sgd", "nesterov", "adam", "adamw"}


def test_settings_that_contradict_are_refused():
    with pytest.raises(RecipeError, match="momentum"):
        Member("nesterov", momentum=0.0)
    for halvings in ((3, 2), (0, 1), (30,)):
        with pytest.raises(RecipeError, match="halvings"):
            Schedule(epochs=30, halvings=halvings)


def test_the_cosine_falls_from_one_toward_zero():
    rates = [Schedule(epochs=10).rate(epoch) for epoch in range(10)]
    assert rates[0] == 1
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.05
    assert Schedule(epochs=10, decay="constant").rate(7) == 1
