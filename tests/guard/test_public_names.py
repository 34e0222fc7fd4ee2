"""What `import regraft` offers. Whoever changes this list changes what others rely on."""

import importlib

import pytest

import regraft

PUBLIC = [
    "ArtifactError",
    "BackboneError",
    "DataError",
    "Dataset",
    "FeatureStore",
    "Limits",
    "Model",
    "Prediction",
    "Recipe",
    "RecipeError",
    "RegraftError",
    "Report",
    "Run",
    "Search",
    "TrainingError",
    "audit",
    "embed",
    "evaluate",
    "fit",
    "from_images",
    "load",
    "rank",
    "read",
    "read_folder",
    "read_recipe",
    "read_report",
    "read_table",
    "tune",
]


def test_the_public_names() -> None:
    assert sorted(regraft.__all__) == dir(regraft) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_is_there_and_documented(name: str) -> None:
    offered = getattr(regraft, name)
    assert callable(offered)
    assert offered.__doc__
    assert getattr(importlib.import_module(offered.__module__), name) is offered


def test_any_other_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="regraft has no 'train'"):
        _ = regraft.train
