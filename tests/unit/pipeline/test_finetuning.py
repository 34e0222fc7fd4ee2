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
from regraft.core.errors import BackboneError, RecipeError, TrainingError
from regraft.data import read
from regraft.features import FeatureStore
from regraft.heads import KernelRidge, Ridge
from regraft.pipeline import Recipe, Search
from regraft.pipeline import tune as tune_images
from regraft.pipeline.account import predict_part
from regraft.pipeline.budget import Budget
from regraft.pipeline.climb import Climb
from regraft.pipeline.cut import make_cut
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
        seen.append({row.tobytes() for row in lesson.rows})
        return whole(model, lesson, settings)

    monkeypatch.setattr(descent, "train", watched)
    *_, scores = job.held_out()
    rows = job.lesson.rows
    assert np.isfinite(scores[climb.held_out]).all()
    for number, learnt in enumerate(seen):
        out = climb.rounds[0] == number
        assert out.any()
        assert not {row.tobytes() for row in rows[out]} & learnt
        assert {row.tobytes() for row in rows[~out]} == learnt


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


def test_heads_that_are_not_linear_are_refused(climb: Climb) -> None:
    with pytest.raises(RecipeError, match="starts from a linear head, and kernel_ridge is none"):
        _ = tuned(climb, head=KernelRidge()).settled


def test_no_time_or_memory_for_the_fixed_part(climb: Climb, monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = climb.trunk.backbone(climb.asked.backbones[0])
    with pytest.raises(
        TrainingError, match=r"The fixed part would take .* s to look at .* images; 0 s are left"
    ):
        make_cut(backbone, 1, climb.dataset, most_s=1e-6)
    monkeypatch.setattr("regraft.pipeline.cut.memory_bytes", lambda: 1000.0)
    with pytest.raises(TrainingError, match=r"hands on of .* images needs 0 GB"):
        make_cut(backbone, 1, climb.dataset)


def test_networks_that_cannot_be_saved_are_refused_before_they_look(climb: Climb) -> None:
    with pytest.raises(BackboneError, match="cannot have other weights than its own"):
        make_cut(load("scratch:lenet5", runtime="torch"), 1, climb.dataset)


def test_several_networks_or_views_are_refused() -> None:
    for wrong in ({"backbones": ("lite0", "lite1")}, {"views": "mirrored"}):
        with pytest.raises(RecipeError, match="takes one network and plain views"):
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
