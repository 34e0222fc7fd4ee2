"""The networks of one job, and the features of all its images: what is computed once and read by everyone."""

import time
from collections.abc import Callable

import numpy as np

from regraft.backbones import Backbone, is_ready
from regraft.backbones import load as load_backbone
from regraft.core.arrays import Features
from regraft.data import Dataset, Skipped
from regraft.features import PLAIN, VARIANTS, FeatureStore, Representation, Variant, Views, extract, read
from regraft.pipeline.cut import MEMORY_FRACTION, Cut, Patience, make_cut
from regraft.pipeline.machine import memory_bytes
from regraft.pipeline.recipe import Runtime
from regraft.search.shelf import Shelf

FIRST_LOAD_S = 10.0
"""Allowed for building, converting and checking a network the first time, until one has been. Measured: 4 to
10 s for Lite 0 to 2 on two shared AMD EPYC cores, 2026-11-23, n = 3."""


class Trunk:
    """Loads networks, embeds images that are not in the store yet, and reads features back.

    It sees the test images, whose features have to be computed too, but it is never asked for their labels.
    """

    def __init__(self, images: Dataset, store: FeatureStore, runtime: Runtime) -> None:
        self.images = images
        self.store = store
        self.runtime = runtime
        self.forward_passes = 0
        self._backbones: dict[str, Backbone] = {}
        self._done: set[tuple[str, Variant]] = set()
        self._first_load_s = FIRST_LOAD_S
        self._last_read: tuple[object, Features] | None = None
        self._cuts = Shelf(MEMORY_FRACTION * memory_bytes())

    def backbone(self, name: str) -> Backbone:
        """The network of that name, loaded when first asked for.

        Raises:
            BackboneError: it cannot be had.
        """
        if name not in self._backbones:
            is_first = not is_ready(name, runtime=self.runtime)
            started = time.monotonic()
            self._backbones[name] = load_backbone(name, runtime=self.runtime)
            if is_first:
                self._first_load_s = time.monotonic() - started
        return self._backbones[name]

    def cost_s(self, name: str) -> float:
        """Seconds that `extract` will take, by a measured rate; a guess while the network is not here."""
        if (name, PLAIN) in self._done:
            return 0.0
        if name not in self._backbones and not is_ready(name, runtime=self.runtime):
            # Its speed is not known either; it is taken for that of the slowest network here.
            rates = [each.measure_images_per_s() for each in self._backbones.values()]
            return self._first_load_s + (len(self.images) / min(rates) if rates else 0.0)
        missing = len(self._missing(name))
        return missing / self.backbone(name).measure_images_per_s() if missing else 0.0

    def views_cost_s(self, name: str, views: Views, dataset: Dataset) -> float:
        """Seconds that `extract` will take for views beside the plain one; nothing while nobody knows."""
        if name not in self._backbones or len(VARIANTS[views]) == 1:
            return 0.0
        backbone, images = self.backbone(name), [example.sha256 for example in dataset.examples]
        unseen = [each.key(backbone) for each in VARIANTS[views][1:] if (name, each) not in self._done]
        missing = sum(len(self.store.missing(key, images)) for key in unseen)
        return missing / backbone.measure_images_per_s() if missing else 0.0

    def extract(
        self, name: str, should_stop: Callable[[], bool], *, views: Views = "plain", of: Dataset | None = None
    ) -> tuple[bool, tuple[Skipped, ...]]:
        """Embed what is missing. Returns whether every image was reached, and those that do not decode.

        Views beside the plain one are wanted of the images that are learnt from alone, `of`.
        """
        for variant in VARIANTS[views]:
            if (name, variant) in self._done:
                continue
            images = self.images if variant == PLAIN or of is None else of
            backbone = self.backbone(name)
            done = extract(images, backbone, self.store, variant=variant, should_stop=should_stop)
            self.forward_passes += done.forward_passes
            if not done.complete or done.skipped:
                return done.complete, done.skipped
            self._done.add((name, variant))
        return True, ()

    def look_at(self, images: Dataset, name: str) -> None:
        """Embed some images as far as they are not in the store yet."""
        done = extract(images, self.backbone(name), self.store)
        self.forward_passes += done.forward_passes

    def keep_embedded(self, name: str, skipped: tuple[Skipped, ...]) -> Dataset:
        """From now on use only images that have features of this network; returns them."""
        usable = self.images.without(skipped)
        missing = set(self.store.missing(self.backbone(name).key, (e.sha256 for e in usable.examples)))
        self.images = usable.select([i for i, e in enumerate(usable.examples) if e.sha256 not in missing])
        return self.images

    def read(self, representation: Representation, dataset: Dataset) -> Features:
        """Unscaled features of some of the images; the last answer is kept, since heads ask for it again."""
        asked = (representation.backbones, representation.depths, dataset.fingerprint, len(dataset))
        if self._last_read is None or self._last_read[0] != asked:
            self._last_read = None
            hashes = [example.sha256 for example in dataset.examples]
            self._last_read = (asked, read(representation, self._loaded(representation), self.store, hashes))
        return self._last_read[1]

    def read_views(self, representation: Representation, dataset: Dataset, views: Views) -> Features:
        """Unscaled features of the plain views of some images, then of each further one: [v n, d]."""
        found, hashes = [self.read(representation, dataset)], [each.sha256 for each in dataset.examples]
        for variant in VARIANTS[views][1:]:
            loaded = self._loaded(representation)
            found.append(read(representation, loaded, self.store, hashes, variant=variant))
        return found[0] if len(found) == 1 else np.concatenate(found)

    def cut(self, name: str, stages: int, dataset: Dataset, patience: Patience) -> Cut:
        """A network whose last stages are to be trained, and what the others hand on of some images.

        Raises:
            BackboneError, RecipeError, TrainingError: as `make_cut`.
        """
        backbone, key = self.backbone(name), (name, stages, dataset.fingerprint)
        return self._cuts.get(key, lambda: make_cut(backbone, stages, dataset, patience=patience))

    def forget_cuts(self) -> None:
        """Give up what fixed parts handed on: memory is wanted elsewhere."""
        self._cuts.clear()

    def _loaded(self, representation: Representation) -> dict[str, Backbone]:
        return {name: self.backbone(name) for name in representation.backbones}

    def _missing(self, name: str) -> list[str]:
        return self.store.missing(self.backbone(name).key, (e.sha256 for e in self.images.examples))
