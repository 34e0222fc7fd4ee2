"""The graph of a network of unknown make: where its depths are, what its classifier reads, what it costs."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from regraft.backbones.runtimes import openvino_core
from regraft.core.arrays import Array

if TYPE_CHECKING:
    from openvino import Model, Output

STARTS_MAPS = {"Convolution", "GroupConvolution"}
ENDS_MAPS = {"MatMul", "Reshape", "ShapeOf", "Gather"}
AFTER_SCORES = {"Softmax", "LogSoftmax", "Log", "Sigmoid", "Result", "Squeeze", "Convert"}
ARITHMETIC = {"Add", "Subtract", "Multiply", "Divide"}


@dataclass(frozen=True)
class Classifier:
    """A final matrix product: what it reads, its weights [d, z], and the scores that come of it."""

    reads: "Output"
    weights: Array
    scores: "Output"


def find_maps(network: "Model") -> list[tuple[str, "Output"]]:
    """The last activation of each spatial size that comes of a convolution, from large to small, by its size.

    Only square maps in the order [b, c, h, w] count. What attention multiplies has four axes as well but no
    convolution before it. Where a size has an activation that all that follows depends on alone, such as the
    end of a residual stage, it goes before what the next stage's branches compute at the same size.
    """
    maps: set[str] = set()
    last: dict[int, Output] = {}
    ends: dict[int, Output] = {}
    alone = _read_alone(network)
    for op in network.get_ordered_ops():
        kind, name = op.get_type_name(), op.get_name()
        from_map = any(source.get_node().get_name() in maps for source in _sources(op))
        if kind not in STARTS_MAPS and (kind in ENDS_MAPS or not from_map):
            continue
        maps.add(name)
        for output in op.outputs():
            shape = output.get_partial_shape()
            if _is_square_map(shape):
                (ends if name in alone else last)[shape[2].get_length()] = output
    return [(f"{side}x{side}", ends.get(side) or last[side]) for side in sorted({*last, *ends}, reverse=True)]


def _read_alone(network: "Model") -> set[str]:
    """Operations after which nothing computed before is read any more, on the way to the first output.

    Going through all operations in order, these are where a single result is left waiting for readers.
    """
    computed = _computed(network)
    waiting: dict[str, int] = {}
    alone = set()
    for op in network.get_ordered_ops():
        if op.get_name() not in computed:
            continue
        for source in _sources(op):
            before = source.get_node().get_name()
            if before in waiting:
                waiting[before] -= 1
                if not waiting[before]:
                    del waiting[before]
        readers = [reader.get_node() for output in op.outputs() for reader in output.get_target_inputs()]
        waiting[op.get_name()] = sum(reader.get_name() in computed for reader in readers)
        if len(waiting) == 1:
            alone.add(op.get_name())
    return alone


def _computed(network: "Model") -> set[str]:
    """Operations between the input and the first output; the sizes of activations are taken for constants."""
    wanted: set[str] = set()
    reached = [network.get_results()[0]]
    while reached:
        node = reached.pop()
        if node.get_name() not in wanted and node.get_type_name() != "ShapeOf":
            wanted.add(node.get_name())
            reached += [source.get_node() for source in _sources(node)]
    found: set[str] = set()
    for op in network.get_ordered_ops():
        depends = any(source.get_node().get_name() in found for source in _sources(op))
        if op.get_name() in wanted and (op.get_type_name() == "Parameter" or depends):
            found.add(op.get_name())
    return found


def find_classifier(network: "Model") -> Classifier | None:
    """The matrix product with constant weights that the first output comes of, through arithmetic alone."""
    node: Any = network.get_results()[0]
    while node.get_type_name() in AFTER_SCORES:
        scores = node.input_value(0)
        node = scores.get_node()
    while node.get_type_name() in ARITHMETIC:
        computed = [source for source in _sources(node) if not _is_constant(source)]
        if len(computed) != 1:
            return None
        node = computed[0].get_node()
    if node.get_type_name() != "MatMul" or not _is_constant(node.input_value(1)):
        return None
    reads, scores_shape = node.input_value(0), scores.get_partial_shape()
    weights = _constant(node.input_value(1))
    if len(reads.get_partial_shape()) != 2 or len(scores_shape) != 2 or weights.ndim != 2:
        return None
    return Classifier(reads, weights.T if node.get_attributes()["transpose_b"] else weights, scores)


def count_parameters(network: "Model") -> int:
    """Numbers in all constants that hold more than one."""
    constants = [op for op in network.get_ops() if op.get_type_name() == "Constant"]
    floating = [op for op in constants if op.get_element_type().is_real()]
    return sum(size for op in floating if (size := math.prod(op.get_output_shape(0))) > 1)


def count_multiply_adds(network: "Model") -> int:
    """Of convolutions and matrix products, for one image."""
    return sum(_multiply_adds(op) for op in network.get_ops())


def _multiply_adds(op: Any) -> int:
    kind = op.get_type_name()
    if kind not in (*STARTS_MAPS, "MatMul"):
        return 0
    if kind == "MatMul":
        inner = op.input_value(0).get_partial_shape()[-2 if op.get_attributes()["transpose_a"] else -1]
        each = _length(inner)
    else:
        kernel = [_length(size) for size in op.input_value(1).get_partial_shape()]
        each = math.prod(kernel[1:] if kind == "Convolution" else kernel[2:])
    return each * math.prod(_length(size) for size in op.output(0).get_partial_shape())


def _length(size: Any) -> int:
    return int(size.get_length()) if size.is_static else 1


def _sources(op: Any) -> list["Output"]:
    return [op.input_value(index) for index in range(op.get_input_size())]


def _is_square_map(shape: Any) -> bool:
    if shape.rank.is_dynamic or len(shape) != 4 or any(shape[axis].is_dynamic for axis in (1, 2, 3)):
        return False
    return bool(shape[2] == shape[3] and shape[2].get_length() > 1)


def _is_constant(output: "Output") -> bool:
    """Whether it depends on no input; constants may have been converted or multiplied with one another."""
    waiting, seen = [output.get_node()], set()
    while waiting:
        node = waiting.pop()
        if node.get_type_name() == "Parameter":
            return False
        if node.get_name() not in seen:
            seen.add(node.get_name())
            waiting += [source.get_node() for source in _sources(node)]
    return True


def _constant(output: "Output") -> Array:
    """The value of an output that `_is_constant`."""
    import openvino

    node = output.get_node()
    if node.get_type_name() == "Constant":
        return np.asarray(node.get_data())
    compiled = openvino_core().compile_model(openvino.Model([output], []), "CPU")
    return np.asarray(compiled([])[0])
