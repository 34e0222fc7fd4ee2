import pytest

from regraft.core.errors import RecipeError
from regraft.search import Choice, Range, require_pruner, require_sampler
from regraft.search.numbered import distribution


@pytest.mark.parametrize(
    ("require", "name", "said"),
    [
        (require_sampler, "tpr", "no sampler 'tpr'. Did you mean tpe"),
        (require_pruner, "medan", "no pruner 'medan'. Did you mean median"),
    ],
)
def test_a_name_that_is_unknown(require: object, name: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        require(name)


def test_axes_as_optuna_knows_them() -> None:
    assert distribution(Choice(("a", None))).choices == ("a", None)
    whole = distribution(Range(1, 8, log=True, whole=True))
    assert (whole.low, whole.high, whole.log, whole.step) == (1, 8, True, 1)
    stepped = distribution(Range(0, 1, step=0.4))
    assert (stepped.low, stepped.high, stepped.step) == (0, 0.8, 0.4)
    assert distribution(Range(1, 9, whole=True, step=5)).high == 6
