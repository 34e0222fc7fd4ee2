from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from regraft.backbones import Backbone, Card, Stage
from regraft.core.errors import ArtifactError
from regraft.data import Dataset, read
from regraft.features import FeatureStore, extract, view_of

module = import_module("regraft.features.extract")  # the package's attribute of that name is the function
BATCH = 32
PX = 16
CARD = Card(
    name="colours",
    architecture="none",
    sha256="none",
    licence="none",
    pretrained_on="nothing",
    image_px=PX,
    crop_fraction=0.875,
    interpolation="bicubic",
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    stages=(Stage("colour", 3, is_map=False),),
    parameters=0,
    multiply_adds=0,
)
ALL = (slice(0, 3),)


class Colours:
    """A network whose features are the mean colour, and which counts what passes through it."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def embed(self, images: np.ndarray) -> np.ndarray:
        self.batches.append(len(images))
        return images.mean((1, 2), dtype=np.float32)

    @property
    def backbone(self) -> Backbone:
        return Backbone(CARD, "torch", 0.0, self.embed)


@pytest.fixture(autouse=True)
def batches_of_32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", BATCH)


@pytest.fixture
def colours() -> Colours:
    return Colours()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FeatureStore]:
    with FeatureStore(tmp_path / "cache") as opened:
        yield opened


@pytest.fixture
def folder(image_folder: Path, tmp_path: Path) -> Path:
    """Links to the shared images: other files may stand beside them."""
    root = tmp_path / "images"
    for file in sorted(image_folder.rglob("*.*")):
        target = root / file.relative_to(image_folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    return root


def stored(store: FeatureStore, backbone: Backbone, dataset: Dataset) -> np.ndarray:
    return store.read(backbone.key, [example.sha256 for example in dataset.examples], ALL)


def test_rows_are_those_of_every_image_by_itself(folder: Path, colours: Colours, store: FeatureStore) -> None:
    from regraft.data import decode

    dataset, view = read(folder), view_of(colours.backbone)
    done = extract(dataset, colours.backbone, store)
    assert done.complete
    assert done.skipped == ()
    assert done.forward_passes == len(dataset) == 40
    assert done.seconds > 0
    pixels = np.stack([view(decode(path, at_least_px=view.decode_px)) for path in dataset.paths])
    expected = pixels.mean((1, 2), dtype=np.float32)
    np.testing.assert_allclose(stored(store, colours.backbone, dataset), expected, rtol=1e-3)


def test_a_second_call_computes_nothing(folder: Path, colours: Colours, store: FeatureStore) -> None:
    extract(read(folder), colours.backbone, store)
    colours.batches.clear()
    done = extract(read(folder), colours.backbone, store)
    assert (done.forward_passes, done.complete, colours.batches) == (0, True, [])


def test_only_new_images_are_computed(folder: Path, colours: Colours, store: FeatureStore) -> None:
    extract(read(folder), colours.backbone, store)
    colours.batches.clear()
    first, second = sorted((folder / "discs").iterdir())[:2]
    first.rename(folder / "stripes" / "moved.jpg")  # the same bytes elsewhere
    second.write_bytes(second.read_bytes() + b"\0")  # other bytes, the same picture
    assert extract(read(folder), colours.backbone, store).forward_passes == 1
    assert colours.batches == [1]


def test_identical_images_are_computed_once(folder: Path, colours: Colours, store: FeatureStore) -> None:
    one = next((folder / "discs").iterdir())
    for copy in range(5):
        (folder / "discs" / f"copy{copy}{one.suffix}").write_bytes(one.read_bytes())
    dataset = read(folder)
    assert len(dataset) == 45
    assert extract(dataset, colours.backbone, store).forward_passes == 40
    assert stored(store, colours.backbone, dataset).shape == (45, 3)


def test_what_cannot_be_decoded_is_listed_under_every_name(folder: Path, colours: Colours, store) -> None:
    whole = next((folder / "discs").glob("*.jpg")).read_bytes()
    for name in ("discs/broken.jpg", "stripes/broken too.jpg"):  # byte for byte the same
        (folder / name).write_bytes(whole[: len(whole) // 2])
    (folder / "stripes" / "text.png").write_bytes(b"not an image")
    dataset = read(folder)
    done = extract(dataset, colours.backbone, store)
    assert done.complete
    assert done.forward_passes == 40
    assert sorted(one.path.name for one in done.skipped) == ["broken too.jpg", "broken.jpg", "text.png"]
    assert all(one.reason for one in done.skipped)
    assert stored(store, colours.backbone, dataset.without(done.skipped)).shape == (40, 3)


def test_nothing_but_broken_images_is_no_error(tmp_path: Path, colours: Colours, store: FeatureStore) -> None:
    for name in ("a/1.jpg", "b/2.jpg"):
        (tmp_path / "bad" / name).parent.mkdir(parents=True)
        (tmp_path / "bad" / name).write_bytes(b"broken " + name.encode())
    done = extract(read(tmp_path / "bad"), colours.backbone, store)
    assert (done.forward_passes, len(done.skipped), done.complete) == (0, 2, True)


def test_told_to_stop_it_keeps_what_is_done(
    folder: Path, colours: Colours, store: FeatureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 8)
    done = extract(read(folder), colours.backbone, store, should_stop=lambda: True)
    assert not done.complete
    assert 8 <= done.forward_passes <= 16  # a batch, and the one that was on its way
    assert done.forward_passes == sum(colours.batches) == store.summary()[0].images
    missing = store.missing(colours.backbone.key, [example.sha256 for example in read(folder).examples])
    assert len(missing) == 40 - done.forward_passes
    assert extract(read(folder), colours.backbone, store).forward_passes == len(missing)


def test_stopping_is_not_asked_after_the_last_image(
    folder: Path, colours: Colours, store: FeatureStore
) -> None:
    asked = []
    done = extract(read(folder), colours.backbone, store, should_stop=lambda: bool(asked.append(1)))
    assert done.complete
    assert len(asked) == -(-40 // BATCH) - 1


def test_a_network_that_fails_midway_keeps_what_is_done(folder: Path, store: FeatureStore) -> None:
    def fail_at_the_last(images: np.ndarray) -> np.ndarray:
        if len(images) < BATCH:
            raise KeyboardInterrupt
        return Colours().embed(images)

    backbone = Backbone(CARD, "torch", 0.0, fail_at_the_last)
    with pytest.raises(KeyboardInterrupt):
        extract(read(folder), backbone, store)
    assert store.summary()[0].images == BATCH


def test_a_store_that_cannot_be_written_is_said_once(
    folder: Path, colours: Colours, store, monkeypatch
) -> None:
    def full(*_: object) -> None:
        raise ArtifactError("The disk is full.")

    monkeypatch.setattr(store, "write", full)
    with pytest.raises(ArtifactError, match="The disk is full") as caught:
        extract(read(folder), colours.backbone, store)
    assert caught.value.__context__ is None


def test_the_view_is_the_cards() -> None:
    view = view_of(Colours().backbone)
    assert (view.image_px, view.crop_fraction, view.interpolation) == (PX, 0.875, "bicubic")


def test_real_features_of_real_digits(digits_folder: Path, store: FeatureStore) -> None:
    from regraft.backbones import load

    backbone, dataset = load("lite0", runtime="openvino"), read(digits_folder)
    dataset = dataset.select(range(0, len(dataset), 6))
    assert extract(dataset, backbone, store).forward_passes == 50
    rows = store.read(backbone.key, [e.sha256 for e in dataset.examples], (slice(0, backbone.card.width),))
    assert np.isfinite(rows).all()
    spread = rows - rows.mean(0)
    same = dataset.labels[:, None] == dataset.labels
    likeness = (spread @ spread.T) / np.linalg.norm(spread, axis=1) / np.linalg.norm(spread, axis=1)[:, None]
    np.fill_diagonal(likeness, np.nan)
    assert np.nanmean(likeness[same]) > np.nanmean(likeness[~same]) + 0.1
