from dataclasses import replace
from pathlib import Path

import pytest

from regraft.core.errors import RecipeError
from regraft.data import Dataset, Example
from regraft.pipeline import Recipe
from regraft.pipeline.tuning.asked import Search
from regraft.pipeline.tuning.plan import first_points, next_points, recipe_of, space_for
from regraft.search import Choice, Range, Space, Trial
from regraft.training import Finetune, hyper_rule

ASKED = Recipe(("lite0",), head=None)


def dataset(count: int = 40) -> Dataset:
    examples = tuple(Example(Path(f"/x/{i}.png"), i % 2, f"{i:064x}") for i in range(count))
    return Dataset(Path("/x"), ("a", "b"), examples)


def of(*changes: str, asked: Recipe = ASKED, count: int = 40) -> Space:
    return space_for(asked, Search(changes), dataset(count))


def test_by_default_networks_stay_as_they_came() -> None:
    space = of()
    assert not [name for name in space.axes if name.startswith("finetune")]
    assert all(recipe_of(ASKED, space, values).finetune is None for values in space.rules_of_thumb())


def test_axes_have_the_types_of_their_fields() -> None:
    space = of(
        "finetune.learning_rate=1e-4..1e-1:log", "finetune.stages=0..3", "finetune.optimizer=sgd,adamw"
    )
    assert space.axes["finetune.stages"] == Range(0, 3, whole=True)
    assert space.axes["finetune.learning_rate"] == Range(1e-4, 1e-1, log=True)
    assert space.axes["finetune.optimizer"] == Choice(("sgd", "adamw"))
    names = [name for name in space.axes if name.startswith("finetune.")]
    assert names[0] == "finetune.stages"  # it switches the others on


def test_what_is_no_axis_is_the_rule_of_thumb() -> None:
    space = of("finetune.stages=0..3", "finetune.momentum=0.5,0.9", count=20_000)
    values = {"head.kind": "ridge", "finetune.stages": 2, "finetune.momentum": 0.5}
    expected = replace(hyper_rule(20_000), stages=2, momentum=0.5)
    assert recipe_of(ASKED, space, values).finetune == expected
    assert recipe_of(ASKED, space, {"head.kind": "ridge", "finetune.stages": 0}).finetune is None


def test_how_without_how_far_means_the_last_stage() -> None:
    space = of("finetune.learning_rate=0.001,0.01")
    recipes = [recipe_of(ASKED, space, values) for values in space.rules_of_thumb()]
    assert {recipe.finetune.stages for recipe in recipes if recipe.finetune} == {1}


def test_what_the_recipe_says_holds_where_it_is_no_axis() -> None:
    own = Finetune(2, 33, learning_rate=0.5)
    asked = replace(ASKED, finetune=own)
    assert recipe_of(asked, of(asked=asked), {"head.kind": "ridge"}).finetune == own
    space = of("finetune.steps=10,20", asked=asked)
    values = {"head.kind": "ridge", "finetune.steps": 20}
    assert recipe_of(asked, space, values).finetune == replace(own, steps=20)


def test_a_search_begins_without_and_goes_on_by_the_rule_on_the_best_features() -> None:
    space = of("finetune.stages=0,1,3", "finetune.learning_rate=1e-4..1e-1:log", "head.kind=ridge")
    first = first_points(space)
    assert {point["finetune.stages"] for point in first} == {0}
    trials = [Trial(i, point, "complete", 1.0 - 0.1 * i) for i, point in enumerate(first)]
    tuned = [point for point in next_points(space, first, trials) if point["finetune.stages"]]
    assert [point["finetune.stages"] for point in tuned] == [1, 3]
    assert {point["finetune.learning_rate"] for point in tuned} == {0.003}
    assert all(point["depths"] == first[-1]["depths"] for point in tuned)
    # Of a few trials none is spent on anything else.
    assert next_points(space, first[:1], trials[:1], few=True) == [
        {**point, **{name: value for name, value in first[0].items() if name != "finetune.stages"}}
        for point in tuned
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("finetune.stages=-1..2", "Finetune.stages is -1"),
        ("finetune.stages=0.5,1", "finetune.stages"),
        ("finetune.optimizer=1..2", "is no number"),
        ("finetune.step=10..20", "Did you mean finetune.steps"),
    ],
)
def test_what_makes_no_sense_is_refused(change: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        of(change)


def test_several_labels_are_refused() -> None:
    examples = tuple(Example(Path(f"/x/{i}.png"), -1, f"{i:064x}", labels=(i % 2,)) for i in range(40))
    several = Dataset(Path("/x"), ("a", "b"), examples, is_multilabel=True)
    with pytest.raises(RecipeError, match="fine-tuning learns one class each"):
        space_for(ASKED, Search(("finetune.stages=0,1",)), several)
