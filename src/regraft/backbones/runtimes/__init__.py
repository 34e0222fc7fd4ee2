"""How a network runs: torch, OpenVINO or ONNX Runtime. One contract: images in, rows out."""

from regraft.backbones.runtimes.contract import (
    Embed,
    Runtime,
    RuntimeChoice,
    first_line,
    relative_error,
)
from regraft.backbones.runtimes.onnxruntime import convert_to_onnx, onnxruntime_runtime
from regraft.backbones.runtimes.openvino import (
    convert_to_openvino,
    has_bf16,
    openvino_core,
    openvino_runtime,
    require_cpu_precision,
    save_openvino,
)
from regraft.backbones.runtimes.torch import has_cuda, torch_runtime

__all__ = [
    "Embed",
    "Runtime",
    "RuntimeChoice",
    "convert_to_onnx",
    "convert_to_openvino",
    "first_line",
    "has_bf16",
    "has_cuda",
    "onnxruntime_runtime",
    "openvino_core",
    "openvino_runtime",
    "relative_error",
    "require_cpu_precision",
    "save_openvino",
    "torch_runtime",
]
