"""A population against each member trained alone by torch: nn.Linear, torch.optim, automatic derivatives."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from regraft.core.seeds import derive_seed
from regraft.heads import Examples, Linear, Member, Schedule, train_population
from regraft.heads.fold import drop, order
from regraft.heads.member import Course

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


def trained_alone(member, examples, schedule, *, trained, initial=None):
    """Heads after every epoch of training on some rows."""
    width = examples.features.shape[1]
    features, labels = (
        torch.from_numpy(examples.features[trained]),
        torch.from_numpy(examples.labels[trained]),
    )
    given = np.ones(len(examples.labels)) if examples.weights is None else examples.weights
    weights = torch.from_numpy(given[trained].astype(np.float32))
    net = torch.nn.Linear(width, examples.class_count)
    with torch.no_grad():
        net.weight.zero_() if initial is None else net.weight.copy_(torch.from_numpy(initial.weights.T))
        net.bias.zero_() if initial is None else net.bias.copy_(torch.from_numpy(initial.bias))
    optimizer, after = optimizer_of(member, net.parameters()), []
    scheduler = scheduler_of(member, optimizer, schedule.epochs)
    for epoch in range(schedule.epochs):
        noise = torch.Generator().manual_seed(derive_seed(schedule.seed, "noise", epoch))
        for batch in torch.from_numpy(order(len(trained), schedule.seed, epoch)).split(member.batch_size):
            rows = features[batch]
            if member.dropout:
                rows = drop(rows, member.dropout, noise, width=width)
            losses = cross_entropy(
                net(rows), labels[batch], label_smoothing=member.smoothing, reduction="none"
            )
            loss = (losses * weights[batch]).sum() / weights[batch].sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()
        after.append(Linear(net.weight.detach().numpy().T.copy(), net.bias.detach().numpy().copy()))
    return after


def judged(classifier, examples, out):
    """Log-losses and right answers added up by weight, and the weight."""
    scores, labels = torch.from_numpy(classifier.scores(examples.features[out])), examples.labels[out]
    weights = np.ones(len(labels)) if examples.weights is None else examples.weights[out]
    losses = cross_entropy(scores, torch.from_numpy(labels), reduction="none").numpy()
    right = scores.argmax(1).numpy() == labels
    return np.array([(losses * weights).sum(), (right * weights).sum(), weights.sum()])


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
        ours = population.classifier(number)
        np.testing.assert_allclose(ours.weights, alone[best].weights, atol=3e-5)
        np.testing.assert_allclose(ours.bias, alone[best].bias, atol=3e-5)


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


def test_dropout_zeroes_its_share_and_keeps_the_mean_and_the_bias():
    rows = torch.cat([torch.full((400, 50), 2.0), torch.ones(400, 1), torch.zeros(400, 13)], dim=1)
    dropped = drop(rows, 0.25, torch.Generator().manual_seed(0), width=50)
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
