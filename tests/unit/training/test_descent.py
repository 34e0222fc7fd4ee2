from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from torch.nn import functional

from regraft.backbones.depths import HEAD, Depths, pooled
from regraft.backbones.sources import build, identify
from regraft.core.errors import TrainingError
from regraft.core.seeds import generator
from regraft.training import Finetune
from regraft.training.descent import restored, train
from regraft.training.tunable import scores_of


@pytest.mark.parametrize("optimizer", ["sgd", "nesterov", "rmsprop", "adam", "adamw"])
def test_training_lowers_the_loss(optimizer: str, ready) -> None:
    model, lesson = ready()
    losses = list(train(model, lesson, Finetune(2, 30, 24, optimizer, 1e-3, decay="constant")))
    assert len(losses) == 30
    assert losses[-1] < 0.8 * losses[0]


def test_it_is_what_training_the_whole_network_from_pixels_is(name: str, images, ready) -> None:
    """A plain loop: every image through the whole network at every step, gradients where they are wanted."""
    settings = Finetune(2, 6, 8, "sgd", 0.05, decay="constant")
    model, lesson = ready(depths="all", stages=2)
    with torch.no_grad():
        # In full precision, so that the two are equal but for rounding.
        lesson = replace(lesson, handed=model.tail._until_the_end(model.tail._pixels(images)))
    network, card = build(identify(name))
    trained = {n for n, parameter in model.tail.network.named_parameters() if parameter.requires_grad}
    for parameter_name, parameter in network.named_parameters():
        parameter.requires_grad = parameter_name in trained
    head = torch.nn.Linear(*model.head.weight.shape[::-1])
    head.load_state_dict(model.head.state_dict())
    reader = Depths(network, [stage.name for stage in card.stages if stage.name != HEAD])
    names = [stage.name for stage in card.stages]
    maps = [stage.name for stage in card.stages if stage.is_map]
    mean, std = (255 * torch.tensor(each).view(1, 3, 1, 1) for each in (card.mean, card.std))
    wanted = [p for p in [*network.parameters(), *head.parameters()] if p.requires_grad]
    plain = torch.optim.SGD(wanted, settings.learning_rate, settings.momentum)
    order = generator(0, "finetune", "order").permutation(len(lesson))
    order = np.concatenate([order, generator_after(order)])
    expected = []
    for step in range(settings.steps):
        chosen = torch.from_numpy(order[8 * step : 8 * step + 8])
        pixels = (images[chosen].permute(0, 3, 1, 2).float() - mean) / std
        row = pooled(reader.activations(pixels), names, maps)
        row = torch.cat([row[:, part] for part in card.columns("all")], dim=1)
        scores = head((row - model.shift) * model.scale)
        loss = functional.cross_entropy(scores, torch.from_numpy(lesson.labels)[chosen])
        plain.zero_grad()
        loss.backward()
        plain.step()
        expected.append(float(loss.detach()))
    found = list(train(model, lesson, settings))
    np.testing.assert_allclose(found, expected, rtol=1e-3)
    assert max(expected) - min(expected) > 0.1
    for parameter_name, parameter in model.tail.network.named_parameters():
        if parameter_name in trained:
            other = network.get_parameter(parameter_name)
            assert (parameter - other).abs().max() < 1e-3


def generator_after(first: np.ndarray) -> np.ndarray:
    random = generator(0, "finetune", "order")
    np.testing.assert_array_equal(random.permutation(len(first)), first)
    return random.permutation(len(first))


def test_the_same_seed_gives_the_same_again_and_another_does_not(ready) -> None:
    settings = Finetune(1, 5, 4, mixup=0.5)
    first, again = (list(train(*ready(stages=1), settings)) for _ in range(2))
    assert first == again
    other = Finetune(1, 5, 4, mixup=0.5, seed=1)
    assert list(train(*ready(stages=1), other)) != first


def test_mixup_of_one_image_with_itself_is_no_mixup(ready) -> None:
    plain, mixed = (list(train(*ready(stages=1), Finetune(1, 3, 1, mixup=mixup))) for mixup in (0.0, 1.0))
    np.testing.assert_allclose(plain, mixed, rtol=1e-3)


def test_an_image_without_weight_teaches_nothing(ready) -> None:
    weights = np.ones(24)
    weights[12:] = 1e-9
    settings = Finetune(1, 10, 24, learning_rate=0.01, decay="constant")
    model, lesson = ready(stages=1, weights=weights)
    list(train(model, lesson, settings))
    half, part = ready(stages=1)
    list(train(half, part.of(np.arange(24) < 12), settings))
    np.testing.assert_allclose(scores_of(model, lesson), scores_of(half, lesson), atol=5e-3)


def test_weights_count_for_both_images_of_a_pair_and_also_one_by_one(ready) -> None:
    """Of images that weigh nothing nothing is learnt, whoever they are paired with."""
    weights = np.ones(24)
    weights[12:] = 0
    settings = Finetune(1, 12, 1, learning_rate=0.01, decay="constant")
    model, lesson = ready(stages=1, weights=weights)
    losses = list(train(model, lesson, settings))
    assert {loss == 0 for loss in losses} == {True, False}
    mixed, part = ready(stages=1, weights=weights)
    relabelled = replace(part, labels=np.where(weights > 0, part.labels, (part.labels + 1) % 3))
    settings = Finetune(1, 5, 24, mixup=1.0)
    np.testing.assert_allclose(
        list(train(mixed, part, settings)),
        list(train(*[ready(stages=1)[0], relabelled], settings)),
        rtol=1e-4,
    )


def test_a_rate_that_is_too_high_is_said_to_be_so(ready) -> None:
    model, lesson = ready()
    with pytest.raises(TrainingError, match=r"diverged at step .* with the learning rate 10"):
        list(train(model, lesson, Finetune(2, 200, 8, learning_rate=10.0, momentum=0.999, decay="constant")))


def test_it_stops_when_nobody_asks_for_more_and_gives_weights_back(ready) -> None:
    model, lesson = ready()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with restored(model):
        assert len(list(islice(train(model, lesson, Finetune(2, 100, learning_rate=0.1)), 3))) == 3
        assert not all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
