"""How much of a network is trained further, and how: the settings, and the rule of thumb for them.

Importing this module does not import torch.
"""

from dataclasses import dataclass
from typing import Annotated

from regraft.core.errors import RecipeError
from regraft.core.settings import Knob, check
from regraft.heads.member import Decay, Optimizer, left_of_rate

DROPS = (0.3, 0.6, 0.9)
"""Of all steps: from there on, a learning rate that falls in steps is a tenth of what it was."""

SMALL, MEDIUM = 20_000, 500_000
STEPS = {SMALL: 500, MEDIUM: 10_000}
MOST_STEPS = 20_000


@dataclass(frozen=True)
class Finetune:
    """How the last stages of a network are trained together with the linear head that was solved on them.

    All stages before them stay as they are, batch statistics included. The defaults are those of `hyper_rule`
    for few images.
    """

    stages: Annotated[
        int,
        Knob("last stages of the network that are trained, its embedding counted; 0: none", low=0, high=99),
    ] = 1
    steps: Annotated[int, Knob("mini-batches", low=1, high=100_000, log=True)] = 500
    batch_size: Annotated[int, Knob("images per step", low=1, high=4096, log=True)] = 64
    optimizer: Annotated[Optimizer, Knob("how gradients become steps")] = "sgd"
    learning_rate: Annotated[float, Knob("step size", low=1e-6, high=10, log=True)] = 0.003
    momentum: Annotated[float, Knob("for sgd, nesterov and rmsprop", low=0, high=0.999)] = 0.9
    weight_decay: Annotated[float, Knob("pull toward zero; decoupled for adamw", low=0, high=1)] = 0.0
    decay: Annotated[Decay, Knob("of the learning rate over all steps")] = "step"
    smoothing: Annotated[float, Knob("share of each target spread over all classes", low=0, high=0.5)] = 0.0
    mixup: Annotated[
        float,
        Knob(
            "images are averaged in pairs, with shares drawn from Beta(a, a); 0: they are not", low=0, high=4
        ),
    ] = 0.0
    seed: Annotated[int, Knob("of the order of images, and of pairs", low=0, high=2**31)] = 0

    def __post_init__(self) -> None:
        check(self)
        if self.optimizer == "nesterov" and self.momentum == 0:
            raise RecipeError("Finetune.momentum is 0; nesterov needs momentum. Take sgd for steps without.")

    def rate(self, step: int) -> float:
        """The learning rate at a step, counted from 0.

        >>> [round(Finetune(steps=10).rate(step), 9) for step in (0, 3, 9)]
        [0.003, 0.0003, 3e-06]
        """
        return self.learning_rate * left_of_rate(self.decay, step / self.steps, DROPS)


def hyper_rule(examples: int, *, stages: int = 1) -> Finetune:
    """Settings that want no search: only the number of steps and mixup depend on the data.

    500 steps below 20,000 images, 10,000 below 500,000, else 20,000; from 20,000 images on mixup with 0.1.
    SGD with momentum 0.9 and a rate of 0.003, a tenth of it after 30, 60 and 90 % of the steps, without
    weight decay.

    Source: BiT-HyperRule, Kolesnikov et al. 2020, 1912.11370, section 3.3.
    Differs: 64 images a step in place of 512, at the same rate; the head starts from its solution, not from
    zero; the size of images is that of the backbone's name; only the last stages are trained, here one.
    """
    steps = next((count for most, count in STEPS.items() if examples < most), MOST_STEPS)
    return Finetune(stages, steps, mixup=0.1 if examples >= SMALL else 0.0)
