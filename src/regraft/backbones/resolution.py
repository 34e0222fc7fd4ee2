"""A network at another image size than its own, weights carried over, or an error that says what works."""

import copy
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from regraft.backbones.names import LEAST_PX
from regraft.core.errors import BackboneError

if TYPE_CHECKING:
    from torch import nn

STEP_PX = 2
"""Every size that a network wants is a multiple of it: patches of 14, 16 or 32, windows of patches of 4."""
SEARCHED_PX = 128


def resize(network: "nn.Module", image_px: int, *, name: str) -> "nn.Module":
    """Make a network take images of another size.

    Convolutional networks take nearly any; transformers have their position embeddings resampled by
    the rule of the library that they come from.

    Raises:
        BackboneError: the network cannot take that size. The message names sizes near it that work.
    """
    # Tried without its numbers first: a network that refuses half-way would be left half changed.
    bare = copy.deepcopy(network).to("meta")
    try:
        with warnings.catch_warnings():
            # timm resamples relative positions in a way that torch is about to give up.
            warnings.simplefilter("ignore")
            _pass_one(_sized(copy.deepcopy(bare), image_px), image_px)
            _sized(network, image_px)
    except Exception as error:  # Networks raise whatever they meet when sizes do not divide.
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise BackboneError(
            f"{name} cannot take images of {image_px} pixels ({reason}). {_sizes_near(bare, image_px)}"
        ) from error
    return network


def _sized(network: Any, image_px: int) -> Any:
    """The network with its size set, where it keeps one."""
    patch = getattr(getattr(network, "patch_embed", None), "patch_size", None)
    patch_px = max(patch) if isinstance(patch, tuple) else patch
    if isinstance(patch_px, int) and image_px % patch_px:
        # Some would drop the pixels that are left over without a word.
        raise ValueError(f"not a multiple of its patches of {patch_px} pixels")
    if hasattr(network, "set_input_size"):
        network.set_input_size(img_size=(image_px, image_px))
    elif hasattr(network, "seq_length") and hasattr(network, "image_size"):
        _resample_torchvision(network, image_px)
    return network


def _pass_one(network: Any, image_px: int) -> None:
    """Pass an image through: many networks only then notice that a size is none of theirs."""
    import torch

    device = next(network.parameters()).device
    with torch.no_grad():
        network(torch.zeros(1, 3, image_px, image_px, device=device))


def _resample_torchvision(network: Any, image_px: int) -> None:
    """Position embeddings of torchvision's transformer, by torchvision's own rule."""
    from torch import nn
    from torchvision.models.vision_transformer import interpolate_embeddings

    if image_px % network.patch_size:
        raise ValueError(f"not a multiple of its patches of {network.patch_size} pixels")
    name = "encoder.pos_embedding"
    state = interpolate_embeddings(image_px, network.patch_size, {name: network.get_parameter(name).detach()})
    network.encoder.pos_embedding = nn.Parameter(state[name], requires_grad=False)
    network.image_size, network.seq_length = image_px, (image_px // network.patch_size) ** 2 + 1


def _sizes_near(bare: "nn.Module", image_px: int) -> str:
    """A sentence naming the nearest sizes below and above that the network takes."""
    even_px = image_px // STEP_PX * STEP_PX
    below = _first_taken(bare, range(even_px, max(LEAST_PX, even_px - SEARCHED_PX) - 1, -STEP_PX))
    above = _first_taken(bare, range(even_px + STEP_PX, even_px + SEARCHED_PX, STEP_PX))
    near = [f"{px}px" for px in (below, above) if px is not None]
    return f"It takes {' or '.join(near)}." if near else "Leave the size away to use its own."


def _first_taken(bare: "nn.Module", sizes: Iterable[int]) -> int | None:
    return next((px for px in sizes if _takes(bare, px)), None)


def _takes(bare: "nn.Module", image_px: int) -> bool:
    try:
        _pass_one(_sized(copy.deepcopy(bare), image_px), image_px)
    except Exception:  # noqa: BLE001 - see `resize`
        return False
    return True
