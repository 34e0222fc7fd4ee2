import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from regraft.backbones import Backbone
from regraft.backbones.source_head import SourceHead
from regraft.core.errors import BackboneError, DataError, RecipeError
from regraft.data import read, split
from regraft.features import FeatureStore
from regraft.pipeline import Limits, Recipe, rank
from regraft.pipeline.ranking import contest, likeness
from regraft.report import rank_page, rank_text


@pytest.fixture
def zoo(monkeypatch, networks):
    """lite0 sees colours, lite1 sees next to nothing, lite2 sees colours and is large."""

    def load(name: str, *, runtime: str = "auto") -> Backbone:
        sharp = networks.load(name)

        def embed(images):
            rows = sharp.embed(images)
            return np.asarray(rows * (1e-3 if name.startswith("lite1") else 1) + _noise(rows), np.float32)

        large = name.startswith("lite2")
        card = replace(sharp.card, parameters=9_000_000 if large else 1_000_000, licence="MIT")
        head = SourceHead(np.eye(3, dtype=np.float32), np.zeros(3, np.float32), "head")
        return Backbone(card, "openvino", 0.0, embed, _read_source_head=lambda: head)

    monkeypatch.setattr(contest, "load", load)
    monkeypatch.setattr(likeness, "batch_statistics", lambda name, images: [])
    return networks


def _noise(rows):
    return np.random.default_rng(len(rows)).normal(0, 0.02, rows.shape)


def test_a_network_that_sees_next_to_nothing_comes_last(zoo, paint):
    found = rank(paint(each=40), ["lite1", "lite0"])
    assert found["recommended"] == "lite0"
    assert [row["name"] for row in found["candidates"]] == ["lite0", "lite1"]
    good, blind = found["candidates"]
    assert good["score"]["value"] > 0.95
    assert blind["behind"]["high"] < 0
    assert good["on_front"]
    assert found["rounds"][0]["images"] == 64


def test_the_images_kept_for_the_test_are_not_looked_at(zoo, paint):
    folder = paint(each=40)
    learning = split(read(folder), seed=0).without_test()
    assert rank(folder, ["lite0"])["images"] == len(learning) < 120


def test_what_was_looked_at_once_is_not_embedded_again(zoo, paint):
    folder = paint(each=20)
    first, again = rank(folder, ["lite0"]), rank(folder, ["lite0"])
    assert first["forward_passes"] > 0
    assert again["forward_passes"] == 0
    assert again["candidates"][0]["log_loss"] == first["candidates"][0]["log_loss"]


def test_a_race_that_ends_early_looks_at_no_image_of_a_later_round(zoo, paint):
    found = rank(paint(each=60), ["lite1", "lite0"])
    assert [one["images"] for one in found["rounds"]] == [64]
    assert found["forward_passes"] == 2 * 64


def test_copies_that_a_later_round_shows_are_held_out_together(zoo, tmp_path, paint):
    folder = paint(each=60)
    for number, path in enumerate(sorted(folder.glob("*/*.png"))):
        Image.open(path).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(path.parent / f"twin-{number}.png")
    judged = contest.Contest(split(read(folder), seed=0), FeatureStore())
    found = []
    for size in (64, 128):
        judged.standing("lite0", size)
        twins = Counter(example.group for example in judged.sample(size).examples if example.group)
        assert set(twins.values()) == {2}
        found.append(len(twins))
    assert 0 < found[0] < found[1]
    as_given = contest.Contest(split(read(folder), seed=0), FeatureStore(), Recipe(together="given"))
    as_given.standing("lite0", 128)
    assert not any(example.group for example in as_given.sample(128).examples)


def test_another_seed_looks_at_other_images_first_and_never_at_those_of_the_test(zoo, paint):
    folder = paint(each=60)
    parts = split(read(folder), seed=0)
    seen = [set(contest.Contest(parts, FeatureStore(), Recipe(seed=n)).sample(64).paths) for n in (0, 1)]
    assert seen[0] != seen[1]
    assert not (seen[0] | seen[1]) & set(parts.part("test").paths)
    assert rank(folder, ["lite0"], seed=1)["seed"] == 1
    with pytest.raises(RecipeError, match="seed"):
        rank(folder, ["lite0"], seed=-1)


