"""The ladder: which recipes its rungs propose, and what an asked recipe pins."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from regraft.data import Dataset, Example
from regraft.heads import Logistic, Ridge
from regraft.pipeline.climb import Climb, are_independent
from regraft.pipeline.ladder import LADDER, best_recipe, pinned, probe
from regraft.pipeline.recipe import Recipe


def climb(asked: Recipe, best: Recipe | None = None, *, cards: tuple[str, ...] = ("a card",)) -> Climb:
    """A climb with what the rungs read of it, and no data."""
    state = Climb.__new__(Climb)
    state.asked = asked
    state.best = best and SimpleNamespace(recipe=best, model=SimpleNamespace(cards=cards))
    return state


def test_the_probe_is_the_last_stage_of_the_first_network_under_ridge():
    [recipe] = probe(climb(Recipe(backbones=("lite2", "lite0"))))
    assert (recipe.backbones, recipe.depths, recipe.head) == (("lite2",), "last", Ridge())


def test_every_rung_proposes_complete_recipes_that_start_from_the_best():
    best = Recipe(backbones=("lite0",), depths="all", scaling="feature", head=Ridge(penalty=0.1), seed=3)
    state = climb(Recipe(seed=3), best)
    for rung in LADDER:
        for recipe in rung.propose(state):
            assert recipe.is_complete, rung.name
            assert recipe.seed == 3, rung.name
            assert recipe.backbones[0] == "lite0", rung.name


def test_wider_adds_each_network_once():
    best = Recipe(backbones=("lite0",), depths="all", scaling="depth", head=Ridge())
    wider = next(rung for rung in LADDER if rung.name == "backbones")
    proposed = [recipe.backbones for recipe in wider.propose(climb(Recipe(), best))]
    assert set(proposed) == {("lite0", "lite2"), ("lite0", "lite1")}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (Recipe(), ("all", "depth", Ridge())),
        (Recipe(depths="last"), ("last", "depth", Ridge())),
        (Recipe(scaling="none"), ("all", "none", Ridge())),
        (Recipe(head=Logistic()), ("all", "depth", Logistic())),
    ],
)
def test_what_was_asked_for_replaces_what_a_rung_proposes(asked, expected):
    recipe = pinned(Recipe(depths="all", scaling="depth", head=Ridge()), asked)
    assert (recipe.depths, recipe.scaling, recipe.head) == expected


def test_the_majority_class_leaves_the_next_rung_at_the_probe():
    state = climb(Recipe(), Recipe(), cards=())
    assert best_recipe(state) == next(probe(state))


def examples(**changes: object) -> Dataset:
    one = [Example(Path(f"/{i}.png"), i % 2, f"{i:064x}", part="train") for i in range(4)]
    changed = [*one[:-1], Example(**{**{n: getattr(one[-1], n) for n in one[-1].__slots__}, **changes})]
    return Dataset(Path("/"), ("a", "b"), tuple(changed))


@pytest.mark.parametrize(
    ("changes", "independent"),
    [({}, True), ({"sha256": f"{0:064x}"}, False), ({"part": "val"}, False), ({"group": "alone"}, True)],
)
def test_images_are_left_out_alone_only_where_nothing_ties_them_together(changes, independent):
    assert are_independent(examples(**changes)) is independent
