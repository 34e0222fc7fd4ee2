"""The training loop, as an iterator: whoever runs it may look at the clock, or stop, after every step."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from jaxtyping import Int
from torch.nn import functional

from regraft.core.arrays import Array
from regraft.core.errors import TrainingError
from regraft.core.seeds import derive_seed, generator
from regraft.training.finetune import Finetune
from regraft.training.tunable import Lesson, Tunable


def train(model: Tunable, lesson: Lesson, settings: Finetune) -> Iterator[float]:
    """Train the last stages and the head, in place; yields the loss of each step.

    Mixup averages what was handed on and the rows, and the losses of both labels.

    Source: starting from the solved head, Kumar et al. 2022 (LP-FT), 2202.10054; mixup, Zhang et al. 2018,
    1710.09412, and of activations, Verma et al. 2019, 1806.05236.
    Cost: three forward passes of the trained stages for each image of each step.

    Raises:
        TrainingError: the loss is no finite number.
    """
    model.eval()
    parameters = [one for one in model.parameters() if one.requires_grad]
    optimizer = _optimizer(settings, parameters)
    mean_weight = lesson.mean_weight
    shares = generator(settings.seed, "finetune", "shares")
    partners = torch.Generator().manual_seed(derive_seed(settings.seed, "finetune", "partners"))
    for step, chosen in enumerate(_orders(len(lesson), settings)):
        for group in optimizer.param_groups:
            group["lr"] = settings.rate(step)
        handed, rows, truth, weight = (part.to(model.device) for part in lesson.at(chosen))
        if settings.mixup:
            share = float(shares.beta(settings.mixup, settings.mixup))
            other = torch.randperm(len(chosen), generator=partners).to(model.device)
            handed = share * handed.float() + (1 - share) * handed[other].float()
            rows = share * rows + (1 - share) * rows[other]
            scores = model(handed, rows)
            first, second = (_losses(scores, labels, settings) for labels in (truth, truth[other]))
            losses = share * weight * first + (1 - share) * weight[other] * second
        else:
            losses = weight * _losses(model(handed, rows), truth, settings)
        loss = losses.mean() / mean_weight
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        value = float(loss.detach())
        if not np.isfinite(value):
            raise TrainingError(
                f"Fine-tuning diverged at step {step + 1} with the learning rate {settings.learning_rate:g}: "
                f"its loss is {value}. Take a lower rate."
            )
        yield value


@contextmanager
def restored(model: Tunable) -> Iterator[None]:
    """Give the model its weights back afterwards, so that the next fold starts where this one did."""
    moving = [one for one in model.parameters() if one.requires_grad]
    before = [one.detach().clone() for one in moving]
    try:
        yield
    finally:
        with torch.no_grad():
            for one, value in zip(moving, before, strict=True):
                one.copy_(value)


def _losses(scores: torch.Tensor, truth: torch.Tensor, settings: Finetune) -> torch.Tensor:
    return functional.cross_entropy(scores, truth, label_smoothing=settings.smoothing, reduction="none")


def _orders(count: int, settings: Finetune) -> Iterator[Int[Array, " b"]]:
    """Which images each step sees: epoch after epoch in another order, without regard to where epochs end."""
    random, left = generator(settings.seed, "finetune", "order"), np.empty(0, np.int64)
    size = min(settings.batch_size, count)
    for _ in range(settings.steps):
        while len(left) < size:
            left = np.concatenate([left, random.permutation(count)])
        chosen, left = left[:size], left[size:]
        yield chosen


def _optimizer(settings: Finetune, parameters: list[torch.nn.Parameter]) -> torch.optim.Optimizer:
    rate, decay, momentum = settings.learning_rate, settings.weight_decay, settings.momentum
    match settings.optimizer:
        case "sgd" | "nesterov":
            return torch.optim.SGD(
                parameters, rate, momentum, weight_decay=decay, nesterov=settings.optimizer == "nesterov"
            )
        case "rmsprop":
            return torch.optim.RMSprop(parameters, rate, momentum=momentum, weight_decay=decay)
        case "adam":
            return torch.optim.Adam(parameters, rate, weight_decay=decay)
        case "adamw":
            return torch.optim.AdamW(parameters, rate, weight_decay=decay)
