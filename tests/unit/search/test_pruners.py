import optuna
import pytest

from regraft.search import PRUNERS, pruner


@pytest.mark.parametrize("name", PRUNERS)
def test_the_hopeless_are_given_up_and_the_best_is_not(name: str) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(pruner=pruner(name, steps=9), sampler=optuna.samplers.RandomSampler(seed=0))
    given_up = {}
    for number in range(24):
        trial = study.ask()
        # The first trials are good ones, so that later ones are held against them.
        quality = number % 12
        for step in range(1, 10):
            trial.report(quality + 1 / step, step)
            if trial.should_prune():
                given_up[number] = step
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            study.tell(trial, quality)
    assert bool(given_up) == (name not in {"halving", "none"})
    assert 0 not in given_up
    assert 12 not in given_up or name == "hyperband"
