"""A population against each member trained alone by torch: nn.Linear, torch.optim, automatic derivatives."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from regraft.core.errors import TrainingError
from regraft.heads import Examples, Layers, Linear, Member, Schedule, train_population
from regraft.heads.fold import Fold, Rows, drop, order
from regraft.heads.gram_block import GramBlock
from regraft.heads.hidden_block import first_weights
from regraft.heads.member import Course
from regraft.heads.team import block_for

# In batches of 16 a class of four may have slopes at the start whose sum is zero but for rounding, and what
# adapts its steps to the size of the slopes would make much of that: those have batches of 15 or 47.
MEMBERS = {
    "plain": Member("sgd", 0.3, momentum=0.0, batch_size=16),
    "plain with decay": Member("sgd", 0.3, momentum=0.0, weight_decay=0.1, smoothing=0.1, batch_size=16),
    "sgd": Member("sgd", 0.05, momentum=0.9, batch_size=16, decay="constant"),
    "sgd with decay": Member("sgd", 0.1, momentum=0.8, weight_decay=0.05, batch_size=16, decay="step"),
    "nesterov": Member("nesterov", 0.05, weight_decay=0.02, smoothing=0.2, batch_size=47, decay="linear"),
    "adam": Member("adam", 0.01, weight_decay=0.1, smoothing=0.1, batch_size=15, decay="linear"),
    "adamw": Member("adamw", 0.03, weight_decay=0.2, batch_size=15, decay="step"),
    "another adam": Member("adam", 0.001, batch_size=47, decay="constant"),
    "rmsprop": Member("rmsprop", 0.01, weight_decay=0.05, batch_size=15),
    "rmsprop in steps": Member("rmsprop", 0.003, smoothing=0.1, batch_size=15, decay="step"),
    "mixup": Member("sgd", 0.1, augmentation="mixup", strength=0.4, smoothing=0.1, batch_size=16),
    "noise": Member("nesterov", 0.05, augmentation="noise", batch_size=16),
    "brightness": Member("adamw", 0.01, augmentation="brightness", dropout=0.2, batch_size=15),
    "contrast": Member("rmsprop", 0.003, augmentation="contrast", strength=0.5, batch_size=15),
    "hidden": Member("sgd", 0.1, weight_decay=0.01, width=24, batch_size=16, seed=1),
    "hidden of another seed": Member("sgd", 0.2, smoothing=0.1, width=24, batch_size=16, seed=2),
    "hidden, plain": Member("sgd", 0.3, momentum=0.0, width=7, batch_size=16),
    "hidden, nesterov": Member("nesterov", 0.05, width=24, batch_size=47, decay="step"),
    "hidden, adam": Member("adam", 0.003, weight_decay=0.01, width=24, batch_size=15),
    "hidden, adamw": Member("adamw", 0.01, weight_decay=0.2, width=24, dropout=0.5, batch_size=15),
    "hidden, rmsprop": Member("rmsprop", 0.001, width=24, augmentation="mixup", batch_size=15),
    "dropout": Member("adam", 0.01, dropout=0.5, batch_size=15),
}


def overlapping(count=150, width=20, classes=4):
    random = np.random.default_rng(0)
    features = random.standard_normal((count, width)).astype(np.float32)
    labels = (features[:, :classes] + random.standard_normal((count, classes))).argmax(1)
    return features, labels


def optimizer_of(member, parameters):
    rate, decay = member.learning_rate, member.weight_decay
    if member.optimizer in ("adam", "adamw", "rmsprop"):
        optim = torch.optim
        kind = {"adam": optim.Adam, "adamw": optim.AdamW, "rmsprop": optim.RMSprop}[member.optimizer]
        return kind(parameters, rate, weight_decay=decay)
    nesterov = member.optimizer == "nesterov"
    return torch.optim.SGD(parameters, rate, momentum=member.momentum, weight_decay=decay, nesterov=nesterov)


def scheduler_of(member, optimizer, epochs):
    kinds = torch.optim.lr_scheduler
    return {
        "constant": lambda: kinds.ConstantLR(optimizer, factor=1.0),
        "cosine": lambda: kinds.CosineAnnealingLR(optimizer, epochs),
        "step": lambda: kinds.MultiStepLR(optimizer, [-(-epochs // 2), -(-3 * epochs // 4)]),
        "linear": lambda: kinds.LinearLR(optimizer, 1.0, 0.0, epochs),
    }[member.decay]()


def network(member, fold, initial):
    """Layers of torch's own, with the same first weights."""
    width, classes = fold.data.width, len(fold.data.one_hot)
    last = torch.nn.Linear(member.width or width, classes)
    with torch.no_grad():
        last.weight.zero_() if initial is None else last.weight.copy_(torch.from_numpy(initial.weights.T))
        last.bias.zero_() if initial is None else last.bias.copy_(torch.from_numpy(initial.bias))
    if not member.width:
        return torch.nn.Sequential(last)
    first = torch.nn.Linear(width, member.width)
    with torch.no_grad():
        drawn = first_weights(member.seed, member.width, fold)
        first.weight.copy_(torch.from_numpy(drawn[:, :width]))
        first.bias.zero_()
    return torch.nn.Sequential(first, torch.nn.ReLU(), last)


