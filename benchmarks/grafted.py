"""Networks for `ranking` besides the bundled ones: fine-tuned on other sets, random, and spoilt on purpose.

All are saved as files and come in by their names, as a user's own would.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from regraft.backbones.sources import build, identify
from regraft.data import Dataset, View, batches, read_table

FINE_TUNED_ON = ("pacs", "rsscn7", "gtsrb32")
PX, EPOCHS, BATCH, RATE = 96, 3, 32, 0.02


def make(data: Path, folder: Path) -> dict[str, str]:
    """Title -> name of every network made."""
    import timm
    import torch

    torch.manual_seed(0)
    made = {}
    for name in FINE_TUNED_ON:
        made[f"lite0 fine-tuned on {name}"] = _saved(
            _fine_tuned(read_table(data / name / "manifest.csv")),
            "tf_efficientnet_lite0",
            folder / f"lite0-{name}.safetensors",
        )
    for architecture in ("tf_efficientnet_lite0", "resnet18"):
        network = timm.create_model(architecture)
        made[f"{architecture} random"] = _saved(
            network, architecture, folder / f"{architecture}-random.safetensors"
        )
    for title, spoil in (("weights shuffled", _shuffle), ("last stages random", _forget_last)):
        network, _ = build(identify("lite0"))
        spoil(network)
        file = folder / f"lite0-{title.replace(' ', '-')}.safetensors"
        made[f"lite0 {title}"] = _saved(network, "tf_efficientnet_lite0", file)
    return made


def _saved(network, architecture: str, file: Path) -> str:
    from safetensors.torch import save_file

    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, file)
    return f"timm:{architecture}@{file}"


def _fine_tuned(dataset: Dataset):
    """All of lite0 on a new linear head: SGD with Nesterov momentum, one cosine, small images mirrored."""
    import torch
    from torch.nn import functional

    network, card = build(identify("lite0"))
    network.reset_classifier(len(dataset.classes))
    network.train().requires_grad_(requires_grad=True)
    images, labels = _pictures(dataset, card)
    steps = EPOCHS * (len(images) // BATCH)
    optimizer = torch.optim.SGD(network.parameters(), RATE, momentum=0.9, nesterov=True, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    mean, std = (255 * torch.tensor(each).view(1, 3, 1, 1) for each in (card.mean, card.std))
    for chosen in _minibatches(len(images), steps):
        pixels = (torch.from_numpy(images[chosen]).permute(0, 3, 1, 2).float() - mean) / std
        if np.random.default_rng(int(chosen[0])).random() < 0.5:
            pixels = pixels.flip(3)
        loss = functional.cross_entropy(network(pixels), torch.from_numpy(labels[chosen]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval()


def _pictures(dataset: Dataset, card) -> tuple[np.ndarray, np.ndarray]:
    view = View(PX, card.crop_fraction, card.interpolation)
    images, labels = [], []
    for batch in batches(dataset.paths, view, size=256, workers=2):
        images.append(batch.images.copy())
        labels.append(dataset.labels[batch.indices])
    return np.concatenate(images), np.concatenate(labels)


def _minibatches(count: int, steps: int) -> Iterator[np.ndarray]:
    random = np.random.default_rng(0)
    order = np.concatenate([random.permutation(count) for _ in range(EPOCHS + 1)])
    for step in range(steps):
        yield order[step * BATCH : (step + 1) * BATCH]


def _shuffle(network) -> None:
    """Every convolution keeps its values and loses their places."""
    import torch

    for tensor in network.parameters():
        if tensor.ndim == 4:
            flat = tensor.data.flatten()
            tensor.data = flat[torch.randperm(len(flat))].view_as(tensor)


def _forget_last(network) -> None:
    """The last two stages and the head start again."""
    import timm

    fresh = dict(timm.create_model("tf_efficientnet_lite0").named_parameters())
    for name, tensor in network.named_parameters():
        if name.startswith(("blocks.5", "blocks.6", "conv_head", "bn2")):
            tensor.data = fresh[name].data
