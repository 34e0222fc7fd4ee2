"""Which point is tried next: Optuna's samplers by name. Importing this does not import Optuna."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, get_args

from regraft.core.errors import RecipeError, did_you_mean
from regraft.search.axis import Axis
from regraft.search.pruners import UNASKED, PrunerName

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

SamplerName = Literal["grid", "random", "sobol", "tpe", "gp", "cmaes"]
SAMPLERS: tuple[SamplerName, ...] = get_args(SamplerName)

SEES_CONDITIONS = ("grid", "random", "tpe")
"""They ask only for axes that exist. To the others every axis is always there, and a head that is not chosen
ignores what they say of it."""


ONE_VALUE = ("cmaes",)
"""They rank trials, which several values do not allow."""


def require_sampler(name: str) -> SamplerName:
    """The name, if there is such a sampler.

    Raises:
        RecipeError: there is none of that name.
    """
    for known in SAMPLERS:
        if name == known:
            return known
    raise RecipeError(f"There is no sampler {name!r}. {did_you_mean(name, SAMPLERS)}")


def require_several(name: SamplerName, pruner: PrunerName) -> None:
    """Check that several objectives can be weighed.

    Raises:
        RecipeError: the sampler knows one value of a trial only, or trials are to be given up.
    """
    if name in ONE_VALUE:
        others = ", ".join(each for each in SAMPLERS if each not in ONE_VALUE)
        raise RecipeError(f"The sampler {name} knows one objective only. For several take one of {others}.")
    if pruner not in UNASKED:
        raise RecipeError(
            f"The pruner {pruner} goes by one objective, so it cannot tell what is hopeless in several. "
            f"Leave --pruner out, or name one objective."
        )


def sampler(name: SamplerName, axes: Mapping[str, Axis], *, seed: int) -> "BaseSampler":
    """A sampler for the axes of a space; equal seeds and equal trials so far give equal points.

    Of a grid the points stand in the queue of the study, and the sampler is never asked; see `Study`.

    Source: random: Bergstra & Bengio 2012 (JMLR 13). Sobol, scrambled: Owen 1998, 10.1006/jcom.1998.0487.
        TPE, multivariate, by groups of axes that occur together: Bergstra et al. 2011; Falkner et al. 2018,
        1807.01774. GP: Snoek et al. 2012, 1206.2944. CMA-ES: Hansen 2016, 1604.00772. All are Optuna's, but
        for CMA-ES; see `evolution`.
    Differs: CMA-ES knows numbers only; choices are drawn at random beside it.
    """
    from regraft.search.numbered import Numbered

    return Numbered(name, axes, seed)
