"""What it costs to answer with a recipe: milliseconds for one image alone, megabytes of what is deployed."""

import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from regraft.core.seeds import generator
from regraft.features import VARIANTS
from regraft.heads import (
    Classifier,
    KernelMachine,
    KernelRidge,
    KernelSvm,
    Layers,
    Linear,
    NearestNeighbours,
    Neighbours,
    Perceptron,
    TrainedLinear,
    to_arrays,
)
from regraft.pipeline.climb import Climb
from regraft.pipeline.measure import remembered
from regraft.pipeline.ranking.entrants import timed
from regraft.pipeline.recipe import Head, Recipe
from regraft.search.objectives import Cost

REPEATS = 21
LATENCY_DIGITS = 1
"""Of a head, in milliseconds: what is less is noise, and would make a front of what costs the same."""

Agree = Callable[[str, Callable[[], Any]], Any]


class Costs:
    """Costs of recipes on this machine. A network and a shape of head are measured once for a whole study."""

    def __init__(self, names: tuple[Cost, ...], climb: Climb, agree: Agree) -> None:
        self.names = names
        self._climb = climb
        self._agree = agree

    def of(self, recipe: Recipe) -> tuple[float, ...]:
        """One number for each cost, in the order of the names.

        Latency is that of the networks and the head, without decoding the image.
        """
        measures = {"latency": self._latency_ms, "size": self._size_mb}
        return tuple(round(measures[name](recipe), 2) for name in self.names)

    def keeps(self, recipe: Recipe, limits: Mapping[Cost, float | None]) -> bool:
        """Whether a recipe stays within all limits. One without a head knows no image and costs nothing."""
        if recipe.head is None or not any(limits.values()):
            return True
        pairs = zip(self.names, self.of(recipe), strict=True)
        return all((most := limits.get(name)) is None or cost <= most for name, cost in pairs)

    def _latency_ms(self, recipe: Recipe) -> float:
        head, count = self._head(recipe), self._climb.feature_count(recipe)
        shapes = [list(array.shape) for array in to_arrays(head)[1].values()]
        found = [self._agree(f"ms of {type(head).__name__} {shapes}", partial(_head_ms, head, count))]
        found += [self._agree(f"ms of {name}", partial(self._network_ms, name)) for name in recipe.backbones]
        return float(sum(found))

    def _size_mb(self, recipe: Recipe) -> float:
        head = self._head(recipe)
        arrays = [array.nbytes for array in to_arrays(head)[1].values()]
        if not isinstance(head, Linear):
            # A head that does not take the scaling of its features into itself keeps two rows of it.
            arrays.append(2 * 4 * self._climb.feature_count(recipe))
        networks = [self._climb.trunk.backbone(name).size_bytes for name in recipe.backbones]
        return float(sum(arrays) + sum(networks)) / 1e6

    def _network_ms(self, name: str) -> float:
        found = remembered(name, runtime=self._climb.asked.runtime)
        if found is not None:
            return float(found["latency_ms"])
        return float(timed(self._climb.trunk.backbone(name)).latency_ms)

    def _head(self, recipe: Recipe) -> Classifier:
        assert recipe.head is not None, "a point names its head"
        examples = len(self._climb.dataset) * len(VARIANTS[recipe.views])
        classes = self._climb.class_count
        return blank(
            recipe.head, examples=examples, features=self._climb.feature_count(recipe), classes=classes
        )


def blank(head: Head, *, examples: int, features: int, classes: int) -> Classifier:
    """Zeros in the shape of what a head becomes, of a kernel machine the most it may keep of the examples.

    So costs are known without fitting to all examples, which a trial never does.
    """

    def zeros(*shape: int) -> Any:
        return np.zeros(shape, np.float32)

    match head:
        case NearestNeighbours():
            kept = (zeros(examples, features), np.zeros(examples, np.int64), np.ones(examples))
            return Neighbours(*kept, classes, head.neighbours, head.metric)
        case KernelRidge() | KernelSvm():
            duals = zeros(examples, classes)
            return KernelMachine(zeros(examples, features), duals, zeros(classes), zeros(features), 1.0)
        case Perceptron():
            sizes = [features, *[head.width] * head.layers, classes]
            weights = tuple(map(zeros, sizes[:-1], sizes[1:]))
            return Layers(weights, tuple(map(zeros, sizes[1:])), head.activation)
        case TrainedLinear() if head.width:
            weights = zeros(features, head.width), zeros(head.width, classes)
            return Layers(weights, (zeros(head.width), zeros(classes)), "relu")
        case _:
            return Linear(zeros(features, classes), zeros(classes))


def _head_ms(head: Classifier, features: int) -> float:
    """Median over some repetitions, after one that only warms up."""
    image = generator(0, "latency").normal(size=(1, features)).astype(np.float32)
    seconds = []
    for _ in range(1 + REPEATS):
        started = time.perf_counter()
        head.scores(image)
        seconds.append(time.perf_counter() - started)
    return round(1000 * statistics.median(seconds[1:]), LATENCY_DIGITS)