def classifier_of(net):
    layers = [layer for layer in net if isinstance(layer, torch.nn.Linear)]
    weights = tuple(layer.weight.detach().numpy().T.copy() for layer in layers)
    biases = tuple(layer.bias.detach().numpy().copy() for layer in layers)
    return Linear(weights[0], biases[0]) if len(layers) == 1 else Layers(weights, biases, "relu")


def trained_alone(member, examples, schedule, *, trained, initial=None):
    """Heads after every epoch of training on some rows. What is drawn at random is drawn alike."""
    given = np.ones(len(examples.labels)) if examples.weights is None else examples.weights
    data = Rows.load(examples.features, examples.labels, class_count=examples.class_count, weights=given)
    fold = Fold(data, trained, np.arange(0))
    net = network(member, fold, initial)
    optimizer, after = optimizer_of(member, net.parameters()), []
    scheduler = scheduler_of(member, optimizer, schedule.epochs)
    course = Course(member, schedule.epochs, schedule.seed)
    for epoch in range(schedule.epochs):
        for rows, targets, weights, heard in drawn_batches(course, epoch, examples, fold):
            hidden = net[:-1](rows)
            scores = net[-1](hidden if heard is None else hidden * heard)
            losses = cross_entropy(scores, targets, label_smoothing=member.smoothing, reduction="none")
            loss = (losses * weights).sum() / weights.sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()
        after.append(classifier_of(net))
    return after


def drawn_batches(course, epoch, examples, fold):
    """Rows, targets, weights and dropout of one epoch; by our own means only where they are random."""
    member, trained = course.member, fold.trained.numpy()
    if member.dropout or member.augmentation != "none":
        for batch in fold.batches(course, epoch, read=fold.rows):
            weights = torch.ones(len(batch.at)) if batch.shares is None else batch.shares
            heard = None if batch.heard is None else batch.heard.T
            yield batch.rows[:, : fold.data.width], batch.targets.T, weights, heard
        return
    features, labels = (torch.from_numpy(each[trained]) for each in (examples.features, examples.labels))
    weights = torch.from_numpy(fold.data.weights[trained].astype(np.float32))
    for at in torch.from_numpy(order(len(trained), course.order_seed, epoch)).split(member.batch_size):
        yield features[at], labels[at], weights[at], None


def judged(classifier, examples, out):
    """Log-losses and right answers added up by weight, and the weight."""
    scores, labels = torch.from_numpy(classifier.scores(examples.features[out])), examples.labels[out]
    weights = np.ones(len(labels)) if examples.weights is None else examples.weights[out]
    losses = cross_entropy(scores, torch.from_numpy(labels), reduction="none").numpy()
    right = scores.argmax(1).numpy() == labels
    return np.array([(losses * weights).sum(), (right * weights).sum(), weights.sum()])


def layers_of(classifier):
    if isinstance(classifier, Linear):
        return classifier.weights, classifier.bias
    return *classifier.weights, *classifier.biases


def test_a_validation_part():
    features, labels = overlapping()
    folds = np.where(np.arange(150) < 40, 0, -1)
    examples, schedule = Examples(features, labels, 4, folds), Schedule(epochs=5, seed=3)
    population = train_population(list(MEMBERS.values()), examples, schedule=schedule)
    for number, member in enumerate(MEMBERS.values()):
        alone = trained_alone(member, examples, schedule, trained=np.arange(40, 150))
        sums = np.array([judged(one, examples, folds == 0) for one in alone])
        losses, accuracies = sums[:, 0] / sums[:, 2], sums[:, 1] / sums[:, 2]
        np.testing.assert_allclose(population.losses[number, 1:], losses, rtol=2e-5, err_msg=str(member))
        np.testing.assert_allclose(population.accuracies[number, 1:], accuracies, atol=1e-6)
        best = int(np.argmin(losses))
        assert np.nanargmin(population.losses[number, 1:]) == best
        (ours,) = population.classifiers(number)
        for one, other in zip(layers_of(ours), layers_of(alone[best]), strict=True):
            np.testing.assert_allclose(one, other, atol=3e-5)


def test_folds_and_weights():
    features, labels = overlapping()
    folds = np.random.default_rng(1).integers(-1, 3, 150)
    weights = np.random.default_rng(2).uniform(0.5, 2, 150).astype(np.float32)
    examples, schedule = Examples(features, labels, 4, folds, weights), Schedule(epochs=3, seed=5)
    population = train_population(list(MEMBERS.values()), examples, schedule=schedule)
    for number, member in enumerate(MEMBERS.values()):
        sums = np.zeros((3, 3))
        for fold in range(3):
            alone = trained_alone(member, examples, schedule, trained=np.flatnonzero(folds != fold))
            sums += [judged(one, examples, folds == fold) for one in alone]
        np.testing.assert_allclose(population.losses[number, 1:], sums[:, 0] / sums[:, 2], rtol=2e-5)
        np.testing.assert_allclose(population.accuracies[number, 1:], sums[:, 1] / sums[:, 2], atol=1e-6)


