"""A pretended CUDA device: its tensors live in the processor's memory, yet will not meet the processor's own.

Where there is no GPU, this shows what a program does on one but for the hardware: each operator runs only if
its tensors are on one device, as CUDA wants it, results stay there until they are fetched, and all operators
are remembered, of which torch can be asked whether it has a kernel for CUDA.
"""

from contextlib import contextmanager
from typing import ClassVar

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_map_only

CUDA = torch.device("cuda", 0)
FACTORIES = (torch.zeros, torch.ones, torch.empty, torch.full, torch.tensor, torch.rand, torch.as_tensor)
MOVES = {"aten::_to_copy", "aten::copy_"}
INDEXED = {"aten::index", "aten::index_put_", "aten::_index_put_impl_"}
"""CUDA takes their indices from the processor's memory as well."""


class OnDevice(torch.Tensor):
    """A tensor that says it is on the GPU."""

    operators: ClassVar[set] = set()

    @staticmethod
    def __new__(cls, held):
        return torch.Tensor._make_wrapper_subclass(
            cls, held.shape, held.stride(), held.storage_offset(), dtype=held.dtype
        )

    def __init__(self, held):
        self.held = held

    def __repr__(self):
        return f"OnDevice({self.held!r})"

    # Torch's own code below Python would ask the driver of a device of that name.
    device, is_cuda, is_cpu = property(lambda _: CUDA), property(lambda _: True), property(lambda _: False)

    def numpy(self, **_):
        raise TypeError("can't convert cuda:0 device type tensor to numpy")

    @classmethod
    def __torch_dispatch__(cls, operator, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        given = [each for each in tree_flatten((args, kwargs))[0] if isinstance(each, torch.Tensor)]
        cls.operators.add(operator)
        _require_together(operator.name().split(".")[0], given, args)
        if "device" in kwargs:
            kwargs["device"] = torch.device("cpu")
        held_args, held_kwargs = tree_map_only(OnDevice, lambda each: each.held, (args, kwargs))
        # What is written to is handed back as it was given.
        known = {id(each.held): each for each in given if isinstance(each, OnDevice)}
        known |= {id(each): each for each in given if not isinstance(each, OnDevice)}
        return tree_map_only(
            torch.Tensor,
            lambda each: known[id(each)] if id(each) in known else OnDevice(each),
            operator(*held_args, **held_kwargs),
        )


def _require_together(name, given, args):
    apart = [each for each in given if not isinstance(each, OnDevice) and each.dim() and name not in MOVES]
    if name in INDEXED and isinstance(args[0], OnDevice):
        indices = {id(each) for each in tree_flatten(args[1])[0]}
        apart = [each for each in apart if id(each) not in indices]
    if apart:
        raise RuntimeError(f"Expected all tensors to be on the same device; {name} got cuda:0 and cpu")


class Pretended(TorchFunctionMode):
    """While it lasts, what is made on or moved to "cuda" is pretended to be there."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if function in FACTORIES and _is_cuda(kwargs.get("device")):
            kwargs["device"] = "cpu"
            wants_slopes = kwargs.pop("requires_grad", False)
            return OnDevice(function(*args, **kwargs)).requires_grad_(wants_slopes)
        goes = _wanted(function, args[1:], kwargs)
        if goes and (goes == "cuda") != isinstance(args[0], OnDevice):
            return OnDevice(args[0].clone()) if goes == "cuda" else args[0].held.clone()
        return function(*args, **kwargs)


class Generator(torch.Generator):
    """The processor's in place of the GPU's."""

    def __new__(cls, device="cpu"):
        return super().__new__(cls, "cpu")


def _wanted(function, args, kwargs):
    """Where a call moves a tensor, if it does."""
    if function in (torch.Tensor.cpu, torch.Tensor.cuda):
        return function.__name__
    places = [each for each in (*args, *kwargs.values()) if isinstance(each, str | torch.device)]
    return torch.device(places[0]).type if function is torch.Tensor.to and places else None


def _is_cuda(device):
    return isinstance(device, str | torch.device) and torch.device(device).type == "cuda"


@contextmanager
def pretended_gpu(monkeypatch):
    """Let torch say that there is a GPU, and pretend that there is."""
    with monkeypatch.context() as patched, Pretended():
        patched.setattr(torch.cuda, "is_available", lambda: True)
        patched.setattr(torch, "Generator", Generator)
        # Neither takes tensors of a class of their own.
        patched.setattr(torch, "inference_mode", torch.no_grad)
        for name in ("_accelerator_graph_capture_health_check", "_cuda_graph_capture_health_check"):
            patched.setattr(torch.optim.Optimizer, name, lambda _: None, raising=False)
        patched.setattr(OnDevice, "operators", set())
        yield OnDevice.operators


def has_cuda_kernel(operator):
    """Whether this build of torch, which is one with CUDA, has a kernel of it or makes it of others."""
    keys = ("CUDA", "CompositeImplicitAutograd", "CompositeExplicitAutograd")
    keys += ("CompositeExplicitAutogradNonFunctional",)
    return any(torch._C._dispatch_has_kernel_for_dispatch_key(operator.name(), key) for key in keys)
