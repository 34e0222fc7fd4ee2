from dataclasses import replace

import numpy as np
import pytest

from regraft.core.errors import DataError, RecipeError, TrainingError
from regraft.heads import Examples, Linear, Member, Schedule, block, sample_members, train_population
from regraft.heads.block import Block
from regraft.heads.fold import Fold, Rows
from regraft.heads.member import Course
from regraft.heads.soup import uniform_soup
from regraft.heads.team import Team


def examples(*, count=120, width=12, classes=3, folds=None, weights=None):
    random = np.random.default_rng(0)
    features = random.standard_normal((count, width)).astype(np.float32)
    labels = (features[:, :classes] + random.standard_normal((count, classes))).argmax(1)
    folds = np.where(np.arange(count) < 40, 0, -1) if folds is None else folds
    return Examples(features, labels, classes, folds, weights)


def overlapping_rows():
    return examples().features, examples().labels


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


def test_halving_by_accuracy():
    full = train_population(SOME, examples(), schedule=Schedule(epochs=6))
    schedule = Schedule(epochs=6, halvings=(2,), kept_fraction=0.3, criterion="accuracy")
    halved = train_population(SOME, examples(), schedule=schedule)
    best = full.accuracies[:, 1:3].max(axis=1)
    kept = np.flatnonzero(~np.isnan(halved.losses[:, 3]))
    assert len(kept) == 4
    assert best[kept].min() >= np.delete(best, kept).max()
    assert set(kept) != set(np.argsort(full.losses[:, :3].min(axis=1))[:4])


def test_the_weights_kept_are_those_of_the_best_epoch_by_the_criterion():
    given = examples()
    held = given.folds == 0
    by_loss, by_accuracy = (
        train_population(SOME, given, schedule=Schedule(epochs=8, criterion=name))
        for name in ("loss", "accuracy")
    )
    np.testing.assert_array_equal(by_loss.lowest, by_accuracy.lowest)
    for number in range(len(SOME)):
        scores = by_accuracy.classifier(number).scores(given.features[held])
        right = np.mean(scores.argmax(axis=1) == given.labels[held])
        assert right == pytest.approx(by_accuracy.accuracies[number, 1:].max())
    peaks = by_accuracy.accuracies[:, 1:].argmax(axis=1)
    assert (peaks != by_loss.losses[:, 1:].argmin(axis=1)).any()


def test_members_are_ranked_by_the_criterion():
    given = examples()
    by_loss, by_accuracy = (
        train_population(SOME, given, schedule=Schedule(epochs=8, criterion=name))
        for name in ("loss", "accuracy")
    )
    np.testing.assert_array_equal(by_loss.ranking, np.argsort(by_loss.lowest))
    peaks = by_accuracy.accuracies[:, 1:].max(axis=1)
    assert (np.diff(peaks[by_accuracy.ranking]) <= 0).all()
    assert by_accuracy.best == by_accuracy.ranking[0]
    assert by_accuracy.ranking.tolist() != by_loss.ranking.tolist()


def test_a_soup_scores_as_its_members_do_on_average():
    given = examples()
    population = train_population(SOME, given, schedule=Schedule(epochs=4))
    members = [population.classifier(at).scores(given.features) for at in population.ranking[:3].tolist()]
    np.testing.assert_allclose(
        population.soup(3).scores(given.features), np.mean(members, axis=0), atol=1e-5, rtol=1e-5
    )
    with pytest.raises(ValueError, match="at least one"):
        population.soup(0)


def test_a_greedy_soup_takes_in_whoever_does_no_harm():
    features, labels = overlapping_rows()
    folds = np.where(np.arange(len(labels)) % 3 == 0, 0, -1)
    population = train_population(SOME, Examples(features, labels, 3, folds), schedule=Schedule(epochs=4))
    held_out = features[folds == 0], labels[folds == 0]

    def right(head: Linear) -> int:
        return int((head.scores(held_out[0]).argmax(1) == held_out[1]).sum())

    ranked = [population.classifier(index) for index in population.ranking.tolist()]
    taken = ranked[:1]
    for head in ranked[1:]:
        taken += [head] if right(uniform_soup([*taken, head])) >= right(uniform_soup(taken)) else []
    assert 1 < len(taken) < len(ranked)
    found = population.greedy_soup(*held_out)
    np.testing.assert_allclose(found.weights, uniform_soup(taken).weights, rtol=1e-6)
    assert right(found) > right(ranked[0])
    np.testing.assert_array_equal(population.greedy_soup(*held_out, most=1).weights, ranked[0].weights)


