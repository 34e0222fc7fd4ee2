"""How much of a network is trained further, and how, as axes of a search: `finetune.FIELD`.

They are searched on request alone, since each trial takes a training of its own for every fold.
`finetune.stages` is the one that switches the others on: with 0 the network stays as it came.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from regraft.core.hashing import plain
from regraft.core.settings import from_plain, knobs
from regraft.search import Axis
from regraft.search.annotated import axis_for
from regraft.search.space import SHORT
from regraft.training import Finetune, hyper_rule

FINETUNE = "finetune."
STAGES = f"{FINETUNE}stages"
SWITCHES = {FINETUNE: STAGES}
KNOBS = {f"{FINETUNE}{name}": knob for name, knob in knobs(Finetune).items()}


def asked_for(changes: Mapping[str, Axis]) -> dict[str, Axis]:
    """The axes that were asked for, those of fine-tuning with the types of their fields, the switch first.

    Raises:
        RecipeError: a field does not take what was asked for.
    """
    known = {field.name for field in fields(Finetune)}
    typed: dict[str, Axis] = {}
    for name, axis in changes.items():
        written = name.removeprefix(FINETUNE)
        field = SHORT.get(written, written)
        if name.startswith(FINETUNE) and field in known:
            typed[f"{FINETUNE}{field}"] = axis_for(Finetune, field, axis, name)
        else:
            typed[name] = axis
    return {name: typed[name] for name in sorted(typed, key=lambda name: name != STAGES)}


def finetune_defaults(asked: Finetune | None, changes: Mapping[str, Axis], examples: int) -> dict[str, Any]:
    """What holds where it is no axis: what the recipe says, else the rule of thumb.

    The network stays as it came unless the recipe says otherwise, or axes speak of how it is trained and not
    of how far. Where that is an axis, a search begins without.
    """
    settings = asked or hyper_rule(examples)
    is_meant = asked or any(name.startswith(FINETUNE) for name in changes)
    found = {f"{FINETUNE}{name}": value for name, value in plain(settings).items()}
    return found if is_meant and STAGES not in changes else found | {STAGES: 0}


def finetune_of(others: Mapping[str, Any]) -> Finetune | None:
    """The settings that a point means; None where the network stays as it came."""
    own = {n.removeprefix(FINETUNE): value for n, value in others.items() if n.startswith(FINETUNE)}
    settings = from_plain(Finetune, own, "finetune")
    return settings if settings.stages else None
