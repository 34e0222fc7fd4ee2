"""What a finished search has shown: importance, the winner's training score, ablation, and advice."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from regraft.core.hashing import plain
from regraft.core.settings import from_plain
from regraft.evaluation import Interval, headline
from regraft.pipeline.account import predict_part
from regraft.pipeline.climb import Climb
from regraft.pipeline.judging import Candidate
from regraft.pipeline.recipe import Recipe
from regraft.pipeline.scoring import answers_of
from regraft.pipeline.tuning.ablation import ablation
from regraft.pipeline.tuning.advice import Evidence, advice
from regraft.pipeline.tuning.asked import Search
from regraft.pipeline.tuning.paired import Paired
from regraft.pipeline.tuning.plan import recipe_of
from regraft.pipeline.tuning.progress import Comparisons
from regraft.pipeline.tuning.tries import Tries
from regraft.search import Space, Trial
from regraft.search.importance import importance, importance_for_best
from regraft.search.space import KIND
from regraft.training import Finetune


def analysed(trials: Sequence[Trial], best: Trial | None, tries: Tries, search: Search) -> dict[str, Any]:
    """The part of a search's account that is drawn from its trials as a whole.

    Args:
        trials: of the study.
        best: the one that was chosen, fitted to all images before: its fit is read, not made.
        tries: with the held-out predictions of the trials that were made here.
        search: how it was searched.
    """
    space, climb = tries.space, tries.climb
    if best is None:
        said = advice(Evidence(trials, space, None))
        return {
            "importance": {},
            "importance_for_best": {},
            "training": None,
            "ablation": None,
            "advice": said,
        }
    winner = climb.attempt(found_recipe(best, tries))
    # First: time was kept back for it, which the rest of the analysis would use up.
    rows = ablation(best, winner, trials, space=space, tasks=tries.tasks) if search.ablate else None
    kind = best.values[KIND]
    shares = importance(trials, space, kind)
    shares_for_best = importance_for_best(trials, space, kind)
    learnt = training_score(winner, climb) if _affords_look(winner, climb) else None
    paired = Paired(tries)
    found = Evidence(
        trials,
        space,
        best,
        shares,
        shares_for_best,
        compared=Comparisons(paired.difference, paired.images, tries.objective),
        training=None if learnt is None else (learnt.value, winner.score),
        ablation=rows or (),
        is_exhausted=_is_exhausted(trials, space, search),
        is_grid=search.sampler == "grid",
    )
    return {
        "importance": shares,
        "importance_for_best": shares_for_best,
        "training": None if learnt is None else {"learnt": plain(learnt), "held_out": plain(winner.score)},
        "ablation": rows,
        "advice": advice(found),
    }


def found_recipe(trial: Trial, tries: Tries) -> Recipe:
    """What a trial came to, with what its head found on its own, which would take as long to find again."""
    recipe = recipe_of(tries.climb.asked, tries.space, trial.values)
    head = from_plain(type(recipe.head), trial.details["head"], "the head of the best trial")
    if recipe.finetune:
        # Maybe with smaller batches than were asked for.
        settings = from_plain(Finetune, trial.details["finetune"], "the fine-tuning of the best trial")
        recipe = replace(recipe, finetune=settings)
    return replace(recipe, head=head)


def _affords_look(winner: Candidate, climb: Climb) -> bool:
    """Whether there is time for a trained network to look at the images that it learnt from."""
    if winner.recipe.finetune is None:
        return True
    rate = climb.trunk.backbone(winner.model.cards[0].name).measure_images_per_s()
    return not climb.budget.interrupted and climb.budget.affords(len(climb.dataset) / rate)


def training_score(winner: Candidate, climb: Climb) -> Interval:
    """How the model does on the very images that it was fitted to."""
    said = predict_part(climb.trunk, winner.model, climb.dataset)
    return headline(answers_of(winner.model, said, climb.dataset))


def _is_exhausted(trials: Sequence[Trial], space: Space, search: Search) -> bool:
    """Whether the grid, or a space that can be counted, was tried to its end."""
    if search.sampler != "grid" and not space.is_finite:
        return False
    return sum(1 for _ in islice(space.grid(), len(trials) + 1)) <= len(trials)
