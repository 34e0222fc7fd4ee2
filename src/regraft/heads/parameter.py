"""Weights of some members and how gradients move them: as in torch.optim, all in one operation."""

from collections.abc import Callable, Sequence

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

AddGradient = Callable[[Tensor, float], None]
"""Put the gradient into a tensor, whose own numbers count so many times: 0 or 1."""


class Settings:
    """Settings of the members' updates as [m, 1, 1] tensors."""

    def __init__(self, courses: Sequence[Course], device: torch.device) -> None:
        """Spread them."""
        self.courses, self.device = courses, device
        members = [course.member for course in courses]
        self.momentum = self._column([member.momentum for member in members])
        self.smoothing = self._column([member.smoothing for member in members])
        apart = [member.optimizer == "adamw" for member in members]
        decays = [member.weight_decay for member in members]
        self.coupled = self._column([0.0 if a else d for a, d in zip(apart, decays, strict=True)])
        self.decoupled = self._column([d if a else 0.0 for a, d in zip(apart, decays, strict=True)])
        self.couples, self.decouples = bool(self.coupled.any()), bool(self.decoupled.any())
        self.rate = self.momentum

    def begin(self, epoch: int) -> None:
        """Set the learning rates of an epoch."""
        self.rate = self._column([course.rate(epoch) for course in self.courses])

    def _column(self, values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float32, device=self.device)[:, None, None]


class Parameter:
    """Weights [m, a, b] of members that share a form of update."""

    def __init__(self, start: Tensor, form: Form) -> None:
        """Begin with given weights, which become this object's own."""
        self.form = form
        self.state = {"weights": start, **{name: torch.zeros_like(start) for name in MOMENTS[form]}}

    @property
    def weights(self) -> Tensor:
        """The weights."""
        return self.state["weights"]

    def keep(self, positions: Sequence[int]) -> None:
        """Go on with some of the members, in tensors that hold no others."""
        self.state = {name: tensor[list(positions)] for name, tensor in self.state.items()}

    def join(self, other: "Parameter") -> None:
        """Take over the members of another of the same form."""
        self.state = {name: torch.cat([tensor, other.state[name]]) for name, tensor in self.state.items()}

    def step(self, add: AddGradient, settings: Settings, steps: int) -> None:
        """Move all members' weights once; it is step number `steps`, counted from 1."""
        weights = self.weights
        if self.form == "sgd":
            moment = self.state["moment"].mul_(settings.momentum)
            add(moment, 1.0)
            moment.addcmul_(weights, settings.coupled) if settings.couples else None
            weights.addcmul_(moment, -settings.rate)
            return
        gradient = torch.empty_like(weights)
        add(gradient, 0.0)
        gradient.addcmul_(weights, settings.coupled) if settings.couples else None
        if self.form == "plain":
            weights.addcmul_(gradient, -settings.rate)
        elif self.form == "nesterov":
            moment = self.state["moment"].mul_(settings.momentum).add_(gradient)
            weights.addcmul_(gradient.addcmul_(moment, settings.momentum), -settings.rate)
        elif self.form == "rmsprop":
            square = self.state["square"].mul_(ALPHA).addcmul_(gradient, gradient, value=1 - ALPHA)
            weights.addcdiv_(gradient.mul_(-settings.rate), torch.sqrt(square).add_(EPSILON))
        else:
            self._adam(gradient, settings, steps)

    def _adam(self, gradient: Tensor, settings: Settings, steps: int) -> None:
        """Both bias corrections are numbers: they go into the step and the epsilon, not over the arrays."""
        weights, moment, square = self.weights, self.state["moment"], self.state["square"]
        if settings.decouples:
            weights.mul_(1 - settings.rate * settings.decoupled)
        moment.lerp_(gradient, 1 - BETAS[0])
        square.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
        root = (1 - BETAS[1] ** steps) ** 0.5
        # The size of a step, divided by the learning rate, which differs from member to member.
        size = torch.sqrt(square, out=gradient).add_(EPSILON * root).mul_(1 / settings.rate)
        weights.addcdiv_(moment, size, value=-root / (1 - BETAS[0] ** steps))
