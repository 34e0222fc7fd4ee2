"""What is searched, and how: from flags, a recipe and the settings' own annotations to a typed space."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from itertools import chain

from regraft.backbones.sources import identify
from regraft.core.errors import DataError, RecipeError
from regraft.core.hashing import fingerprint
from regraft.data import Dataset
from regraft.heads import HEADS, Blend
from regraft.pipeline.judging import require_suitable, truth_of
from regraft.pipeline.recipe import Recipe, kind_of
from regraft.pipeline.tuning.asked import Search
from regraft.pipeline.tuning.finetune_axes import (
    FINETUNE,
    STAGES,
    SWITCHES,
    asked_for,
    finetune_defaults,
    finetune_of,
)
from regraft.search import (
    Axis,
    Space,
    Trial,
    Values,
    axes_of,
    space_of,
)
from regraft.search.held_out import require_objective
from regraft.search.space import HEAD, KIND, SHORT, within
from regraft.training import hyper_rule

KINDS = ("ridge", "lda", "kernel_ridge", "logistic")
"""Heads that are searched unless others are asked for, the quickest first: none takes long. A perceptron is
worth asking for; nearest neighbours were never near the best."""

SHRINKAGE, SHRINKAGES = "head.lda.shrinkage", (0.1, 0.5)
"""Tried beside that of Ledoit and Wolf, which costs next to nothing once that is there. On seven sets, three
depths and two scalings its log-loss was 13 % above the lowest of nine shrinkages on average, that of the best
of these three 2 % (lite0, 2026-12-01)."""

SEARCHED = ("depths", "scaling", "views")
"""Of the recipe, unless it says what they are to be, as it always does of views: these cost further forward
passes, and mirrored ones do harm where left and right matter."""

STANDARDISED = "feature"
"""Scaling under which features of several depths are worth trying beside the default."""

TOGETHER = "+"
"""Joins the names of networks whose features stand side by side, in a value of the axis `backbones`."""


def space_for(asked: Recipe, search: Search, dataset: Dataset) -> Space:
    """The space of a search: heads and their knobs, depths and scaling, less what the recipe settles.

    What the search names is an axis also where the recipe settles it.

    Raises:
        RecipeError: an axis is unknown or lies outside what its field takes, the head or the objective does
            not suit the labels, or the head is a blend.
        BackboneError: a network that is to be tried is unknown, or its weights are not where it says.
        DataError: there are more images than a head that was asked for can be fitted to.
    """
    if isinstance(asked.head, Blend):
        raise RecipeError(
            "The recipe's head is a blend, which a search ends with and does not vary. Take head, depths and "
            "scaling out of the recipe to search all of them, or let it name one kind of head, such as ridge."
        )
    require_objective(search.objectives.score, truth_of(dataset))
    changes = asked_for(search.changes)
    tuned = replace(asked, finetune=hyper_rule(len(dataset))) if STAGES in changes else asked
    require_suitable(tuned, dataset)
    kinds = (kind_of(asked.head),) if asked.head else _usual_kinds(tuned, dataset, changes)
    searched = tuple(name for name in SEARCHED if name in changes or getattr(asked, name) is None)
    space = space_of(
        HEADS,
        kinds=kinds,
        others=axes_of(Recipe, names=searched),
        defaults={
            "backbones": TOGETHER.join(asked.backbones),
            "depths": asked.depths or "last",
            "scaling": asked.scaling or "depth",
            "views": asked.views,
            **finetune_defaults(asked.finetune, changes, len(dataset)),
        },
        changes=changes,
        switches=SWITCHES,
    )
    for kind in space.kinds:
        require_suitable(replace(asked, head=HEADS[kind]()), dataset)
    for values in space.rules_of_thumb():
        recipe_of(asked, space, values)
    if "backbones" in space.axes:
        _require_networks(asked, space.axes["backbones"])
    return space


def _usual_kinds(asked: Recipe, dataset: Dataset, changes: Mapping[str, Axis]) -> tuple[str, ...]:
    """The kinds that are searched unless others are named, and those that have settings which they lack.

    Who asks for `head.optimizer` alone means the heads that have one.
    """
    asked_of_heads = [n.removeprefix(HEAD) for n in changes if n.startswith(HEAD) and n != KIND]
    wanted = {SHORT.get(field, field) for field in asked_of_heads if "." not in field}
    has = {kind: {each.name for each in fields(settings)} for kind, settings in HEADS.items()}
    known = set[str]().union(*(has[kind] for kind in KINDS))
    lacking = wanted - known
    more = [kind for kind in HEADS if lacking and lacking <= has[kind]]
    return tuple(kind for kind in (*KINDS, *more) if _suits(kind, asked, dataset))


def _require_networks(asked: Recipe, axis: Axis) -> None:
    """Check the names now, not in a trial."""
    for value in axis.grid():
        for name in replace(asked, backbones=_networks(value)).backbones:
            identify(name)


def _networks(value: object) -> tuple[str, ...]:
    return tuple(name.strip() for name in str(value).split(TOGETHER))


def first_points(space: Space) -> list[Values]:
    """What a search begins with: the first kind's defaults on every depth, of many depths also standardised.

    Features matter more than heads, and ridge says in a moment which are worth it. On the features on which
    it was best, of these five, logistic regression was at its best, too, on four of four data sets, kernel
    ridge on three of six, and within 2 % of it on two more (lite0, 2026-11-23, n = 1). The last depth comes
    last: it is that of the plain probe, which is there already.

    Discriminants follow as soon as ridge has paid for nearly all that they take: of many classes they are
    often the better ones, and where there is time for few trials there may be none later.
    """
    thumb = space.rules_of_thumb()[0]
    depths = _beginning_elsewhere(space, "depths", thumb)
    scalings = [thumb["scaling"]] if "scaling" in space.axes else []
    if scalings and scalings[0] != STANDARDISED and space.axes["scaling"].contains(STANDARDISED):
        scalings.append(STANDARDISED)
    many = [one for one in depths if one.get("depths", space.defaults.get("depths")) != "last"]
    found = [{**one, "scaling": scaling} for scaling in scalings for one in many] or many
    paid, others = found[: len(many)], found[len(many) :]
    discriminants = chain.from_iterable(_discriminant(space, one) for one in paid)
    return [*paid, *discriminants, *others, *(one for one in depths if one not in many)]


def _discriminant(space: Space, values: Values) -> list[Values]:
    """One on the same features, unless there is none or its shrinkage was asked for."""
    others = [one for thumb in space.rules_of_thumb()[1:] for one in _with_shrinkages(thumb)[1:2]]
    return [{**one, **_features(values)} for one in others]


def _features(values: Values) -> Values:
    """What of a point is no head's."""
    return {name: value for name, value in values.items() if not name.startswith(HEAD)}


