"""What candidates are judged on: growing samples of the images for learning, and features that are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np

from regraft.backbones import Backbone, load
from regraft.core.arrays import Features, Folds
from regraft.data import Dataset, Skipped, keep_together, untangled
from regraft.evaluation import headline
from regraft.features import Depths, FeatureStore, Representation, extract, fit_affine, read
from regraft.heads import Ridge
from regraft.pipeline.climb import are_independent, choose_folds
from regraft.pipeline.fitting import fit_head
from regraft.pipeline.judging import calibrate, truth_of
from regraft.pipeline.ranking.sampling import balanced_order, beginning
from regraft.pipeline.ranking.tournament import Standing
from regraft.pipeline.recipe import Recipe
from regraft.pipeline.relatives import find_relatives

PROBED: tuple[Depths, ...] = get_args(Depths)
"""As `fit` tries them. Networks from elsewhere are often better read at all depths than at the last, and of
images whose parts stay in their places, such as signs and digits, also on a grid."""

DEFAULT = Recipe()

LOOKS = "lite0"
"""The bundled network that looks for near copies."""


class Contest:
    """Images without their test part, in the order in which they are looked at, and the networks loaded."""

    def __init__(self, dataset: Dataset, store: FeatureStore, recipe: Recipe = DEFAULT) -> None:
        learning = dataset.without_test()
        # A given validation part is too small a share of a small sample: all images are held out in turn.
        pooled = replace(learning, examples=tuple(replace(e, part=None) for e in learning.examples))
        self.dataset = pooled
        self._given = {example.path: example.group for example in pooled.examples}
        self._related = 0
        self.store = store
        self.recipe = recipe
        self.forward_passes = 0
        self._order = balanced_order(pooled, recipe.seed)
        self._backbones: dict[str, Backbone] = {}

    def backbone(self, name: str) -> Backbone:
        """The network of that name, loaded once.

        Raises:
            BackboneError: it cannot be had.
        """
        if name not in self._backbones:
            self._backbones[name] = load(name, runtime=self.recipe.runtime)
        return self._backbones[name]

    def sample(self, size: int) -> Dataset:
        """The first so many images."""
        return beginning(self.dataset, self._order, size)

    def looked_at(self, name: str, size: int) -> Dataset:
        """The first so many images that decode, their features in the store; others are left out for good."""
        while True:
            sample = self.sample(size)
            done = extract(sample, self.backbone(name), self.store)
            self.forward_passes += done.forward_passes
            if not done.skipped:
                return sample
            self._leave_out(done.skipped)

    def _leave_out(self, skipped: Sequence[Skipped]) -> None:
        broken = {one.path for one in skipped}
        kept = [place for place, path in enumerate(self.dataset.paths) if path not in broken]
        new = {old: place for place, old in enumerate(kept)}
        self._order = [new[place] for place in self._order if place in new]
        self.dataset = self.dataset.without(skipped)

    def _keep_together(self, size: int) -> None:
        """Find near copies among the first so many images: no fold may hold out what its rest has seen.

        By what the same small network finds alike, whoever takes part: a network that is of no use in the
        contest is of none here.
        """
        if size <= self._related or self.recipe.together == "given":
            return
        sample = _grouped(self.looked_at(LOOKS, size), self._given)
        untied, found = untangled(sample, find_relatives(sample, self.store, self.backbone(LOOKS)))
        joined = keep_together(untied, found).examples
        self.dataset = _grouped(self.dataset, self._given | {e.path: e.group for e in joined})
        self._related = size

    def rows(self, name: str, sample: Dataset) -> Features:
        """All depths of a sample that was looked at, as they are."""
        representation = Representation((name,), "all", "none")
        hashes = [e.sha256 for e in sample.examples]
        return read(representation, {name: self.backbone(name)}, self.store, hashes)

    def features(self, name: str, sample: Dataset, depths: Depths) -> Features:
        """Features of a sample that was looked at, scaled."""
        backbone = self.backbone(name)
        representation = Representation((name,), depths, "depth")
        rows = read(representation, {name: backbone}, self.store, [e.sha256 for e in sample.examples])
        return fit_affine(representation, (backbone.card,), rows)(rows)

    def standing(self, name: str, size: int) -> Standing:
        """How a network does on the first so many images, under the best of its closed-form probes."""
        self._keep_together(size)
        sample = self.looked_at(name, size)
        return min((self.probed(name, sample, d) for d in PROBED), key=lambda standing: standing.loss)

    def probed(self, name: str, sample: Dataset, depths: Depths) -> Standing:
        """How a closed-form probe at these depths does on a sample that was looked at."""
        truth, folds = truth_of(sample), folds_of(sample, self.recipe)
        features = self.features(name, sample, depths)
        _, scores, _ = fit_head(
            Ridge(), features, truth, class_count=len(sample.classes), folds=folds, weights=None
        )
        answers = calibrate(scores, truth, groups=[e.group for e in sample.examples]).answers
        loss = float(np.mean(answers.losses))
        return Standing(name, depths, len(sample), answers, loss, headline(answers))


def _grouped(dataset: Dataset, group_of: Mapping[Path, str]) -> Dataset:
    examples = tuple(replace(example, group=group_of[example.path]) for example in dataset.examples)
    return replace(dataset, examples=examples)


def folds_of(sample: Dataset, recipe: Recipe) -> tuple[Folds, ...] | None:
    """Folds that no group straddles; None where every image may be held out alone."""
    return None if are_independent(sample) else choose_folds(sample, recipe)
