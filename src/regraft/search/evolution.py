"""CMA-ES rebuilt from the record of a study, in place of Optuna's, which keeps pickles in the storage.

Whoever can write to a shared database could put a pickle of his own there, and whatever it says would be
executed by everybody who goes on with the study. What is kept here is one whole number for each trial.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import cmaes
import numpy as np
from jaxtyping import Float
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from regraft.core.arrays import Array

GENERATION = "generation"
"""Mark of a trial: in which generation it was drawn."""

FIRST_SPREAD = 1 / 6
"""Standard deviation, of an axis of length 1, around its middle."""

Numeric = FloatDistribution | IntDistribution


class Evolution(BaseSampler):
    """Points drawn from a normal distribution, which moves and turns after each generation.

    Source: Hansen 2016, 1604.00772, as the package cmaes has it.
    Differs: choices are drawn at random beside it.
    Cost: one update of a matrix, as large as there are numbers, for each generation that is new to this
        process.
    """

    def __init__(self, axes: Mapping[str, BaseDistribution]) -> None:
        self._axes = {
            name: axis for name, axis in axes.items() if isinstance(axis, Numeric) and not axis.single()
        }
        self._beside = RandomSampler(seed=0)
        self._optimizer = first_generation(self._axes) if self._axes else None
        self._seed = 0

    def with_seed(self, seed: int) -> "Evolution":
        """The same, whose next draws follow from the seed alone."""
        self._beside = RandomSampler(seed=seed)
        self._seed = seed % 2**32
        return self

    def infer_relative_search_space(
        self,
        study: Study,  # noqa: ARG002 - as every sampler
        trial: FrozenTrial,  # noqa: ARG002
    ) -> dict[str, BaseDistribution]:
        """All axes that are numbers."""
        return {**self._axes}

    def sample_relative(
        self,
        study: Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],  # noqa: ARG002 - as every sampler
    ) -> dict[str, Any]:
        """A point of the newest generation, which is written down."""
        optimizer = self._optimizer
        if optimizer is None:
            return {}
        advance(optimizer, study.get_trials(deepcopy=False), self._axes)
        optimizer.reseed_rng(self._seed)
        drawn = optimizer.ask()
        storage = study._storage  # noqa: SLF001 - where Optuna's own samplers write their marks
        storage.set_trial_system_attr(trial._trial_id, GENERATION, optimizer.generation)  # noqa: SLF001
        return {name: _value(axis, at) for (name, axis), at in zip(self._axes.items(), drawn, strict=True)}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """A choice."""
        return self._beside.sample_independent(study, trial, param_name, param_distribution)


def first_generation(axes: Mapping[str, Numeric]) -> cmaes.CMA:
    """Around the middle of at least one axis."""
    ends = np.tile([0.0, 1.0], (len(axes), 1))
    return cmaes.CMA(mean=ends.mean(axis=1), sigma=FIRST_SPREAD, bounds=ends, seed=0)


def advance(optimizer: cmaes.CMA, trials: Sequence[FrozenTrial], axes: Mapping[str, Numeric]) -> None:
    """Go on to the first generation that is not full.

    A generation is full with the first answers to come in: later ones no longer change the past. Points that
    somebody else proposed, and those from before an axis was changed, are left out.

    Args:
        optimizer: at some generation.
        trials: of the study.
        axes: of the optimizer.
    """
    generations: dict[int, list[FrozenTrial]] = {}
    own = (each for each in trials if _generation(each) >= optimizer.generation and _counts(each, axes))
    for trial in sorted(own, key=_when):
        generations.setdefault(_generation(trial), []).append(trial)
    size = optimizer.population_size
    while len(full := generations.get(optimizer.generation, ())[:size]) == size:
        optimizer.tell([(_place(each, axes), each.values[0]) for each in full])


def _generation(trial: FrozenTrial) -> int:
    """Below 0 where it was not drawn from one."""
    found = trial.system_attrs.get(GENERATION)
    return found if isinstance(found, int) else -1


def _counts(trial: FrozenTrial, axes: Mapping[str, Numeric]) -> bool:
    is_proposed = "fixed_params" in trial.system_attrs
    is_answered = trial.state == TrialState.COMPLETE and not is_proposed
    return is_answered and all(trial.distributions.get(name) == axes[name] for name in axes)


def _when(trial: FrozenTrial) -> tuple[float, int]:
    return (trial.datetime_complete.timestamp() if trial.datetime_complete else math.inf, trial.number)


def _place(trial: FrozenTrial, axes: Mapping[str, Numeric]) -> Float[Array, " d"]:
    """Of every axis how far along it a trial lies, from 0 to 1."""
    found = []
    for name, axis in axes.items():
        low, high = _ends(axis)
        value = math.log(trial.params[name]) if axis.log else trial.params[name]
        found.append((value - low) / (high - low))
    return np.array(found)


def _value(axis: Numeric, place: float) -> float:
    low, high = _ends(axis)
    value = low + place * (high - low)
    value = math.exp(value) if axis.log else value
    if axis.step is not None:
        value = axis.low + axis.step * round((value - axis.low) / axis.step)
    value = min(max(value, axis.low), axis.high)
    return int(value) if isinstance(axis, IntDistribution) else value


def _ends(axis: Numeric) -> tuple[float, float]:
    """Of an axis with steps half a step further out, so that the last ones are as likely as the others."""
    half = (axis.step or 0) / 2
    low, high = axis.low - half, axis.high + half
    return (math.log(low), math.log(high)) if axis.log else (low, high)
