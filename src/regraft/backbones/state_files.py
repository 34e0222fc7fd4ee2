"""State dicts from files: read without running anything, unwrapped, and fitted to a network or refused."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regraft.backbones.connection import first_line
from regraft.core.errors import BackboneError
from regraft.core.hashing import sha256_of_file

if TYPE_CHECKING:
    import torch
    from torch import nn

State = Mapping[str, "torch.Tensor"]

CONTAINERS = (
    "state_dict_ema",  # A checkpoint's running mean of weights is what its author reports.
    "model_ema",
    "ema_state_dict",
    "state_dict",
    "model_state_dict",
    "model",
    "net",
    "network",
    "teacher",
)
"""Where checkpoints keep the state dict, the best first."""
PREFIXES = ("module.", "_orig_mod.", "model.", "backbone.", "encoder.", "network.", "net.")
"""What wrappers put before every name: data-parallel training, compilation, Lightning, detectors."""
COUNTER = "num_batches_tracked"


def find_file(named: str, backbone: str) -> Path:
    """The weights file of a name, by its full path.

    Raises:
        BackboneError: there is none.
    """
    path = Path(named).expanduser().resolve()
    if not path.is_file():
        raise BackboneError(f"There is no weights file {path} (named by the backbone {backbone!r}).")
    return path


def hash_of(file: Path) -> str:
    """SHA-256 of a weights file.

    Raises:
        BackboneError: it cannot be read.
    """
    try:
        return sha256_of_file(file)
    except OSError as error:
        raise BackboneError(f"Cannot read {file}: {error.strerror or error}.") from error


def read_state(file: Path) -> dict[str, "torch.Tensor"]:
    """Names and tensors of a file, out of whatever container they are kept in.

    Raises:
        BackboneError: the file is damaged, could run code, holds no state dict or numbers that are none.
    """
    import torch

    state = _read(file)
    while isinstance(state, Mapping):
        inner = next((state[key] for key in CONTAINERS if isinstance(state.get(key), Mapping)), None)
        if inner is None:
            break
        state = inner
    if not isinstance(state, Mapping) or not state:
        raise BackboneError(f"{file} holds no state dict (names and tensors).")
    tensors = {str(name): value for name, value in state.items() if isinstance(value, torch.Tensor)}
    broken = [name for name, value in tensors.items() if not bool(value.isfinite().all())]
    if broken:
        raise BackboneError(
            f"{file} holds weights that are not numbers: {len(broken)} tensors, the first of them "
            f"{broken[0]}. Its training went wrong, or the file is damaged."
        )
    if not tensors:
        raise BackboneError(f"{file} holds no state dict (names and tensors): {', '.join(map(str, state))}.")
    return tensors


def _read(file: Path) -> Any:
    import torch
    from safetensors.torch import load_file

    try:
        if file.suffix == ".safetensors":
            return dict(load_file(file))
        return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # Readers of damaged files raise anything; the file is what is wrong.
        raise BackboneError(
            f"{file} cannot be read as weights ({first_line(error)}). Expected is a state dict in a "
            f".safetensors file, or in a .pth file that holds tensors only."
        ) from error


def unwrapped(state: State, expected: State) -> dict[str, "torch.Tensor"]:
    """Without the prefixes that wrappers put before a network's own names.

    A prefix goes as long as more of the network's names are found without it.
    """
    found = dict(state)
    while True:
        options = [
            {name.removeprefix(prefix): tensor for name, tensor in found.items()}
            for prefix in PREFIXES
            if any(name.startswith(prefix) for name in found)
        ]
        # Before the last of several prefixes is gone, none of the names is found: go on then as well.
        better = [option for option in options if _known(option, expected) > _known(found, expected)]
        if not better and not _known(found, expected):
            better = [option for option in options if len(option) == len(found)]
        if not better:
            return found
        found = max(better, key=lambda option: _known(option, expected))


def _known(state: State, expected: State) -> int:
    return sum(name in expected for name in state)


def misfit(state: State, expected: State) -> str:
    """What of a state dict does not fit a network, in words; empty where all of it does."""
    missing = [name for name in expected if name not in state and not name.endswith(COUNTER)]
    extra = [name for name in state if name not in expected]
    wrong = [
        f"{name} is {tuple(state[name].shape)}, not {tuple(expected[name].shape)}"
        for name in expected
        if name in state and state[name].shape != expected[name].shape
    ]
    facts = [
        f"{len(missing)} tensors are missing ({', '.join(missing[:3])})" if missing else "",
        f"{len(extra)} are not of this network ({', '.join(extra[:3])})" if extra else "",
        f"{len(wrong)} have another shape ({'; '.join(wrong[:2])})" if wrong else "",
    ]
    return "; ".join(fact for fact in facts if fact)


def class_count_in(state: State, classifiers: tuple[str, ...]) -> int:
    """How many classes the classifier in a file tells apart; 0 where it has none."""
    found = [state[f"{name}.weight"] for name in classifiers if f"{name}.weight" in state]
    return int(found[0].shape[0]) if found else 0


def load_into(network: "nn.Module", state: State, refuse: Callable[[str], BackboneError]) -> "nn.Module":
    """Give a network the weights of a file, every one of them.

    Raises:
        BackboneError: `refuse`, given the difference, where anything but BatchNorm's counters is missing,
            left over or of another shape.
    """
    expected = network.state_dict()
    difference = misfit(state, expected)
    if difference:
        raise refuse(difference)
    network.load_state_dict({**{name: t for name, t in expected.items() if name.endswith(COUNTER)}, **state})
    return network
