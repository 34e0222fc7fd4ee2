from pathlib import Path

import pytest

from regraft.cli.flags import RecipeFlags, recipe_from
from regraft.core.errors import RecipeError
from regraft.core.files import write_json
from regraft.core.settings import knobs
from regraft.heads import Logistic, Ridge
from regraft.pipeline import Recipe

MINE = Recipe(("lite2",), "all", "feature", Logistic(penalty=2.0), "balanced", 0.3, 7, 5, "torch")


def test_there_is_a_flag_for_every_knob() -> None:
    assert set(vars(RecipeFlags())) == set(knobs(Recipe))


def test_without_flags_and_file_the_defaults_hold() -> None:
    assert recipe_from(None, RecipeFlags()) == Recipe()


def test_a_file_is_taken_as_it_is(tmp_path: Path) -> None:
    write_json(tmp_path / "recipe.json", MINE.to_json())
    assert recipe_from(tmp_path / "recipe.json", RecipeFlags()) == MINE


def test_flags_override_a_file(tmp_path: Path) -> None:
    write_json(tmp_path / "recipe.json", MINE.to_json())
    flags = RecipeFlags(backbones="lite0, lite1", head="ridge", seed=0, class_weights="none")
    recipe = recipe_from(tmp_path / "recipe.json", flags)
    assert recipe == Recipe(("lite0", "lite1"), "all", "feature", Ridge(), "none", 0.3, 7, 0, "torch")


def test_a_value_that_makes_no_sense() -> None:
    with pytest.raises(RecipeError, match=r"Recipe.test_fraction is 5.0"):
        recipe_from(None, RecipeFlags(test_fraction=5.0))
    with pytest.raises(RecipeError, match="There is no head 'forest'"):
        recipe_from(None, RecipeFlags(head="forest"))
