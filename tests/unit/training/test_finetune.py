import pytest

from regraft.core.errors import RecipeError
from regraft.core.hashing import plain
from regraft.core.settings import from_plain
from regraft.training import Finetune, hyper_rule


@pytest.mark.parametrize(
    ("examples", "steps", "mixup"),
    [(30, 500, 0), (19_999, 500, 0), (20_000, 10_000, 0.1), (499_999, 10_000, 0.1), (500_000, 20_000, 0.1)],
)
def test_the_rule_is_that_of_the_paper(examples: int, steps: int, mixup: float) -> None:
    rule = hyper_rule(examples)
    assert (rule.steps, rule.mixup) == (steps, mixup)
    assert (rule.optimizer, rule.momentum, rule.learning_rate, rule.weight_decay) == ("sgd", 0.9, 0.003, 0)
    changes = [step for step in range(1, steps) if rule.rate(step) != rule.rate(step - 1)]
    assert changes == [0.3 * steps, 0.6 * steps, 0.9 * steps]
    assert rule.rate(steps - 1) == pytest.approx(3e-6)


def test_defaults_are_the_rule_for_few_images() -> None:
    assert hyper_rule(100) == Finetune()


@pytest.mark.parametrize(
    ("decay", "first", "middle", "last"),
    [("constant", 1, 1, 1), ("cosine", 1, 0.5, 0.0245), ("linear", 1, 0.5, 0.1), ("step", 1, 0.1, 0.001)],
)
def test_schedules(decay: str, first: float, middle: float, last: float) -> None:
    settings = Finetune(steps=10, learning_rate=1, decay=decay)
    rates = [settings.rate(step) for step in (0, 5, 9)]
    assert rates == pytest.approx([first, middle, last], abs=1e-3)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"stages": -1}, r"Finetune.stages is -1; it must be at least 0"),
        ({"steps": 0}, r"Finetune.steps is 0"),
        ({"learning_rate": float("nan")}, r"Finetune.learning_rate is nan"),
        ({"optimizer": "nesterov", "momentum": 0.0}, "nesterov needs momentum"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        Finetune(**wrong)


def test_json_there_and_back() -> None:
    settings = Finetune(3, 20, optimizer="adamw", mixup=0.2)
    assert from_plain(Finetune, plain(settings)) == settings
    with pytest.raises(RecipeError, match="learning_rate"):
        from_plain(Finetune, {"lerning_rate": 0.1})
