"""Fine-tuning a small real network on images of three colours."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from regraft.backbones import load
from regraft.backbones.names import weights_file
from regraft.core.errors import BackboneError, RecipeError, TrainingError
from regraft.data import read
from regraft.features import FeatureStore
from regraft.heads import KernelRidge, Ridge
from regraft.pipeline import Recipe, Search, clear_cache
from regraft.pipeline import fit as fit_images
from regraft.pipeline import load as load_model
from regraft.pipeline import tune as tune_images
from regraft.pipeline.account import predict_part
from regraft.pipeline.budget import Budget
from regraft.pipeline.climb import Climb
from regraft.pipeline.cut import Patience, make_cut
from regraft.pipeline.finetuning import FineTuning
from regraft.pipeline.fit import begin, in_random_order
from regraft.pipeline.trunk import Trunk
from regraft.training import Finetune, descent

SETTINGS = Finetune(2, 5, 8, learning_rate=0.01)


@pytest.fixture(scope="module")
def name(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        save_file(timm.create_model("test_resnet").state_dict(), file)
    return f"timm:test_resnet@{file}:32px"


@pytest.fixture
def climb(name: str, paint: Callable[..., Path], tmp_path: Path, empty_cache: Path) -> Climb:
    asked = Recipe((name,), "all", "depth", Ridge(), runtime="torch", together="given")
    trunk = Trunk(in_random_order(read(paint(each=12))), FeatureStore(tmp_path / "store"), "torch")
    return begin(asked, trunk, Budget(60.0))[0]


def tuned(climb: Climb, settings: Finetune = SETTINGS, **changes: object) -> FineTuning:
    return FineTuning(climb, replace(climb.asked, finetune=settings, **changes))


def test_no_network_saw_what_it_is_judged_on(climb: Climb, monkeypatch: pytest.MonkeyPatch) -> None:
    job, seen = tuned(climb), []
    whole = descent.train

    def watched(model, lesson, settings):
        seen.append(set(lesson.index.tolist()))
        return whole(model, lesson, settings)

    monkeypatch.setattr(descent, "train", watched)
    *_, scores = job.held_out()
    assert np.isfinite(scores[climb.held_out]).all()
    for number, learnt in enumerate(seen):
        out = climb.rounds[0] == number
        assert out.any()
        assert learnt == set(np.flatnonzero(~out).tolist())


def test_every_fold_starts_from_the_network_as_it_came(climb: Climb) -> None:
    job = tuned(climb)
    *_, first = job.held_out()
    *_, again = job.held_out()
    np.testing.assert_array_equal(first, again)


def test_the_model_is_what_was_trained_and_its_network_can_be_had_by_name(climb: Climb) -> None:
    job = tuned(climb)
    model, scores = job.fit()
    (card,) = model.cards
    before = load(climb.asked.backbones[0], runtime="torch")
    after = load(card.name, runtime="torch")
    assert after.card.stages == before.card.stages
    assert after.card.sha256 == card.sha256 != before.card.sha256
    # What stays fixed gives what it gave, what was trained does not.
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    old, new = before.embed(images), after.embed(images)
    first, last = before.card.blocks[0], before.card.blocks[len(before.card.stages) - 1]
    np.testing.assert_array_equal(old[:, first.start : first.stop], new[:, first.start : first.stop])
    assert np.abs(old - new)[:, last.start : last.stop].max() > 1e-3
    said = predict_part(climb.trunk, model, climb.dataset)
    assert (said.argmax(1) == climb.dataset.labels).mean() > 0.9
    assert scores.shape == said.shape
    assert model.recipe.finetune == SETTINGS
    assert model.recipe.head.penalty is not None


def test_known_scores_are_taken_as_they_are(climb: Climb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FineTuning, "held_out", lambda self: pytest.fail("it trains once for each fold"))
    known = np.zeros((len(climb.dataset), 3), np.float32)
    assert tuned(climb).fit(known)[1] is known


def test_trials_that_train_as_many_stages_share_what_is_fixed(climb: Climb) -> None:
    first, other, deeper = (
        tuned(climb, replace(SETTINGS, steps=s, stages=n)) for s, n in ((1, 2), (2, 2), (1, 3))
    )
    assert first.lesson.handed is other.lesson.handed
    assert first.lesson.handed is not deeper.lesson.handed


def test_its_cost_grows_with_its_steps(climb: Climb) -> None:
    few, many = (tuned(climb, replace(SETTINGS, steps=steps)).cost_s() for steps in (5, 5000))
    assert many > 20 * few > 0


def test_a_climb_refuses_a_training_for_which_there_is_no_time(climb: Climb) -> None:
    climb.adopt_if_better(climb.attempt(replace(climb.asked, head=Ridge(1.0))))
    recipe = replace(climb.asked, finetune=replace(SETTINGS, steps=100_000))
    assert "it would take" in climb.refuses(recipe)
    assert climb.refuses(replace(climb.asked, finetune=SETTINGS)) == ""
    assert "1 to 5 of them can be trained" in climb.refuses(replace(recipe, finetune=Finetune(9)))


def test_a_training_can_be_stopped_at_any_step(climb: Climb) -> None:
    asked = iter([False] * 10 + [True])
    job = replace(tuned(climb), patience=Patience(should_stop=lambda: next(asked)))
    with pytest.raises(TrainingError, match="stopped before the network was trained"):
        list(job.held_out())


def test_heads_that_are_not_linear_are_refused(climb: Climb) -> None:
    with pytest.raises(RecipeError, match="starts from a linear head, and kernel_ridge is none"):
        _ = tuned(climb, head=KernelRidge()).settled


def test_no_time_or_memory_for_the_fixed_part(climb: Climb, monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = climb.trunk.backbone(climb.asked.backbones[0])
    with pytest.raises(
        TrainingError, match=r"The fixed part would take .* s to look at .* images; 0 s are left"
    ):
        make_cut(backbone, 1, climb.dataset, patience=Patience(1e-6))
    with pytest.raises(TrainingError, match="stopped before the fixed part"):
        make_cut(backbone, 1, climb.dataset, patience=Patience(should_stop=lambda: True))
    monkeypatch.setattr("regraft.pipeline.cut.memory_bytes", lambda: 1000.0)
    with pytest.raises(TrainingError, match=r"hands on of .* images needs 0 GB"):
        make_cut(backbone, 1, climb.dataset)


def test_networks_that_cannot_be_saved_are_refused_before_they_look(climb: Climb) -> None:
    with pytest.raises(BackboneError, match="cannot have other weights than its own"):
        make_cut(load("scratch:lenet5", runtime="torch"), 1, climb.dataset)


def test_several_networks_or_views_or_no_stage_are_refused() -> None:
    with pytest.raises(RecipeError, match="stages is 0: leave `finetune` out"):
        Recipe(("lite0",), finetune=Finetune(0))
    for wrong in ({"backbones": ("lite0", "lite1")}, {"views": "mirrored"}):
        with pytest.raises(RecipeError, match="takes one network, as in --backbones lite0, and plain views"):
            Recipe(finetune=Finetune(), **({"backbones": ("lite0",)} | wrong))


def searched(climb: Climb, tmp_path: Path, *space: str, trials: int = 2) -> list[dict]:
    run = tune_images(
        climb.trunk.images.root,
        search=Search(("finetune.stages=1", "finetune.steps=3", *space), trials=trials),
        recipe=climb.asked,
        out=tmp_path / "run",
        budget="5m",
    )
    return run.report.data["search"]["trials"]


def test_what_diverges_fails_with_a_reason_and_ends_nothing(
    climb: Climb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = descent.train

    def wild(model, lesson, settings):
        if settings.learning_rate > 0.01:
            with torch.no_grad():
                model.head.weight.fill_(float("nan"))
        return whole(model, lesson, settings)

    monkeypatch.setattr(descent, "train", wild)
    trials = searched(climb, tmp_path, "finetune.learning_rate=0.01,0.02", trials=8)
    states = {trial["values"]["finetune.learning_rate"]: trial["state"] for trial in trials}
    assert states == {0.01: "complete", 0.02: "failed"}
    reasons = {trial["reason"] for trial in trials if trial["state"] == "failed"}
    assert len(reasons) == 1
    assert "diverged at step 1 with the learning rate 0.02" in reasons.pop()


def test_where_memory_is_lacking_half_the_batch_is_tried(
    climb: Climb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = descent.train

    def lacking(model, lesson, settings):
        if settings.batch_size > 32:
            raise MemoryError
        return whole(model, lesson, settings)

    monkeypatch.setattr(descent, "train", lacking)
    trials = searched(climb, tmp_path)
    assert [trial["state"] for trial in trials] == ["complete"] * 2
    for trial in trials:
        assert trial["details"]["retried"] == "out of memory with batches of 64, so 32 were taken"
        assert trial["details"]["finetune"]["batch_size"] == 32


def test_settings_that_make_no_sense_together_fail_alone(climb: Climb, tmp_path: Path) -> None:
    space = ("finetune.optimizer=sgd,nesterov", "finetune.momentum=0,0.9")
    trials = searched(climb, tmp_path, *space, trials=8)
    reasons = {trial["reason"] for trial in trials if trial["state"] == "failed"}
    assert len(reasons) == 1
    assert "nesterov needs momentum" in reasons.pop()
    assert "complete" in {trial["state"] for trial in trials}


def test_no_blend_is_made_of_networks_that_are_gone(climb: Climb, tmp_path: Path) -> None:
    run = tune_images(
        climb.trunk.images.root,
        search=Search(("finetune.steps=2,3", "depths=last,all"), trials=5),
        recipe=replace(climb.asked, depths=None),
        out=tmp_path / "run",
        budget="5m",
    )
    assert {trial["details"]["finetune"]["stages"] for trial in run.report.data["search"]["trials"]} == {1}
    assert [step["rung"] for step in run.report.data["ladder"]] == ["majority class", "probe", "search"]


@pytest.mark.slow
def test_a_ladder_trains_a_network_last_and_keeps_it_only_if_that_helps(climb: Climb, tmp_path: Path) -> None:
    asked = Recipe(climb.asked.backbones, runtime="torch", together="given", finetune=SETTINGS)
    run = fit_images(climb.trunk.images.root, recipe=asked, out=tmp_path / "run", budget="5m")
    *before, last = run.report.data["ladder"]
    assert last["rung"] == "fine-tuning"
    assert [step["rung"] for step in before][:3] == ["majority class", "probe", "depths"]
    assert (run.report.data["chosen"]["finetune"] is not None) == last["adopted"]
    wild = replace(asked, finetune=replace(SETTINGS, stages=99))
    run = fit_images(climb.trunk.images.root, recipe=wild, out=tmp_path / "wild", budget="5m")
    assert "1 to 5 of them can be trained, not 99" in run.report.data["ladder"][-1]["reason"]
    assert run.report.data["chosen"]["finetune"] is None


def test_ctrl_c_ends_training_where_there_is_something_else_to_keep(
    climb: Climb, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, steps = replace(climb.asked, finetune=SETTINGS), []
    whole = descent.train

    def interrupted(*given):
        for loss in whole(*given):
            steps.append(loss)
            climb.budget.interrupted = len(steps) >= 2
            yield loss

    monkeypatch.setattr(descent, "train", interrupted)
    climb.best = climb.attempt(climb.asked)
    with pytest.raises(TrainingError, match="stopped before the network was trained"):
        climb.attempt(recipe)
    assert len(steps) == 2
    # What was chosen already is trained to the end, and so is what nothing else stands for.
    known = np.zeros((len(climb.dataset), 3), np.float32)
    assert climb.attempt(replace(recipe, seed=1), known=known).recipe.finetune == SETTINGS
    assert len(steps) == 2 + SETTINGS.steps
    climb.best = climb.judge_majority()
    assert climb.attempt(replace(recipe, seed=2)).recipe.finetune == SETTINGS


def test_ctrl_c_ends_the_first_look_at_all_images(climb: Climb, monkeypatch: pytest.MonkeyPatch) -> None:
    climb.best = climb.attempt(climb.asked)
    whole = climb.trunk.cut

    def interrupted(*given):
        climb.budget.interrupted = True
        return whole(*given)

    monkeypatch.setattr(climb.trunk, "cut", interrupted)
    assert "was stopped" in climb.refuses(replace(climb.asked, finetune=SETTINGS))


def test_the_weights_of_a_run_are_those_in_its_folder(climb: Climb, tmp_path: Path) -> None:
    asked = replace(climb.asked, finetune=SETTINGS)
    run = fit_images(climb.trunk.images.root, recipe=asked, out=tmp_path / "run", budget="5m")
    (card,) = run.model.cards
    assert weights_file(card.name).parent == tmp_path / "run" / "model"
    before = run.model.predict(climb.dataset.paths[:3])
    clear_cache()
    again = load_model(tmp_path / "run")
    assert [one.label for one in again.predict(climb.dataset.paths[:3])] == [one.label for one in before]
    assert again.backbones[0].key == run.model.backbones[0].key  # wherever the weights lie
