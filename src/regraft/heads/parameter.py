"""Weights of some members and how gradients move them: as in torch.optim, all in one operation."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import torch
from torch import Tensor

from regraft.heads.member import Course, Form

BETAS, ALPHA, EPSILON = (0.9, 0.999), 0.99, 1e-8
MOMENTS: dict[Form, tuple[str, ...]] = {
    "plain": (),
    "sgd": ("moment",),
    "nesterov": ("moment",),
    "adam": ("moment", "square"),
    "rmsprop": ("square",),
}
"""What is remembered beside the weights: torch.optim's momentum_buffer or exp_avg, and exp_avg_sq."""


class Settings:
    """Settings of the updates of members that share a form, as [m, 1, 1] tensors, and where those stand."""

    def __init__(self, courses: Sequence[Course], first: int, device: torch.device) -> None:
        """Take members that stand next to each other, from the first on."""
        self.courses, self.device = courses, device
        self.form = courses[0].member.form
        self.span = slice(first, first + len(courses))
        members = [course.member for course in courses]
        self.momentum = column([member.momentum for member in members], device)
        apart = [member.optimizer == "adamw" for member in members]
        decays = [member.weight_decay for member in members]
        self.coupled = column([0.0 if a else d for a, d in zip(apart, decays, strict=True)], device)
        self.decoupled = column([d if a else 0.0 for a, d in zip(apart, decays, strict=True)], device)
        self.couples, self.decouples = bool(self.coupled.any()), bool(self.decoupled.any())
        self.rate = self.momentum

    def begin(self, epoch: int) -> None:
        """Set the learning rates of an epoch."""
        self.rate = column([course.rate(epoch) for course in self.courses], self.device)


def settings_of(courses: Sequence[Course], device: torch.device) -> list[Settings]:
    """One for each form, of members that are sorted by form."""
    found, first = [], 0
    for _, own in groupby(courses, key=lambda course: course.member.form):
        found.append(Settings(list(own), first, device))
        first = found[-1].span.stop
    return found


def column(values: Sequence[float], device: torch.device) -> Tensor:
    """Numbers of the members as [m, 1, 1]."""
    return torch.tensor(values, dtype=torch.float32, device=device)[:, None, None]


class Parameter:
    """Weights [m, a, b] of members."""

    def __init__(self, start: Tensor, forms: Iterable[Form]) -> None:
        """Begin with given weights, which become this object's own."""
        names = {name for form in forms for name in MOMENTS[form]}
        self.state = {"weights": start, **{name: torch.zeros_like(start) for name in sorted(names)}}

    @property
    def weights(self) -> Tensor:
        """The weights."""
        return self.state["weights"]

    def keep(self, positions: Sequence[int]) -> None:
        """Go on with some of the members, in this order, in tensors that hold no others."""
        self.state = {name: tensor[list(positions)] for name, tensor in self.state.items()}

    def join(self, other: "Parameter") -> None:
        """Take over the members of another, behind these."""
        names = sorted({*self.state, *other.state})
        both = [
            [each.state.get(name, torch.zeros_like(each.weights)) for each in (self, other)] for name in names
        ]
        self.state = {name: torch.cat(pair) for name, pair in zip(names, both, strict=True)}

    def step(self, gradient: Tensor, settings: Settings, steps: int) -> None:
        """Move the weights of one form of members; it is step number `steps`, counted from 1.

        The gradient [m, a, b] of all members is used up.
        """
        state = {name: tensor[settings.span] for name, tensor in self.state.items()}
        weights, gradient = state["weights"], gradient[settings.span]
        if settings.couples:
            gradient.addcmul_(weights, settings.coupled)
        if settings.form == "plain":
            weights.addcmul_(gradient, -settings.rate)
        elif settings.form == "sgd":
            weights.addcmul_(state["moment"].mul_(settings.momentum).add_(gradient), -settings.rate)
        elif settings.form == "nesterov":
            moment = state["moment"].mul_(settings.momentum).add_(gradient)
            weights.addcmul_(gradient.addcmul_(moment, settings.momentum), -settings.rate)
        elif settings.form == "rmsprop":
            square = state["square"].mul_(ALPHA).addcmul_(gradient, gradient, value=1 - ALPHA)
            weights.addcdiv_(gradient.mul_(-settings.rate), torch.sqrt(square).add_(EPSILON))
        else:
            _adam(state, gradient, settings, steps)


def _adam(state: Mapping[str, Tensor], gradient: Tensor, settings: Settings, steps: int) -> None:
    """Both bias corrections are numbers: they go into the step and the epsilon, not over the arrays."""
    weights, moment, square = state["weights"], state["moment"], state["square"]
    if settings.decouples:
        weights.mul_(1 - settings.rate * settings.decoupled)
    moment.lerp_(gradient, 1 - BETAS[0])
    square.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
    root = (1 - BETAS[1] ** steps) ** 0.5
    # The size of a step, divided by the learning rate, which differs from member to member.
    size = torch.sqrt(square, out=gradient).add_(EPSILON * root).mul_(1 / settings.rate)
    weights.addcdiv_(moment, size, value=-root / (1 - BETAS[0] ** steps))