def next_points(
    space: Space, first: Sequence[Values], trials: Sequence[Trial], *, few: bool = False
) -> list[Values]:
    """What follows once the first points are answered: other kinds' defaults on the best of their features.

    Args:
        space: what is searched.
        first: the first points that were asked for.
        trials: of the study.
        few: whether there will be so few more that only a network trained by the rule of thumb is worth one.
    """
    known = {trial.key: trial for trial in trials if trial.state != "running"}
    answered = [known.get(fingerprint(values)) for values in first]
    complete = [trial for trial in answered if trial and trial.state == "complete"]
    if None in answered or not complete:
        return []
    best = min(complete, key=lambda trial: trial.value or 0.0)
    finetuned = [*finetuned_by_rule(space, best.values)]
    if few:
        return finetuned
    shared = _features(best.values)
    thumbs = [one for thumb in space.rules_of_thumb()[1:] for one in _with_shrinkages(thumb)]
    found = [{**thumb, **shared} for thumb in thumbs]
    if "scaling" in space.axes:
        found += [{**best.values, "scaling": value} for value in space.axes["scaling"].grid()]
    return found + finetuned


def _with_shrinkages(thumb: Values) -> list[Values]:
    """A rule of thumb, and others that leave less to it."""
    if thumb.get(SHRINKAGE, 0) is not None:
        return [thumb]
    return [thumb, *({**thumb, SHRINKAGE: each} for each in SHRINKAGES)]


def finetuned_by_rule(space: Space, values: Values) -> Iterator[Values]:
    """A point fine-tuned to every depth that is searched, by the rule of thumb, the shallowest first."""
    if STAGES not in space.axes:
        return
    own = [name for name in space.axes if name.startswith(FINETUNE) and name != STAGES]
    for stages in space.axes[STAGES].grid():
        if stages:
            rest = {name: within(space.axes[name], space.defaults[name]) for name in own}
            yield {**values, STAGES: stages, **rest}


def _beginning_elsewhere(space: Space, name: str, thumb: Values) -> list[Values]:
    """A point with every value of a choice, the point's own last; the point alone where it is no axis."""
    axis = space.axes.get(name)
    others = [value for value in axis.grid() if value != thumb[name]] if axis else []
    return [*({**thumb, name: value} for value in others), thumb]


def recipe_of(asked: Recipe, space: Space, values: Values) -> Recipe:
    """The complete recipe that a point means."""
    others, head = space.others(values), space.head(values)
    if asked.head and type(head) is type(asked.head):
        # What the recipe says holds where it is no axis.
        own = [each.name for each in fields(head) if f"{HEAD}{kind_of(head)}.{each.name}" not in space.axes]
        head = replace(head, **{name: getattr(asked.head, name) for name in own})
    return replace(
        asked,
        backbones=_networks(others["backbones"]),
        depths=others["depths"],
        scaling=others["scaling"],
        views=others["views"],
        head=head,
        finetune=finetune_of(others),
    )


def _suits(kind: str, asked: Recipe, dataset: Dataset) -> bool:
    try:
        require_suitable(replace(asked, head=HEADS[kind]()), dataset)
    except (RecipeError, DataError):
        return False
    return True
