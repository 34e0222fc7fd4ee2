"""Scaled features of the images for learning, and what heads made of them, kept while there is memory."""

from dataclasses import dataclass, replace
from functools import partial

from regraft.core.arrays import Scores
from regraft.features import Affine, fit_affine
from regraft.heads.prepared import shares
from regraft.pipeline.climb import Climb
from regraft.pipeline.judging import Candidate
from regraft.pipeline.machine import memory_bytes
from regraft.pipeline.model import Fitted, Made, folded
from regraft.pipeline.recipe import Head, Recipe, head_of
from regraft.search.held_out import Task, chosen_and_scored, fitted
from regraft.search.memory import is_out_of_memory
from regraft.search.shelf import Shelf

KEPT_FRACTION = 0.2
"""Of the memory, for scaled features and what heads made of them: later trials may want them again, and so do
the fits to all images."""


@dataclass(frozen=True)
class Scaled:
    """What heads are judged on, and what scaled its features."""

    task: Task
    affine: Affine

    @property
    def nbytes(self) -> int:
        """Of the former, which is nearly all."""
        return self.task.nbytes


class Tasks:
    """What heads are judged on, for one choice of features after another; see `Task` for `in_one`."""

    def __init__(self, climb: Climb, *, in_one: bool) -> None:
        self.climb, self.in_one = climb, in_one
        self._shelf = Shelf(KEPT_FRACTION * memory_bytes())
        self._fits: list[tuple[Recipe, Fitted]] = []

    def of(self, recipe: Recipe) -> Task:
        """Scaled features of the images for learning, and what they are to be told apart by."""
        return self._scaled(recipe).task

    def attempt(self, recipe: Recipe, *, known: Scores | None = None) -> Candidate:
        """`Climb.attempt`, with the work that heads share done once for all on these features.

        `known` are its held-out scores [n, k], where it is to be fitted alone. Where memory is lacking for
        what is shared, it does without.
        """
        head = recipe.head
        if head is None or recipe.finetune:
            return self.climb.attempt(recipe, known=known)
        if known is not None:
            return self.climb.attempt(recipe, make=lambda: (head, known, self.fit(recipe)))
        if shares(head):
            try:
                return self.climb.attempt(recipe, make=partial(self._made, recipe, head))
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
            self.clear()
        return self.climb.attempt(recipe)

    def fit(self, recipe: Recipe) -> Fitted:
        """A recipe's head fitted to all images for learning, from what trials have left of the work.

        Where memory is lacking for that, once more from the features on.
        """
        # The best trial is often a part of a blend as well.
        if (known := next((made for one, made in self._fits if one == recipe), None)) is not None:
            return known
        made = None
        try:
            made = self._fit(recipe)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        if made is None:
            self.clear()
            made = self._fit(recipe)
        self._fits.append((recipe, made))
        return made

    def _made(self, recipe: Recipe, head: Head) -> Made:
        is_first, task = _name(recipe) not in self._shelf, self.of(recipe)
        began_s, alone = self.climb.budget.spent_s, self.climb.folds_for(head, recipe.views) is None
        head, scores = chosen_and_scored(head, task, alone=alone)
        fit = self._fit(replace(recipe, head=head))
        if is_first:
            self.climb.timed(recipe, self.climb.budget.spent_s - began_s)
        return head, scores, fit

    def _fit(self, recipe: Recipe) -> Fitted:
        scaled = self._scaled(recipe)
        return folded(fitted(head_of(recipe), scaled.task), scaled.affine)

    def knows(self, recipe: Recipe) -> bool:
        """Whether a trial of its kind of head has left work on its features."""
        return _name(recipe) in self._shelf and self.of(recipe).rows.prepared.knows(recipe.head)

    def is_decomposed(self, recipe: Recipe) -> bool:
        """Whether a trial has left the spectrum of all images on its features."""
        return _name(recipe) in self._shelf and self.of(recipe).rows.prepared.dealt.gathered.is_decomposed

    def clear(self) -> None:
        """Drop everything: memory is wanted elsewhere."""
        self._shelf.clear()
        self._fits.clear()

    def _scaled(self, recipe: Recipe) -> Scaled:
        def make() -> Scaled:
            climb, representation = self.climb, recipe.representation
            raw = climb.trunk.read_views(representation, climb.dataset, recipe.views)
            affine = fit_affine(representation, climb.cards(recipe), raw[: len(climb.dataset)])
            given = (affine(raw), climb.truth, climb.class_count, climb.rounds, climb.weights)
            return Scaled(Task(*given, in_one=self.in_one), affine)

        return self._shelf.get(_name(recipe), make)


def _name(recipe: Recipe) -> tuple[object, ...]:
    return recipe.representation, recipe.views