@pytest.mark.parametrize("name", ["sgd with decay", "nesterov", "adam"])
def test_a_start_from_another_head(name):
    features, labels = overlapping()
    random = np.random.default_rng(3)
    start = Linear(
        random.standard_normal((20, 4)).astype(np.float32), random.standard_normal(4).astype(np.float32)
    )
    folds = np.where(np.arange(150) < 40, 0, -1)
    examples, schedule = Examples(features, labels, 4, folds), Schedule(epochs=2)
    population = train_population([MEMBERS[name]], examples, schedule=schedule, initial=start)
    alone = trained_alone(MEMBERS[name], examples, schedule, trained=np.arange(40, 150), initial=start)
    sums = np.array([judged(one, examples, folds == 0) for one in (start, *alone)])
    np.testing.assert_allclose(population.losses[0], sums[:, 0] / sums[:, 2], rtol=2e-5)


DESCENTS = ["plain", "plain with decay", "sgd", "sgd with decay", "nesterov"]


@pytest.mark.parametrize("name", DESCENTS)
def test_weights_on_examples_where_there_are_fewer_than_features(name):
    features, labels = overlapping(60, 90)
    weights = np.random.default_rng(2).uniform(0.5, 2, 60).astype(np.float32)
    trained, out = np.arange(20, 60), np.arange(60) < 20
    examples = Examples(features, labels, 4, np.where(out, 0, -1), weights)
    data = Rows.load(features, labels, class_count=4, weights=weights)
    courses = [Course(replace(MEMBERS[name], learning_rate=rate), 4, 0) for rate in (0.01, 0.05)]
    block = GramBlock(courses, Fold(data, trained, np.flatnonzero(out)))
    for epoch in range(4):
        block.train(epoch)
    losses = block.judge()[0]
    for at, course in enumerate(courses):
        alone = trained_alone(course.member, examples, Schedule(epochs=4), trained=trained)[-1]
        (ours,) = block.weights([at])
        np.testing.assert_allclose(ours[0, :, :90].T, alone.weights, atol=3e-5)
        np.testing.assert_allclose(ours[0, :, 90], alone.bias, atol=3e-5)
        np.testing.assert_allclose(losses[at], judged(alone, examples, out)[0], rtol=2e-5)


def test_a_population_of_more_features_than_examples():
    features, labels = overlapping(60, 90)
    folds = np.arange(60) % 3
    examples, schedule = Examples(features, labels, 4, folds), Schedule(epochs=4)
    rates = np.geomspace(0.003, 0.1, 20)
    members = [replace(MEMBERS["sgd with decay"], learning_rate=float(rate)) for rate in rates]
    data = Rows.load(features, labels, class_count=4, weights=np.ones(60))
    fold = Fold(data, np.arange(40), np.arange(40, 60))
    assert block_for(Course(members[0], 4, 0), fold, 20) is GramBlock
    population = train_population(members, examples, schedule=schedule)
    for number in (0, 11, 19):
        sums = np.zeros((4, 3))
        for out in range(3):
            alone = trained_alone(members[number], examples, schedule, trained=np.flatnonzero(folds != out))
            sums += [judged(one, examples, folds == out) for one in alone]
        np.testing.assert_allclose(population.losses[number, 1:], sums[:, 0] / sums[:, 2], rtol=2e-5)


def test_a_hidden_layer_cannot_start_from_a_linear_head():
    features, labels = overlapping()
    examples = Examples(features, labels, 4, np.arange(150) % 3)
    start = Linear(np.zeros((20, 4), np.float32), np.zeros(4, np.float32))
    with pytest.raises(TrainingError, match="cannot start from a linear one"):
        train_population([MEMBERS["hidden"]], examples, initial=start)


def test_dropout_zeroes_its_share_and_keeps_the_mean_and_the_bias():
    rows = torch.cat([torch.full((400, 50), 2.0), torch.ones(400, 1), torch.zeros(400, 13)], dim=1)
    dropped = drop(rows, 0.25, np.random.default_rng(0), width=50)
    assert dropped[:, :50].unique().tolist() == pytest.approx([0, 2 / 0.75])
    assert (dropped[:, :50] == 0).float().mean().item() == pytest.approx(0.25, abs=0.02)
    torch.testing.assert_close(dropped[:, 50:], rows[:, 50:])


def test_the_schedules_are_torchs():
    for decay in ("constant", "cosine", "step", "linear"):
        member = Member("sgd", 0.5, decay=decay)
        optimizer = torch.optim.SGD([torch.zeros(1)], 0.5)
        scheduler = scheduler_of(member, optimizer, 10)
        for epoch in range(10):
            assert Course(member, 10, 0).rate(epoch) == pytest.approx(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
