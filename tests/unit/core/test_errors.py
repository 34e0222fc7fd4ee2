import pytest

from regraft.core import errors
from regraft.core.errors import did_you_mean


@pytest.mark.parametrize(
    "name", ["DataError", "BackboneError", "RecipeError", "TrainingError", "ArtifactError"]
)
def test_one_except_clause_catches_everything_said_on_purpose(name: str) -> None:
    with pytest.raises(errors.RegraftError, match="what"):
        raise getattr(errors, name)("what")


def test_a_mistyped_name_is_answered_with_the_closest() -> None:
    assert did_you_mean("penatly", ["penalty", "seed"]) == "Did you mean penalty?"


def test_a_name_like_no_other_is_answered_with_a_few() -> None:
    assert did_you_mean("zzz", ["b", "a"]) == "Known are: a, b."
    many = did_you_mean("zzz", [f"name{i}" for i in range(9)])
    assert many.startswith("Known are, among others: name0, name1")
    assert many.endswith("name7.")
