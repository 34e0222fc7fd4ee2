"""When a trial is given up: Optuna's pruners by name, asked after each held-out fold; or by halves.

Halving concerns heads that train side by side alone: the worse half leaves now and then. It is on with every
pruner but `none`.
"""

from typing import TYPE_CHECKING, Literal, get_args

from regraft.core.errors import RecipeError, did_you_mean

if TYPE_CHECKING:
    from optuna.pruners import BasePruner

PrunerName = Literal["halving", "none", "median", "asha", "hyperband"]
PRUNERS: tuple[PrunerName, ...] = get_args(PrunerName)
UNASKED: tuple[PrunerName, ...] = ("halving", "none")
"""They look at no fold, so trials need not stop there to report."""

REDUCTION = 3


def require_pruner(name: str) -> PrunerName:
    """The name, if there is such a pruner.

    Raises:
        RecipeError: there is none of that name.
    """
    for known in PRUNERS:
        if name == known:
            return known
    raise RecipeError(f"There is no pruner {name!r}. {did_you_mean(name, PRUNERS)}")


def pruner(name: PrunerName, *, steps: int) -> "BasePruner":
    """A pruner of trials that report after each of so many steps, counted from 1.

    Trials at one step are compared on the same images, because folds are dealt once for the whole study.

    Source: median: Golovin et al. 2017, 10.1145/3097983.3098043. ASHA: Li et al. 2020, 1810.05934.
        Hyperband: Li et al. 2018, 1603.06560. All are Optuna's.
    """
    from optuna.pruners import HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner

    match name:
        case "median":
            return MedianPruner(n_startup_trials=5, n_warmup_steps=0)
        case "asha":
            return SuccessiveHalvingPruner(min_resource=1, reduction_factor=REDUCTION)
        case "hyperband":
            return HyperbandPruner(min_resource=1, max_resource=max(steps, 1), reduction_factor=REDUCTION)
        case _:
            return NopPruner()
