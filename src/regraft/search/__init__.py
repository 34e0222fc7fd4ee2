"""Searching settings: a typed space, samplers and pruners by name, and studies that survive being killed."""

from regraft.search.annotated import axes_of
from regraft.search.axis import Axis, Choice, Range
from regraft.search.pruners import PRUNERS, PrunerName, pruner, require_pruner
from regraft.search.samplers import SAMPLERS, SamplerName, require_sampler, sampler
from regraft.search.space import Space, Values, space_of
from regraft.search.trial import Asked, GivenUp, Outcome, OutOfTime, TooDear, Trial
from regraft.search.written import from_json, parse_axis, parse_changes

__all__ = [
    "PRUNERS",
    "SAMPLERS",
    "Asked",
    "Axis",
    "Choice",
    "GivenUp",
    "OutOfTime",
    "Outcome",
    "PrunerName",
    "Range",
    "SamplerName",
    "Space",
    "TooDear",
    "Trial",
    "Values",
    "axes_of",
    "from_json",
    "parse_axis",
    "parse_changes",
    "pruner",
    "require_pruner",
    "require_sampler",
    "sampler",
    "space_of",
]
