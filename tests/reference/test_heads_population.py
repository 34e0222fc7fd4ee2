"""A population against each member trained alone by torch: nn.Linear, torch.optim, automatic derivatives."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from regraft.core.seeds import derive_seed
from regraft.heads import Examples, Linear, Member, Schedule, train_population
from regraft.heads.block import Block, Data, drop, first_weights, order

MEMBERS = {
    "plain": Member("sgd", 0.3, momentum=0.0, batch_size=16),
    "plain with decay": Member(
        "sgd", 0.3, momentum=0.0, weight_decay=0.1, smoothing=0.1, batch_size=16, seed=1
    ),
    "sgd": Member("sgd", 0.05, momentum=0.9, batch_size=16, seed=2),
    "sgd with decay": Member("sgd", 0.1, momentum=0.8, weight_decay=0.05, batch_size=16, seed=3),
    "nesterov": Member("nesterov", 0.05, weight_decay=0.02, smoothing=0.2, batch_size=48, seed=4),
    "adam": Member("adam", 0.01, weight_decay=0.1, smoothing=0.1, batch_size=16, seed=5),
    "adamw": Member("adamw", 0.03, weight_decay=0.2, batch_size=16, seed=6),
    "another adam": Member("adam", 0.001, batch_size=48, seed=7),
}


def overlapping(count=150, width=20, classes=4):
    random = np.random.default_rng(0)
    features = random.standard_normal((count, width)).astype(np.float32)
    labels = (features[:, :classes] + random.standard_normal((count, classes))).argmax(1)
    return features, labels


def optimizer_of(member, parameters):
    rate, decay = member.learning_rate, member.weight_decay
    if member.optimizer in ("adam", "adamw"):
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[member.optimizer]
        return kind(parameters, rate, weight_decay=decay)
    nesterov = member.optimizer == "nesterov"
    return torch.optim.SGD(parameters, rate, momentum=member.momentum, weight_decay=decay, nesterov=nesterov)


def trained_alone(member, examples, schedule, *, sequence, weights, initial=None):
    """Weights after every epoch. `sequence` are the rows to pass over, `weights` those of the examples."""
    width = examples.features.shape[1]
    features, labels, weights = map(torch.from_numpy, (examples.features, examples.labels, weights))
    net = torch.nn.Linear(width, examples.class_count)
    start = first_weights(member, examples.class_count, width)
    if initial is not None:
        start = np.column_stack([initial.weights.T, initial.bias])
    with torch.no_grad():
        net.weight.copy_(torch.from_numpy(start[:, :width]))
        net.bias.copy_(torch.from_numpy(start[:, width]))
    optimizer, after = optimizer_of(member, net.parameters()), []
    for epoch in range(schedule.epochs):
        optimizer.param_groups[0]["lr"] = member.learning_rate * schedule.rate(epoch)
        for batch in torch.from_numpy(order(sequence, schedule, epoch)).split(member.batch_size):
            each = cross_entropy(
                net(features[batch]), labels[batch], label_smoothing=member.smoothing, reduction="none"
            )
            loss = (each * weights[batch]).sum() / weights[batch].sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        after.append(Linear(net.weight.detach().numpy().T.copy(), net.bias.detach().numpy().copy()))
    return after


def judged(classifier, examples, out, weights):
    scores, labels = torch.from_numpy(classifier.scores(examples.features[out])), examples.labels[out]
    each = cross_entropy(scores, torch.from_numpy(labels), reduction="none").numpy()
    return (each * weights[out]).sum(), weights[out].sum()


@pytest.mark.parametrize("decay", ["constant", "cosine"])
def test_a_validation_part(decay):
    features, labels = overlapping()
    folds = np.where(np.arange(150) < 40, 0, -1)
    examples, schedule = Examples(features, labels, 4, folds), Schedule(epochs=5, decay=decay, seed=3)
    population = train_population(list(MEMBERS.values()), examples, schedule=schedule)
    ones = np.ones(150, np.float32)
    for number, member in enumerate(MEMBERS.values()):
        alone = trained_alone(member, examples, schedule, sequence=np.arange(40, 150), weights=ones)
        losses = [np.divide(*judged(one, examples, folds == 0, ones)) for one in alone]
        np.testing.assert_allclose(population.losses[number, 1:], losses, rtol=2e-5, err_msg=member.optimizer)
        right = [(one.scores(features[:40]).argmax(1) == labels[:40]).mean() for one in alone]
        np.testing.assert_allclose(population.accuracies[number, 1:], right, atol=1e-6)
        best = int(np.argmin(losses))
        if np.argmin(population.losses[number]) == best + 1:
            ours = population.classifier(number)
            np.testing.assert_allclose(ours.weights, alone[best].weights, atol=2e-5)
            np.testing.assert_allclose(ours.bias, alone[best].bias, atol=2e-5)


def test_folds_and_weights_in_one_computation():
    features, labels = overlapping()
    folds = np.random.default_rng(1).integers(-1, 3, 150)
    weights = np.random.default_rng(2).uniform(0.5, 2, 150).astype(np.float32)
    examples, schedule = Examples(features, labels, 4, folds, weights), Schedule(epochs=3, seed=5)
    population = train_population(list(MEMBERS.values()), examples, schedule=schedule)
    for number, member in enumerate(MEMBERS.values()):
        sums = np.zeros((3, 2))
        for fold in range(3):
            own = np.where(folds == fold, 0, weights)
            alone = trained_alone(member, examples, schedule, sequence=np.arange(150), weights=own)
            sums += [judged(one, examples, folds == fold, weights) for one in alone]
        np.testing.assert_allclose(population.losses[number, 1:], sums[:, 0] / sums[:, 1], rtol=2e-5)


def test_a_start_from_another_head():
    features, labels = overlapping()
    random = np.random.default_rng(3)
    start = Linear(
        random.standard_normal((20, 4)).astype(np.float32), random.standard_normal(4).astype(np.float32)
    )
    folds = np.where(np.arange(150) < 40, 0, -1)
    examples, schedule = Examples(features, labels, 4, folds), Schedule(epochs=2)
    population = train_population([MEMBERS["adam"]], examples, schedule=schedule, initial=start)
    ones = np.ones(150, np.float32)
    given = {"sequence": np.arange(40, 150), "weights": ones, "initial": start}
    alone = trained_alone(MEMBERS["adam"], examples, schedule, **given)
    losses = [np.divide(*judged(one, examples, folds == 0, ones)) for one in (start, *alone)]
    np.testing.assert_allclose(population.losses[0], losses, rtol=2e-5)


def test_dropout_zeroes_its_share_and_keeps_the_mean_and_the_bias():
    rows = torch.cat([torch.full((400, 50), 2.0), torch.ones(400, 1), torch.zeros(400, 13)], dim=1)
    dropped = drop(rows, 0.25, torch.Generator().manual_seed(0), width=50)
    assert dropped[:, :50].unique().tolist() == pytest.approx([0, 2 / 0.75])
    assert (dropped[:, :50] == 0).float().mean().item() == pytest.approx(0.25, abs=0.02)
    torch.testing.assert_close(dropped[:, 50:], rows[:, 50:])


def test_a_step_with_dropout_is_a_step_on_the_dropped_rows():
    features, labels = overlapping()
    folds = np.where(np.arange(150) < 40, 0, -1)
    member, schedule = Member("sgd", 0.1, momentum=0.0, dropout=0.5, batch_size=110), Schedule(epochs=1)
    data = Data.load(Examples(features, labels, 4, folds), np.ones(150), "cpu")
    start = torch.zeros(1, 4, data.rows.shape[1])
    block = Block([0], [member], data, start)
    block.train(schedule, 0)
    rows = torch.from_numpy(order(np.arange(40, 150), schedule, 0))
    noise = torch.Generator().manual_seed(derive_seed(schedule.seed, "dropout", 0))
    dropped = drop(data.rows[rows], 0.5, noise, width=20)
    slopes = 0.25 - torch.nn.functional.one_hot(torch.from_numpy(labels)[rows], 4).T.float()
    expected = -0.1 * slopes @ dropped / 110
    np.testing.assert_allclose(block.weights([0])[0, 0], expected.numpy(), atol=1e-6)