def test_no_soup_is_chosen_by_images_that_taught_its_parts():
    given = examples()
    folded = replace(given, folds=np.arange(120) % 3)
    population = train_population(SOME[:2], folded, schedule=Schedule(epochs=2))
    with pytest.raises(ValueError, match="every image taught some replica"):
        population.greedy_soup(given.features, given.labels)


def test_what_diverged_at_once_is_in_no_soup():
    given = examples()
    huge = Examples(given.features * np.float32(1e18), given.labels, 3, given.folds)
    calm, wild = Member("sgd", 1e-6, batch_size=16), Member("sgd", 100.0, batch_size=16)
    population = train_population([wild, calm], huge, schedule=Schedule(epochs=2))
    assert np.isinf(population.lowest).tolist() == [True, False]
    np.testing.assert_array_equal(population.soup().weights, population.classifier(1).weights)


def test_halving_shrinks_the_tensors():
    data = Rows.load(*overlapping_rows(), class_count=3, weights=np.ones(120))
    fold = Fold(data, np.arange(40, 120), np.arange(40))
    courses = [Course(Member("adam", batch_size=16, seed=s), 3, 0) for s in range(6)]
    heads = Team(range(6), [Block(courses, fold)])
    heads.keep([1, 4])
    (parameter,) = heads.blocks[0].parameters
    assert {tensor.shape[0] for tensor in parameter.state.values()} == {2}
    assert heads.numbers == [1, 4]
    assert [course.member.seed for course in heads.courses] == [1, 4]


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
    hasty = Member("adam", 0.3, batch_size=16, decay="constant")
    population = train_population([hasty, SOME[0]], examples(), schedule=Schedule(epochs=40, patience=3))
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


@pytest.mark.parametrize("width", [0, 8])
def test_a_class_that_a_replica_has_not_seen_is_scored_as_it_is_judged(width):
    given = examples(folds=np.arange(120) % 4)
    given = replace(given, labels=np.where(np.arange(120) == 7, 3, given.labels), class_count=4)
    members = [replace(member, width=width) for member in SOME[:3]]
    population = train_population(members, given, schedule=Schedule(epochs=4))
    best = population.best
    scores = population.held_out(best, given.features)
    losses = np.log(np.exp(scores).sum(1)) - scores[np.arange(120), given.labels]
    assert losses.mean() == pytest.approx(np.nanmin(population.losses[best]), rel=1e-5)
    # Log(n + 1) below the mean of the others.
    assert scores[7, 3] == pytest.approx(scores[7, :3].mean() - np.log(91), abs=1e-5)


def test_replicas_are_averaged_into_one_linear():
    given = examples(folds=np.arange(120) % 4)
    population = train_population(SOME, given, schedule=Schedule(epochs=2))
    replicas = population._weights[population.best]
    expected = np.mean([given.features @ w[:, :12].T + w[:, 12] for (w,) in replicas], axis=0)
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
    def kind(member):
        return Course(member, 10, 0).kind

    assert kind(Member("adam", weight_decay=0.1)) == kind(Member("adamw", 0.1, seed=4, decay="step"))
    assert kind(Member("sgd", dropout=0.1)) == kind(Member("adam", dropout=0.1))
    assert kind(Member("sgd", momentum=0.0)) == kind(Member("nesterov")) != kind(Member("rmsprop"))
    assert kind(Member(strength=0.1)) == kind(Member(strength=0.2))
    assert kind(Member(augmentation="noise", strength=0.1)) != kind(Member(augmentation="noise"))
    assert kind(Member(width=8)) != kind(Member())
    assert kind(Member("adam", dropout=0.1)) != kind(Member("adam"))
    assert kind(Member("adam", batch_size=32)) != kind(Member("adam"))
    assert Course(Member(), 10, 0).kind == Course(Member(), 20, 0).kind != Course(Member(), 10, 1).kind


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


def test_how_learning_rates_fall():
    def rates(decay):
        course = Course(Member("sgd", 0.5, decay=decay), 8, 0)
        return [course.rate(epoch) / 0.5 for epoch in range(8)]

    assert rates("constant") == [1] * 8
    assert rates("linear") == pytest.approx([1 - epoch / 8 for epoch in range(8)])
    assert rates("step") == pytest.approx([1] * 4 + [0.1] * 2 + [0.01] * 2)
    cosine = rates("cosine")
    assert cosine == sorted(cosine, reverse=True)
    assert cosine[0] == 1
    assert cosine[4] == pytest.approx(0.5)
    assert 0 < cosine[-1] < 0.05
