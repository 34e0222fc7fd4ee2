"""Whether a network's weights are on this machine, found out without torch and without asking any server."""

import os
from pathlib import Path

from regraft.backbones.bundled_weights import installed_file
from regraft.backbones.catalogue import BY_NAME
from regraft.backbones.families import Row

HUB_FILES = ("model.safetensors", "pytorch_model.bin", "open_clip_model.safetensors")


def is_here(row: Row) -> bool:
    """Whether weights come with an installed package, are drawn at random, or lie in a cache."""
    origin, colon, named = row.source.partition(":")
    if not colon:
        return installed_file(BY_NAME[row.source]) is not None
    if origin == "scratch":
        return True
    if origin == "torchvision":
        # torchvision names a file ARCHITECTURE-HASH.pth, some with a word between.
        architecture = named.partition(".")[0]
        return any(_torch_cache().glob(f"{architecture}-*.pth"))
    repository = named if origin == "hub" else f"timm/{named}"
    snapshots = _hub_cache() / f"models--{repository.replace('/', '--')}" / "snapshots"
    return any((snapshot / file).exists() for snapshot in snapshots.glob("*") for file in HUB_FILES)


def _hub_cache() -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def _torch_cache() -> Path:
    """Where torch keeps what it fetches, by the rule of `torch.hub`."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()
    home = os.environ.get("TORCH_HOME", str(cache / "torch"))
    return Path(home).expanduser() / "hub" / "checkpoints"
