import json
import subprocess
import sys
from pathlib import Path

import pytest

from regraft.core.errors import ArtifactError, RecipeError
from regraft.core.files import write_json
from regraft.heads import HEADS, Logistic, Ridge
from regraft.pipeline.recipe import Recipe, read_recipe


@pytest.mark.parametrize("kind", HEADS)
def test_a_recipe_with_every_head_goes_to_json_and_back(kind: str, tmp_path: Path) -> None:
    recipe = Recipe(("lite1", "lite0"), "all", "feature", HEADS[kind](), "balanced", 0.3, 7, 5, "torch")
    write_json(tmp_path / "recipe.json", recipe.to_json())
    assert read_recipe(tmp_path / "recipe.json") == recipe


def test_an_open_recipe_goes_to_json_and_back() -> None:
    assert Recipe.from_json(json.loads(json.dumps(Recipe().to_json()))) == Recipe()
    assert Recipe.from_json({}) == Recipe()


def test_a_head_may_be_named_alone_or_with_settings() -> None:
    assert Recipe.from_json({"head": "ridge"}).head == Ridge()
    assert Recipe.from_json({"head": {"kind": "logistic", "penalty": 2}}).head == Logistic(penalty=2.0)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"backbone": []}, "has no setting 'backbone'. Did you mean backbones?"),
        ({"depths": "gird"}, "Did you mean grid?"),
        ({"head": "rigde"}, "There is no head 'rigde'. Did you mean ridge?"),
        ({"head": {"penalty": 1}}, "There is no head None. Known are"),
        ({"head": {"kind": ["ridge"]}}, "There is no head"),
        ({"head": {"kind": "ridge", "penality": 1}}, "Did you mean penalty?"),
        ({"head": {"kind": "ridge", "penalty": -1}}, "penalty"),
        ({"head": 5}, "must be a name or an object of settings, not 5"),
        ({"seed": "0"}, "recipe.seed must be of type int"),
        ({"folds": 1}, "must be at least 2 and at most 50"),
        ({"test_fraction": 0.95}, "at most 0.9"),
        ({"backbones": []}, "one or more different names"),
        ({"backbones": ["lite0", "lite0"]}, "one or more different names"),
        ({"backbones": "lite0"}, "must be a list, not 'lite0'"),
        ([], "A recipe is a JSON object of settings, not"),
    ],
)
def test_what_is_no_recipe(value: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        Recipe.from_json(value)
    assert message in str(caught.value)
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(value))
    with pytest.raises(RecipeError, match=r"mine.json is no recipe: "):
        read_recipe(file)


def test_python_callers_are_checked_too() -> None:
    # In a process of its own: here the shape checks of the tests would speak first.
    code = """
import regraft
for wrong in ({"backbones": "lite0"}, {"depths": "gird"}, {"head": "ridge"}, {"class_weights": "yes"}):
    try:
        regraft.Recipe(**wrong)
    except regraft.RecipeError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "Recipe.backbones must be a tuple of names, not 'lite0'.",
        "Recipe.depths is 'gird'. Did you mean grid?",
        "Recipe.head must be settings such as Ridge(), not 'ridge'.",
        "Recipe.class_weights is 'yes'. Known are: balanced, none.",
    ]


def test_a_file_that_is_missing_or_not_json(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="Cannot read"):
        read_recipe(tmp_path / "none.json")
    (tmp_path / "cut.json").write_text('{"depths": ')
    with pytest.raises(ArtifactError, match="not valid JSON"):
        read_recipe(tmp_path / "cut.json")


def test_complete_means_nothing_is_left_to_choose() -> None:
    assert not Recipe().is_complete
    assert not Recipe(depths="all", scaling="depth").is_complete
    assert Recipe(depths="all", scaling="depth", head=Ridge()).is_complete
    with pytest.raises(RecipeError, match="depths or scaling open"):
        _ = Recipe(depths="all").representation
