"""Further views of images through a real network: mirrored features are those of mirrored images."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from regraft import Recipe, Search, fit, tune
from regraft.backbones import load
from regraft.data import read
from regraft.features import VARIANTS, FeatureStore, Representation, extract
from regraft.features import read as read_features
from regraft.heads import Ridge


def test_mirrored_views_are_views_of_mirrored_images(image_folder: Path, tmp_path: Path):
    mirrored = tmp_path / "mirrored"
    for file in sorted(image_folder.rglob("*.png"))[:6]:
        (mirrored / file.parent.name).mkdir(parents=True, exist_ok=True)
        with PIL.Image.open(file) as image:
            image.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT).save(mirrored / file.parent.name / file.name)
    originals, turned = read(image_folder), read(mirrored)
    names = {example.path.name for example in turned.examples}
    originals = originals.select([i for i, e in enumerate(originals.examples) if e.path.name in names])
    backbone, representation = load("lite0"), Representation(("lite0",), "last", "none")
    with FeatureStore(tmp_path / "store") as store:
        found = []
        for dataset, variant in ((originals, VARIANTS["mirrored"][1]), (turned, VARIANTS["plain"][0])):
            extract(dataset, backbone, store, variant=variant)
            hashes = [example.sha256 for example in dataset.examples]
            found.append(read_features(representation, {"lite0": backbone}, store, hashes, variant=variant))
    # An image whose sides differ by an odd number of pixels is cropped one pixel off its middle.
    likeness = [np.corrcoef(one, other)[0, 1] for one, other in zip(*found, strict=True)]
    assert min(likeness) > 0.98
    crossed = [np.corrcoef(one, other)[0, 1] for one, other in zip(found[0], found[1][::-1], strict=True)]
    assert min(crossed) < 0.9


def test_a_model_that_learnt_from_views_answers_plain_images(image_folder: Path, tmp_path: Path):
    recipe = Recipe(("lite0",), "last", "depth", Ridge(), views="mirrored")
    run = fit(image_folder, recipe=recipe, out=tmp_path / "run", budget="2m")
    assert run.report.data["chosen"]["views"] == "mirrored"
    assert run.report.data["test"]["accuracy"]["value"] > 0.6
    assert run.model.predict(next(image_folder.rglob("*.png")))[0].label in run.model.classes


@pytest.mark.slow
def test_a_search_finds_out_which_views_to_learn_from(image_folder: Path, tmp_path: Path):
    search = Search(("head.kind=ridge", "head.penalty=0.01,1", "views=plain,mirrored"), sampler="grid")
    recipe = Recipe(("lite0",), "last", "depth")
    run = tune(image_folder, search=search, recipe=recipe, out=tmp_path / "run", budget="1m")
    found = run.report.data["search"]
    tried = {(trial["values"]["views"], trial["values"]["head.ridge.penalty"]) for trial in found["trials"]}
    assert tried == {(views, penalty) for views in ("plain", "mirrored") for penalty in (0.01, 1)}
    assert found["counts"]["complete"] == 4
    # What was found is what a fit of that very recipe gives.
    best = found["trials"][found["best"]]
    head = Ridge(best["values"]["head.ridge.penalty"])
    fitted = fit(
        image_folder, recipe=replace(recipe, head=head, views=best["values"]["views"]), out=tmp_path / "again"
    )
    assert fitted.report.data["validation"]["log_loss"]["value"] == pytest.approx(best["value"], rel=1e-4)
