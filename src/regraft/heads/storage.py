"""Fitted classifiers as named arrays, for safetensors, and back: data alone, nothing that can be executed."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from regraft.core.arrays import Array
from regraft.core.errors import ArtifactError, did_you_mean
from regraft.heads.classifier import Classifier, Linear, Neighbours
from regraft.heads.kernel_machine import KernelMachine
from regraft.heads.layers import ACTIVATIONS, Layers

METRICS = ("cosine", "euclidean")
VOTES_BY = ("number", "similarity")


class Kind(NamedTuple):
    """How one fitted type is taken apart and put together, and which arrays that needs."""

    fitted: type
    needed: tuple[str, ...]
    apart: Callable[[Any], dict[str, Array]]
    together: Callable[[Mapping[str, Any]], Classifier]


def to_arrays(classifier: Classifier) -> tuple[str, dict[str, Array]]:
    """A fitted classifier as a kind and named arrays; `from_arrays` reads them back.

    Raises:
        ArtifactError: it is of a type that is not in `KINDS`.
    """
    for name, kind in KINDS.items():
        if type(classifier) is kind.fitted:
            return name, kind.apart(classifier)
    raise ArtifactError(f"A {type(classifier).__name__} cannot be saved. {did_you_mean('', KINDS)}")


def from_arrays(kind: str, arrays: Mapping[str, Any]) -> Classifier:
    """The classifier that `to_arrays` took apart.

    Raises:
        ArtifactError: the kind is unknown, or an array is missing.
    """
    if kind not in KINDS:
        raise ArtifactError(f"Unknown kind of classifier {kind!r}. {did_you_mean(kind, KINDS)}")
    missing = [name for name in KINDS[kind].needed if name not in arrays]
    if missing:
        raise ArtifactError(f"A saved {kind} classifier lacks {', '.join(missing)}. The file may be damaged.")
    return KINDS[kind].together(arrays)


def _linear(arrays: Mapping[str, Any]) -> Linear:
    return Linear(arrays["weights"], arrays["bias"])


def _voters(fitted: Neighbours) -> dict[str, Array]:
    choices = (METRICS.index(fitted.metric), VOTES_BY.index(fitted.votes_by))
    sizes = np.array([fitted.class_count, fitted.neighbours, *choices])
    named = {"examples": fitted.examples, "labels": fitted.labels, "weights": fitted.weights}
    return {**named, "sizes": sizes}


def _neighbours(arrays: Mapping[str, Any]) -> Neighbours:
    # Models of earlier versions end with the metric, and count votes.
    class_count, neighbours, metric, votes_by = (*(int(size) for size in arrays["sizes"]), 0)[:4]
    voters = (arrays["examples"], arrays["labels"], arrays["weights"])
    return Neighbours(*voters, class_count, neighbours, METRICS[metric], VOTES_BY[votes_by])


def _kernel(fitted: KernelMachine) -> dict[str, Array]:
    return {**vars(fitted), "gamma": np.array([fitted.gamma])}


def _kernel_machine(arrays: Mapping[str, Any]) -> KernelMachine:
    named = {name: arrays[name] for name in ("examples", "duals", "bias", "centre")}
    return KernelMachine(**named, gamma=float(arrays["gamma"][0]))


def _stacked(fitted: Layers) -> dict[str, Array]:
    weights = {f"weights.{at}": each for at, each in enumerate(fitted.weights)}
    biases = {f"biases.{at}": each for at, each in enumerate(fitted.biases)}
    return {**weights, **biases, "sizes": np.array([len(weights), ACTIVATIONS.index(fitted.activation)])}


def _layers(arrays: Mapping[str, Any]) -> Layers:
    count, activation = (int(size) for size in arrays["sizes"])
    weights = tuple(arrays[f"weights.{at}"] for at in range(count))
    return Layers(weights, tuple(arrays[f"biases.{at}"] for at in range(count)), ACTIVATIONS[activation])


KINDS = {
    "linear": Kind(Linear, ("weights", "bias"), lambda fitted: dict(vars(fitted)), _linear),
    "neighbours": Kind(Neighbours, ("examples", "labels", "weights", "sizes"), _voters, _neighbours),
    "kernel": Kind(KernelMachine, ("examples", "duals", "bias", "centre", "gamma"), _kernel, _kernel_machine),
    "layers": Kind(Layers, ("weights.0", "biases.0", "weights.1", "biases.1", "sizes"), _stacked, _layers),
}
"""The fitted types that can be saved, by the name that a saved model carries."""
