from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from regraft.backbones import Backbone, Card, Stage
from regraft.core.errors import ArtifactError
from regraft.data import read
from regraft.features import PLAIN, VARIANTS, FeatureStore, Representation, extract, view_of
from regraft.features import read as read_features
from regraft.heads import Ridge

PX = 10
CARD = Card(
    name="pixels",
    architecture="none",
    sha256="none",
    licence="none",
    pretrained_on="nothing",
    image_px=PX,
    crop_fraction=1.0,
    interpolation="bicubic",
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    stages=(Stage("pixels", PX * PX * 3, is_map=False),),
    parameters=0,
    multiply_adds=0,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(6):
        place = tmp_path / "images" / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        shades = np.broadcast_to(number + 6 * np.arange(40)[:, None], (40, 40, 3)).astype(np.uint8)
        PIL.Image.fromarray(shades).save(place / f"{number}.png")
    return tmp_path / "images"


def test_every_variant_is_computed_once_under_its_own_key(folder, tmp_path):
    embedded = []

    def embed(images):
        embedded.append(len(images))
        return images.reshape(len(images), -1).astype(np.float32)

    backbone, dataset = Backbone(CARD, "torch", 0.0, embed), read(folder)
    hashes = [example.sha256 for example in dataset.examples]
    with FeatureStore(tmp_path / "store") as store:
        for _ in range(2):
            for variant in VARIANTS["both"]:
                extract(dataset, backbone, store, variant=variant)
        assert sum(embedded) == 4 * len(dataset)
        names = [stored.name for stored in store.summary()]
        assert names == ["pixels", "pixels cropped", "pixels mirrored", "pixels mirrored cropped"]
        representation = Representation(("pixels",), "last", "none")
        plain, mirrored, cropped, both = (
            read_features(representation, {"pixels": backbone}, store, hashes, variant=variant).reshape(
                len(dataset), PX, PX, 3
            )
            for variant in VARIANTS["both"]
        )
    np.testing.assert_array_equal(mirrored, plain[:, :, ::-1])
    np.testing.assert_array_equal(both, cropped[:, :, ::-1])
    # Shades rise evenly from left to right: a closer crop shows fewer of them.
    spans = [np.ptp(rows[:, PX // 2, :, 0], axis=1) for rows in (plain, cropped)]
    np.testing.assert_allclose(spans[1] / spans[0], PX / 12, rtol=0.03)  # Resized to 12 pixels.


def test_plain_features_are_found_by_whoever_stored_them_before_there_were_views():
    backbone = Backbone(CARD, "torch", 0.0, lambda images: images)
    assert PLAIN.key(backbone) == backbone.key
    assert len({variant.key(backbone) for variant in VARIANTS["both"]}) == 4
    assert PLAIN.view(backbone) == view_of(backbone)


def test_plain_views_come_first():
    assert all(variants[0] == PLAIN for variants in VARIANTS.values())


def test_features_may_be_read_into_a_mapped_file_and_fitted_from_there(folder, tmp_path):
    backbone = Backbone(CARD, "torch", 0.0, lambda images: images.reshape(len(images), -1) / np.float32(255))
    dataset = read(folder)
    hashes, labels = [example.sha256 for example in dataset.examples], dataset.labels
    where = (Representation(("pixels",), "last", "none"), {"pixels": backbone})
    shape = (len(hashes), CARD.width)
    with FeatureStore(tmp_path / "store") as store:
        extract(dataset, backbone, store)
        held = read_features(*where, store, hashes)
        file = np.lib.format.open_memmap(tmp_path / "features.npy", "w+", np.float16, shape)
        assert read_features(*where, store, hashes, out=file) is file
        with pytest.raises(ArtifactError, match="6 x 300"):
            read_features(*where, store, hashes, out=file[:3])
    np.testing.assert_array_equal(file, held)
    fitted, expected = (Ridge(0.1).fit(rows, labels, class_count=2) for rows in (file, held))
    np.testing.assert_allclose(fitted.weights, expected.weights, atol=1e-6)