def test_scores_have_intervals_and_the_source_head_is_asked(zoo, paint):
    row = rank(paint(each=30), ["lite0"])["candidates"][0]
    assert set(row["scores"]) == {
        *("ridge", "knn", "logme", "h_score", "sfda", "gbc", "n_leep", "leep", "nce"),
    }
    for score in row["scores"].values():
        assert score["low"] <= score["value"] <= score["high"]
    assert 0 < row["source"]["entropy"] <= 1
    assert row["source"]["shift"] is None


def test_the_default_is_what_is_bundled_at_its_own_size_if_images_are_large(zoo, paint, monkeypatch):
    found = rank(paint(each=10))
    named = {row["name"].partition(":")[0] for row in found["candidates"]} | set(found["refused"])
    assert {"lite0", "lite1", "lite2"} <= named


def test_who_breaks_a_limit_does_not_take_part(zoo, paint):
    folder = paint(each=10)
    found = rank(folder, ["lite0", "lite2"], limits=Limits(max_params=5))
    assert [row["name"] for row in found["candidates"]] == ["lite0"]
    assert found["refused"] == {"lite2": "9.0 million parameters, more than 5"}
    with pytest.raises(BackboneError, match=r"No network can take part\. lite2: 9\.0 million.*raise a limit"):
        rank(folder, ["lite2"], limits=Limits(max_params=5))


def test_a_mistyped_name_is_an_error_before_any_work(zoo, paint):
    with pytest.raises(BackboneError, match="There is no backbone 'light0'"):
        rank(paint(each=10), ["lite0", "light0"])
    assert zoo.sizes == []


def test_a_broken_file_is_left_out_and_listed(zoo, paint):
    folder = paint(each=12)
    (folder / "red" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n but no more")
    found = rank(folder, ["lite0", "lite2"])
    assert found["skipped"] == 1
    assert found["skipped_files"][0]["path"].endswith("broken.png")
    assert {row["images"] for row in found["candidates"]} == {found["images"]}


def test_three_images_of_a_class_are_enough(zoo, paint):
    found = rank(paint(each=3), ["lite0", "lite1"])
    assert found["recommended"] == "lite0"


def test_one_class_is_refused(zoo, paint):
    with pytest.raises(DataError, match="class"):
        rank(paint(each=5, classes=("red",)), ["lite0"])


def test_a_budget_that_is_over_ends_after_the_first_round(zoo, paint):
    found = rank(paint(each=60), ["lite0", "lite1"], budget=0.001)
    assert len(found["rounds"]) == 1
    with pytest.raises(RecipeError, match="budget"):
        rank(paint(each=3), ["lite0"], budget=0)


def test_text_json_and_page_tell_the_same(zoo, paint):
    found = rank(paint(name="<b>photos", each=30), ["lite0", "lite1", "lite2"])
    assert json.loads(json.dumps(found)) == found
    text, page = rank_text(found), rank_page(found)
    assert text.startswith("Start from lite")
    for row in found["candidates"]:
        assert row["name"] in text
        assert row["name"] in page
    assert "&lt;b&gt;photos" in page
    assert "<b>photos" not in page
    assert "<script" not in page


def test_several_labels_are_ranked_by_average_precision(zoo, paint, tmp_path):
    folder = paint(each=15)
    lines = ["path,label"]
    for file in sorted(folder.rglob("*.png")):
        extra = "|early" if int(file.stem[-2:]) < 8 else ""
        lines.append(f"{file},{file.parent.name}{extra}")
    table = tmp_path / "table.csv"
    table.write_text("\n".join(lines))
    found = rank(table, ["lite0", "lite1"])
    assert found["multilabel"]
    assert found["candidates"][0]["scores"] == {}
    assert "Mean average precision" in rank_text(found)
    assert "Scores of the literature" not in rank_page(found)
