"""How a search is to go: every setting with its help, its default and its checks."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any

from regraft.core.errors import RecipeError, did_you_mean
from regraft.core.files import read_json
from regraft.core.settings import Knob, check
from regraft.pipeline.ranking.limits import Limits
from regraft.search import (
    Axis,
    PrunerName,
    SamplerName,
    from_json,
    parse_changes,
    require_pruner,
    require_sampler,
)
from regraft.search.objectives import Cost, Objectives, parse_objectives
from regraft.search.samplers import require_several

LIMITS: dict[Cost, str] = {"latency": "max_latency_ms", "size": "max_size_mb"}
"""The fields that bound a cost."""


@dataclass(frozen=True)
class Search:
    """How settings are searched. Everything has a default; see `space_for` for what is searched."""

    space: Annotated[
        tuple[str, ...] | str | Mapping[str, Any],
        Knob(
            "NAME=LOW..HIGH[:log][:int][:step=S] or NAME=VALUE,VALUE or a JSON file; as often as you like. "
            "Only on request: views=plain,mirrored,cropped,both, which costs further forward passes, and "
            "mirrored does harm where left and right matter; finetune.stages=0..3 (and finetune.lr, "
            "finetune.steps, ...), which trains the network's last stages, for every fold of every trial"
        ),
    ] = ()
    sampler: Annotated[SamplerName, Knob("what proposes the next trial")] = "tpe"
    pruner: Annotated[
        PrunerName,
        Knob("what gives trials up: the worse half of heads that train side by side, or any, fold by fold"),
    ] = "halving"
    objective: Annotated[
        str,
        Knob(
            "what is made best on held-out images, loss or accuracy; after a comma what it is weighed "
            "against: latency, size"
        ),
    ] = "loss"
    trials: Annotated[int | None, Knob("trials at most, of the whole study", low=1)] = None
    storage: Annotated[
        str | None,
        Knob("study file (.sqlite, or a journal) or database URL, to share or go on with; else in the run"),
    ] = None
    ablate: Annotated[bool, Knob("try the best again with one setting changed at a time")] = False
    report: Annotated[bool, Knob("write the search as a page, search.html in the run folder")] = False
    max_latency_ms: Annotated[
        float | None, Knob("of trials weighed against latency the best within this; else the best of all")
    ] = None
    max_size_mb: Annotated[
        float | None, Knob("of trials weighed against size the best within this; else the best of all")
    ] = None
    warm_start: Annotated[
        bool, Knob("try early what was best in earlier searches on the most alike data sets")
    ] = True

    def __post_init__(self) -> None:
        check(self)
        require_sampler(self.sampler)
        require_pruner(self.pruner)
        if self.objectives.costs:
            require_several(self.sampler, self.pruner)
        Limits(self.max_latency_ms, self.max_size_mb)  # Checks them.
        for cost, most in self.limits.items():
            if most is not None and cost not in self.objectives.costs:
                raise RecipeError(
                    f"{LIMITS[cost]} bounds the {cost} of trials, which is not measured. "
                    f"Write --objective {self.objective},{cost}."
                )

    @property
    def objectives(self) -> Objectives:
        """The score, and the costs beside it.

        Raises:
            RecipeError: the objective names none.
        """
        return parse_objectives(self.objective)

    @property
    def limits(self) -> dict[Cost, float | None]:
        """The most that a trial may cost to be chosen."""
        return {cost: getattr(self, field) for cost, field in LIMITS.items()}

    @property
    def changes(self) -> dict[str, Axis]:
        """The axes that were asked for.

        Raises:
            RecipeError: one makes no sense.
            ArtifactError: a file is missing or not JSON.
        """
        if isinstance(self.space, Mapping):
            return from_json(self.space)
        written = (self.space,) if isinstance(self.space, str) else self.space
        files = [text for text in written if text.endswith(".json") and "=" not in text]
        found: dict[str, Axis] = {}
        for file in files:
            found |= from_json(read_json(Path(file).expanduser()))
        return found | parse_changes(text for text in written if text not in files)


def changed(search: Search, settings: Mapping[str, Any]) -> Search:
    """A search with some of its settings changed.

    Raises:
        RecipeError: it has no such setting, or not that value.
    """
    known = [field.name for field in fields(Search)]
    for name in settings:
        if name not in known:
            raise RecipeError(f"A search has no setting {name!r}. {did_you_mean(name, known)}")
    return replace(search, **settings)
