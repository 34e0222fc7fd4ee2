"""The settings of one head in a population, how long a population trains, and drawing settings at random."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple, get_args

from regraft.core.arrays import Features, Folds, Labels, Weights
from regraft.core.errors import RecipeError
from regraft.core.seeds import generator
from regraft.core.settings import Knob, check

Optimizer = Literal["sgd", "nesterov", "adam", "adamw", "rmsprop"]
Decay = Literal["constant", "cosine", "step", "linear"]
Augmentation = Literal["none", "mixup", "noise", "brightness", "contrast"]
Criterion = Literal["loss", "accuracy"]
Form = Literal["plain", "sgd", "nesterov", "adam", "rmsprop"]
DESCENTS: tuple[Form, ...] = ("plain", "sgd", "nesterov")
DROPS = (0.5, 0.75)
"""Of all epochs: from there on, a learning rate that falls in steps is a tenth of what it was."""


def left_of_rate(decay: Decay, passed: float, drops: Sequence[float]) -> float:
    """What a schedule leaves of a learning rate once a share of the training has passed.

    >>> left_of_rate("cosine", 0.5, ()), left_of_rate("step", 0.6, (0.5, 0.75))
    (0.5, 0.1)
    """
    factors = {
        "constant": 1.0,
        "cosine": 0.5 + 0.5 * math.cos(math.pi * passed),
        "step": 0.1 ** sum(passed >= drop for drop in drops),
        "linear": 1 - passed,
    }
    return factors[decay]


@dataclass(frozen=True)
class Member:
    """A head of one or two layers and the stochastic gradient method that trains it, as in torch.optim.

    Linear heads, and the last layer of others, start from weights of zero.
    """

    optimizer: Annotated[Optimizer, Knob("how gradients become steps")] = "adam"
    learning_rate: Annotated[float, Knob("step size", low=1e-6, high=100, log=True)] = 1e-3
    momentum: Annotated[
        float, Knob("for sgd and nesterov", low=0, high=0.999, when=("optimizer", ("sgd", "nesterov")))
    ] = 0.9
    weight_decay: Annotated[float, Knob("pull toward zero; decoupled for adamw", low=0, high=10)] = 0.0
    decay: Annotated[Decay, Knob("of the learning rate over all epochs")] = "cosine"
    smoothing: Annotated[float, Knob("share of each target spread over all classes", low=0, high=0.5)] = 0.0
    dropout: Annotated[
        float, Knob("share of the last layer's inputs zeroed at each step", low=0, high=0.9)
    ] = 0.0
    augmentation: Annotated[Augmentation, Knob("how features are changed at each step")] = "none"
    strength: Annotated[
        float,
        Knob("of the augmentation", low=0, high=1, when=("augmentation", get_args(Augmentation)[1:])),
    ] = 0.2
    width: Annotated[int, Knob("units of a hidden layer; 0: a linear head", low=0, high=8192)] = 0
    batch_size: Annotated[int, Knob("examples per step", low=1, high=65536, log=True)] = 64
    seed: Annotated[int, Knob("of what is drawn at random", low=0, high=2**31)] = 0

    def __post_init__(self) -> None:
        check(self)
        if self.optimizer == "nesterov" and self.momentum == 0:
            raise RecipeError(
                f"{type(self).__name__}.momentum is 0; nesterov needs momentum. Take sgd for steps without."
            )

    @property
    def form(self) -> Form:
        """The form of the update: adamw is adam but for where the decay goes, and momentum may be none."""
        if self.optimizer == "sgd":
            return "sgd" if self.momentum else "plain"
        return "adam" if self.optimizer == "adamw" else self.optimizer


class Course(NamedTuple):
    """A member, how many epochs it trains, and the seed of the order of examples and of noise."""

    member: Member
    epochs: int
    order_seed: int

    def rate(self, epoch: int) -> float:
        """The learning rate during one epoch, counted from 0."""
        return self.member.learning_rate * left_of_rate(self.member.decay, epoch / self.epochs, DROPS)

    @property
    def kind(self) -> tuple[object, ...]:
        """What members must share to train side by side: what they see, and their shape."""
        member = self.member
        seen = (self.order_seed, member.batch_size, member.dropout, member.augmentation)
        strength = 0.0 if member.augmentation == "none" else member.strength
        return *seen, strength, member.width, self.is_linear_descent

    @property
    def is_linear_descent(self) -> bool:
        """Whether every step adds multiples of examples to the weights, and shrinks them as a whole."""
        member = self.member
        is_plain = not (member.width or member.dropout) and member.augmentation == "none"
        return is_plain and member.form in DESCENTS


@dataclass(frozen=True)
class Schedule:
    """How long a population trains, and who is dropped on the way.

    After each epoch of `halvings` only the best `kept_fraction` of the members left go on, by the best that
    they have been on held-out examples so far (successive halving: Jamieson & Talwalkar 2016, 1502.07943).
    """

    epochs: Annotated[int, Knob("passes over the examples", low=1, high=10000)] = 30
    halvings: tuple[int, ...] = ()
    kept_fraction: Annotated[float, Knob("share that survives a halving", low=0.01, high=1)] = 0.5
    criterion: Annotated[Criterion, Knob("what tells who survives; loss breaks ties")] = "loss"
    patience: Annotated[int | None, Knob("epochs without improvement before a member stops", low=1)] = None
    seed: Annotated[int, Knob("of the order of examples and of dropout", low=0)] = 0

    def __post_init__(self) -> None:
        check(self)
        if list(self.halvings) != sorted({at for at in self.halvings if 0 < at < self.epochs}):
            raise RecipeError(f"Schedule.halvings {self.halvings} must rise within 1 to {self.epochs - 1}.")

    @property
    def rungs(self) -> list[range]:
        """The epochs between halvings."""
        ends = [0, *self.halvings, self.epochs]
        return [range(start, stop) for start, stop in pairwise(ends)]


@dataclass(frozen=True, eq=False)
class Examples:
    """What a population trains on. With f folds every member trains f times.

    `folds` as in `ridge_path`: -1 marks examples that are always trained on, so a single validation part is
    one fold, number 0, with -1 elsewhere.
    """

    features: Features
    labels: Labels
    class_count: int
    folds: Folds
    weights: Weights | None = None


def sample_members(count: int, seed: int, *, batch_size: int = 64) -> tuple[Member, ...]:
    """Draw settings for standardised features: rates log-uniform, the discrete ones in turn.

    Rates for sgd reach from 1e-4 to 1e-1, for adam from 1e-5 to 1e-2; half of the members decay weights.
    Dropout takes few values, since members of equal dropout share one product.
    """
    drawn = []
    for number in range(count):
        random = generator(seed, "member", number)
        optimizer: Optimizer = ("sgd", "nesterov", "adam", "adamw")[number % 4]
        adaptive = optimizer in ("adam", "adamw")
        drawn.append(
            Member(
                optimizer=optimizer,
                learning_rate=float(
                    10 ** random.uniform(-5, -2) if adaptive else 10 ** random.uniform(-4, -1)
                ),
                momentum=float(random.choice([0.8, 0.9, 0.95])),
                weight_decay=float(random.choice([0, 1]) * 10 ** random.uniform(-5, -1)),
                smoothing=float(random.choice([0.0, 0.05, 0.1])),
                dropout=(0.0, 0.3)[number // 4 % 2],
                batch_size=batch_size,
                seed=number,
            )
        )
    return tuple(drawn)
