"""Optuna's samplers, each trial's randomness from its number.

A study that is resumed, or shared by several processes, would otherwise begin the same sequence of random
numbers again, and propose what was tried before.
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import (
    BaseSampler,
    GPSampler,
    QMCSampler,
    RandomSampler,
    TPESampler,
)
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from regraft.core.seeds import derive_seed
from regraft.search.axis import Axis, Choice
from regraft.search.samplers import SamplerName

if TYPE_CHECKING:
    from regraft.search.evolution import Evolution

FIRST_AT_RANDOM = 10
"""Trials before a model of the scores is made."""


class Numbered(BaseSampler):
    """A sampler made anew for each trial, whose seed follows from the trial's number."""

    def __init__(self, name: SamplerName, axes: Mapping[str, Axis], seed: int) -> None:
        self._name = name
        self._seed = seed
        self._space = distributions(axes)
        self._evolution: Evolution | None = None
        self._inner = self._made(0)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Optuna calls this first for every trial."""
        self._inner = self._made(trial.number)
        self._inner.before_trial(study, trial)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """The axes that are sampled together. Sobol's are all, where Optuna would ask the first trial."""
        if self._name == "sobol":
            return {name: axis for name, axis in self._space.items() if not axis.single()}
        found = self._inner.infer_relative_search_space(study, trial)
        if isinstance(self._inner, TPESampler):
            # Optuna keeps to the range of the first trial that had an axis.
            groups = self._inner._search_space_group  # noqa: SLF001 - Optuna has no other way
            for group in () if groups is None else groups.search_spaces:
                group.update({name: own for name in group if (own := self._wider(name, group[name]))})
                found |= {name: group[name] for name in found.keys() & group.keys()}
        if isinstance(self._inner, GPSampler):
            # Optuna leaves out an axis whose range has changed.
            trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
            found |= {name: own for name, own in self._space.items() if self._spans(name, own, trials)}
        return found

    def _spans(self, name: str, own: BaseDistribution, trials: Sequence[FrozenTrial]) -> bool:
        """Whether an axis is now as wide as in any trial, and was wider than in some."""
        known = [trial.distributions.get(name) for trial in trials]
        if all(each == own for each in known):
            return False
        return all(each is not None and (each == own or self._wider(name, each)) for each in known)

    def _wider(self, name: str, known: BaseDistribution) -> BaseDistribution | None:
        """What an axis is by now, where that reaches beyond a range in which trials were made."""
        own = self._space.get(name)
        if own is None or isinstance(own, CategoricalDistribution) or own == known or own.single():
            return None
        return own if own.low <= known.low and known.high <= own.high else None  # type: ignore[attr-defined]

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Values of those axes."""
        return self._inner.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """A value of an axis on its own."""
        return self._inner.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Some samplers learn here."""
        self._inner.after_trial(study, trial, state, values)

    def _made(self, number: int) -> BaseSampler:
        with warnings.catch_warnings():
            # Of the argument `group`.
            warnings.simplefilter("ignore", ExperimentalWarning)
            own_seed = derive_seed(self._seed, "trial", number)
            if self._name == "cmaes":
                # Not above: it imports scipy.stats, which takes longer than all else that a search needs.
                from regraft.search.evolution import Evolution

                self._evolution = self._evolution or Evolution(self._space)
                return self._evolution.with_seed(own_seed)
            return _inner(self._name, self._seed, own_seed)


def _inner(name: SamplerName, seed: int, own_seed: int) -> BaseSampler:
    match name:
        case "tpe":
            return TPESampler(
                seed=own_seed,
                multivariate=True,
                group=True,
                constant_liar=True,
                n_startup_trials=FIRST_AT_RANDOM,
            )
        case "gp":
            return GPSampler(seed=own_seed, n_startup_trials=FIRST_AT_RANDOM)
        case "sobol":
            # One sequence for the whole study, whose place is kept in the storage.
            return QMCSampler(
                qmc_type="sobol",
                scramble=True,
                seed=derive_seed(seed, "sobol"),
                independent_sampler=RandomSampler(seed=own_seed),
                warn_independent_sampling=False,
            )
        case _:
            return RandomSampler(seed=own_seed)


def distributions(axes: Mapping[str, Axis]) -> dict[str, BaseDistribution]:
    """Axes as Optuna knows them. A choice has no order."""
    return {name: distribution(axis) for name, axis in axes.items()}


def distribution(axis: Axis) -> BaseDistribution:
    """One axis as Optuna knows it."""
    if isinstance(axis, Choice):
        return CategoricalDistribution(axis.values)
    if axis.whole:
        return IntDistribution(int(axis.low), int(axis.grid()[-1]), log=axis.log, step=int(axis.step or 1))
    # With a step the upper end is the last number that a step reaches, as Optuna wants it.
    high = axis.high if axis.step is None else axis.grid()[-1]
    return FloatDistribution(axis.low, high, log=axis.log, step=axis.step)
