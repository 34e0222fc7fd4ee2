"""Fine-tuning in a search: the network's own weights are among the settings."""

import csv
import json
import shutil
from pathlib import Path

import pytest

NETWORK = "lite0:32px"
FIXED = (
    "--backbones",
    NETWORK,
    "--head",
    "ridge",
    "--depths",
    "all",
    "--scaling",
    "depth",
    "--budget",
    "200s",
)
AXES = ("--space", "finetune.steps=3..6", "--space", "finetune.learning_rate=0.001..0.01:log")


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory, digits_folder: Path) -> tuple[Path, dict]:
    """A fit that was asked to fine-tune."""
    from tests.journey.conftest import CommandLine

    line = CommandLine(tmp_path_factory.mktemp("tuned"))
    line.folder.mkdir(exist_ok=True)
    recipe = {"backbones": [NETWORK], "depths": "all", "scaling": "depth", "head": "ridge"}
    asked = recipe | {"finetune": {"stages": 1, "steps": 10, "learning_rate": 1e-3}}
    (line.folder / "asked.json").write_text(json.dumps(asked))
    words = ("--recipe", "asked.json", "--together", "given", "--out", "run", "--json")
    found = line("fit", digits_folder, *words).json
    return line.folder / "run", found


@pytest.mark.slow
def test_a_search_begins_without_and_goes_on_with_the_rule_of_thumb(regraft, digits_folder: Path) -> None:
    words = ("--space", "finetune.stages=0,1", *AXES, "--trials", 8, "--out", "run", "--json")
    found = regraft("tune", digits_folder, *FIXED, *words).json["search"]
    assert found["counts"]["complete"] == 8
    first, second = (trial["values"] for trial in found["trials"][:2])
    assert first["finetune.stages"] == 0
    assert "finetune.steps" not in first
    assert (second["finetune.stages"], second["finetune.learning_rate"]) == (1, 0.003)
    for trial in found["trials"]:
        is_tuned = trial["values"]["finetune.stages"] == 1
        assert ("finetune.steps" in trial["values"]) == is_tuned
        assert ("finetune" in trial["details"]) == is_tuned


@pytest.mark.slow
def test_the_model_holds_its_own_network_and_can_be_moved(tuned, regraft, tmp_path: Path) -> None:
    run, found = tuned
    assert found["chosen"]["finetune"]["stages"] == 1, found["ladder"]
    moved = tmp_path / "elsewhere"
    shutil.copytree(run, moved)
    # Nothing of the cache that the search left there is needed.
    regraft.cache = tmp_path / "empty"
    with (run / "predictions.csv").open() as stream:
        said = {row["path"]: row for row in csv.DictReader(stream)}
    again = [json.loads(line) for line in regraft("predict", moved, *said, "--json").out.splitlines()]
    assert len(again) == len(said) > 10
    for one in again:
        before = said[one["path"]]
        assert one["label"] == before["predicted"]
        assert one["probability"] == pytest.approx(float(before["probability"]), abs=2e-3)


@pytest.mark.slow
def test_its_recipe_fits_it_again(tuned, regraft, digits_folder: Path) -> None:
    run, found = tuned
    words = ("--recipe", run / "recipe.json", "--out", "again", "--json")
    again = regraft("fit", digits_folder, *words).json
    assert again["chosen"] == found["chosen"]
    assert again["test"]["accuracy"]["value"] == pytest.approx(found["test"]["accuracy"]["value"], abs=0.02)


@pytest.mark.slow
def test_a_fine_tuned_run_is_a_backbone(tuned, regraft, digits_folder: Path) -> None:
    run, _ = tuned
    card = regraft("backbones", f"run:{run}", "--json").json
    assert "classes" in [stage["name"] for stage in card["stages"]]


@pytest.mark.slow
def test_weights_that_are_gone_or_damaged_are_said_to_be(
    tuned, regraft, digits_folder: Path, tmp_path: Path
) -> None:
    run, _ = tuned
    image = next(digits_folder.rglob("*.png"))
    broken = tmp_path / "broken"
    shutil.copytree(run, broken)
    (weights,) = (broken / "model").glob("network-*.safetensors")
    data = weights.read_bytes()
    weights.unlink()
    assert f"There is no weights file {weights}" in regraft.fails("predict", broken, image)
    weights.write_bytes(data[:-4] + b"\0\0\0\1")
    assert "are not those this model was fitted on" in regraft.fails("predict", broken, image)


def test_what_makes_no_sense_costs_nothing(regraft, digits_folder: Path) -> None:
    def refused(*words: object) -> str:
        said = regraft.fails("tune", digits_folder, "--out", "run", "--backbones", NETWORK, *words)
        assert not (regraft.folder / "run").exists()
        return said

    assert "Did you mean finetune.learning_rate" in refused("--space", "finetune.lerning_rate=0.1..1")
    assert "it must be at least 1e-06 and at most 10" in refused(
        "--space", "finetune.learning_rate=0.1..100:log"
    )
    assert "Did you mean sgd" in refused("--space", "finetune.optimizer=sdg,adam")
    assert "takes one network" in refused("--space", "finetune.stages=1", "--space", "backbones=lite0+lite1")
