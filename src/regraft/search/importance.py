"""Which axes of a study matter: to the values as a whole, and to being among the best."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from regraft.search.axis import Axis, Choice
from regraft.search.findings import FEWEST, of_kind
from regraft.search.space import KIND, Space
from regraft.search.trial import Trial

if TYPE_CHECKING:
    import optuna

MOST_TRIALS = 300
"""Of more, so many of all ranks: of 800 trials fANOVA takes 12 s (2026-11-23, two shared cores, n = 1)."""

BEST_SHARE, FEWEST_BEST, MOST_BEST_SHARE = 0.1, 5, 0.4
"""Of the trials, but not fewer, unless that were most of them: those that PED-ANOVA takes for the best."""


IMPORT_S, TRIAL_S = 1.5, 0.015
"""Of scikit-learn, the first time in a process (an AMD EPYC's core, 2026-11-30, n = 1); of fANOVA for each
trial, by the 12 s above."""


def cost_s(trials: Sequence[Trial], space: Space, kind: str) -> float:
    """What both kinds of importance may take: of few trials nothing is said."""
    count = len(of_kind(trials, kind, space))
    return IMPORT_S + TRIAL_S * min(count, MOST_TRIALS) if count >= FEWEST else 0.0


def importance(trials: Sequence[Trial], space: Space, kind: str) -> dict[str, float]:
    """Each axis's share of the variance of the values of one kind of head, adding up to 1.

    Source: fANOVA, Hutter et al. 2014, as Optuna has it.
    Differs: values beyond the median are taken for the median, so that it tells what makes good trials
        better, and not what ruins one.
    Cost: a random forest over the trials.
    """
    ranked = sorted(of_kind(trials, kind, space), key=lambda trial: trial.value or 0.0)
    study = _study_of(ranked[:: math.ceil(len(ranked) / MOST_TRIALS)] if ranked else [], space, kind)
    if study is None:
        return {}
    # Not above: it imports scikit-learn, which takes a second, and of few trials nothing is said.
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    return _shares(get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0)))


def importance_for_best(trials: Sequence[Trial], space: Space, kind: str) -> dict[str, float]:
    """How far each axis's values differ between the best tenth and all trials of one kind; adds up to 1.

    Source: PED-ANOVA, Watanabe et al. 2023, 2304.10255, as Optuna has it.
    Differs: of few trials the best five are taken for the best.
    Cost: a density per axis.
    """
    study = _study_of(trials, space, kind)
    if study is None:
        return {}
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    values = sorted(trial.values[0] for trial in study.trials)
    quantile = min(max(BEST_SHARE, FEWEST_BEST / len(values)), MOST_BEST_SHARE)
    if values[math.ceil(quantile * len(values)) - 1] == values[-1]:
        # So many are equal that there are no best.
        return {}
    evaluator = PedAnovaImportanceEvaluator(target_quantile=quantile)
    return _shares(get_param_importances(study, evaluator=evaluator))


def _study_of(trials: Sequence[Trial], space: Space, kind: str) -> "optuna.Study | None":
    """The complete trials of one kind as a study of its own, without axes of one value; None if too few."""
    own = of_kind(trials, kind, space)
    names = [n for n in space.axes if n != KIND and own and all(n in t.values for t in own)]
    names = [name for name in names if len({t.values[name] for t in own}) > 1]
    if len(own) < FEWEST or not names:
        return None
    middle = float(np.median([trial.value for trial in own if trial.value is not None]))
    if all((trial.value or 0.0) >= middle for trial in own):
        # Of equal values none has a cause.
        return None
    import optuna

    from regraft.search.numbered import distribution

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study()
    axes = {name: distribution(_covering(space.axes[name], own, name)) for name in names}
    for trial in own:
        value = min(trial.value or 0.0, middle)
        params: dict[str, Any] = {name: trial.values[name] for name in names}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=axes, value=value))
    return study


def _covering(axis: Axis, trials: Sequence[Trial], name: str) -> Axis:
    """The axis as wide as its trials: it may have been wider when the study was begun."""
    if isinstance(axis, Choice):
        return axis
    values = [trial.values[name] for trial in trials]
    return replace(axis, low=min(axis.low, *values), high=max(axis.high, *values), step=None)


def _shares(found: Mapping[str, float]) -> dict[str, float]:
    total = sum(found.values())
    return {name: float(share / total) if total else 0.0 for name, share in found.items()}
