"""The ladder: what is tried, in which order, and what must be true for a rung to be kept.

Every rung starts from the best so far, costs more, and has to earn its place on images that its fits did not
see. Read `LADDER` at the end first.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from regraft.core.errors import BackboneError, RecipeError, TrainingError
from regraft.evaluation import Interval
from regraft.heads import Logistic, Ridge
from regraft.pipeline.climb import Climb
from regraft.pipeline.judging import Candidate
from regraft.pipeline.recipe import Recipe


@dataclass(frozen=True)
class Rung:
    """A name and the recipes worth trying there, given what has been learnt below."""

    name: str
    propose: Callable[[Climb], Iterator[Recipe]]


@dataclass(frozen=True)
class Step:
    """What happened on a rung. `validation` is the score of its best candidate, where there was one."""

    rung: str
    seconds: float
    validation: Interval | None
    adopted: bool
    reason: str


def climb_ladder(climb: Climb, rungs: Sequence[Rung]) -> Iterator[Step]:
    """Go up rung by rung to the top, or until the budget ends."""
    seen: set[Recipe] = set()
    for rung in rungs:
        started, before = climb.budget.spent_s, climb.best
        tried: list[Candidate] = []
        refusals: dict[tuple[str, ...], str] = {}
        for proposed in rung.propose(climb):
            recipe = pinned(proposed, climb.asked)
            if recipe in seen:
                continue
            seen.add(recipe)
            if refusal := climb.refuses(recipe):
                refusals.setdefault(recipe.backbones, refusal)
                continue
            try:
                tried.append(climb.attempt(recipe))
            except (BackboneError, RecipeError, TrainingError) as error:
                if not climb.knows_images:
                    raise
                refusals.setdefault(recipe.backbones, str(error))
                continue
            climb.adopt_if_better(tried[-1])
        seconds = climb.budget.spent_s - started
        if tried:
            best = min(tried, key=lambda candidate: candidate.loss)
            yield Step(rung.name, seconds, best.score, best is climb.best, climb.explain(best, before))
        else:
            reason = "; ".join(dict.fromkeys(refusals.values())) or "nothing left to choose"
            yield Step(rung.name, seconds, None, adopted=False, reason=reason)


def pinned(recipe: Recipe, asked: Recipe) -> Recipe:
    """A proposal with whatever was asked for in place of what the rung would have tried."""
    return replace(
        recipe,
        depths=asked.depths or recipe.depths,
        scaling=asked.scaling or recipe.scaling,
        head=asked.head or recipe.head,
    )


def as_asked(climb: Climb) -> Iterator[Recipe]:
    """The recipe itself, where it leaves nothing to choose."""
    yield climb.asked


def probe(climb: Climb) -> Iterator[Recipe]:
    """The last stage of the first network under a closed-form linear head: what most people would do."""
    first = climb.asked.backbones[:1]
    yield replace(climb.asked, backbones=first, depths="last", scaling="depth", head=Ridge(), finetune=None)


def deeper(climb: Climb) -> Iterator[Recipe]:
    """All stages of the same network, also on a grid: no further forward pass."""
    for depths in ("all", "grid"):
        yield replace(best_recipe(climb), depths=depths, head=Ridge())


def rescaled(climb: Climb) -> Iterator[Recipe]:
    """Every feature counts the same instead of every depth, or each as much as it varies."""
    for scaling in ("feature", "none"):
        yield replace(best_recipe(climb), scaling=scaling, head=Ridge())


def wider(climb: Climb) -> Iterator[Recipe]:
    """The next networks beside the first, each at all stages and on a grid."""
    for name in climb.asked.backbones[1:]:
        best = best_recipe(climb)
        for depths in ("all", "grid"):
            yield replace(best, backbones=(*best.backbones, name), depths=depths, head=Ridge())


def other_heads(climb: Climb) -> Iterator[Recipe]:
    """The best features under a loss that is made for classes."""
    yield replace(best_recipe(climb), head=Logistic())


def finetuned(climb: Climb) -> Iterator[Recipe]:
    """The best so far with the network's last stages trained as the recipe says."""
    yield replace(best_recipe(climb), finetune=climb.asked.finetune)


def best_recipe(climb: Climb) -> Recipe:
    """Where the next rung starts. The majority class, which has no features, leaves it at the probe."""
    if climb.best is None or not climb.best.model.cards:
        return next(probe(climb))
    return climb.best.recipe


LADDER = (
    Rung("probe", probe),
    Rung("depths", deeper),
    Rung("scaling", rescaled),
    Rung("backbones", wider),
    Rung("heads", other_heads),
)


def rungs_for(asked: Recipe) -> tuple[Rung, ...]:
    """The ladder, with a rung more where a network is to be trained; or a complete recipe alone."""
    if asked.is_complete:
        return (Rung("recipe", as_asked),)
    return (*LADDER, Rung("fine-tuning", finetuned)) if asked.finetune else LADDER
