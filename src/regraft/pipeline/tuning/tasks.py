"""Scaled features of the images for learning, and what heads made of them, kept while there is memory."""

from dataclasses import dataclass

from regraft.features import Affine, fit_affine
from regraft.pipeline.climb import Climb
from regraft.pipeline.machine import memory_bytes
from regraft.pipeline.model import Fitted, folded
from regraft.pipeline.recipe import Recipe
from regraft.search.held_out import Task
from regraft.search.shelf import Shelf

KEPT_FRACTION = 0.2
"""Of the memory, for scaled features and what heads made of them: later trials may want them again."""


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

    def of(self, recipe: Recipe) -> Task:
        """Scaled features of the images for learning, and what they are to be told apart by."""
        return self._scaled(recipe).task

    def fit(self, recipe: Recipe) -> Fitted:
        """A recipe's head fitted to all images for learning, from what trials have left of the work."""
        assert recipe.head is not None, "a trial names its head"
        scaled = self._scaled(recipe)
        return folded(scaled.task.rows.prepared.fit(recipe.head), scaled.affine)

    def __contains__(self, recipe: Recipe) -> bool:
        """Whether the features of a recipe are here."""
        return _name(recipe) in self._shelf

    def clear(self) -> None:
        """Drop everything: memory is wanted elsewhere."""
        self._shelf.clear()

    def _scaled(self, recipe: Recipe) -> Scaled:
        def make() -> Scaled:
            climb, representation = self.climb, recipe.representation
            raw = climb.trunk.read_views(representation, climb.dataset, recipe.views)
            cards = [climb.trunk.backbone(name).card for name in recipe.backbones]
            affine = fit_affine(representation, cards, raw[: len(climb.dataset)])
            given = (affine(raw), climb.truth, climb.class_count, climb.rounds, climb.weights)
            return Scaled(Task(*given, in_one=self.in_one), affine)

        return self._shelf.get(_name(recipe), make)


def _name(recipe: Recipe) -> tuple[object, ...]:
    return recipe.representation, recipe.views
