"""Copies of every kind, planted among the images of a real set."""

import random
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import PIL.Image
import PIL.ImageOps

from regraft.data import read

FRACTION = 0.05
TURNS = (PIL.Image.Transpose.ROTATE_90, PIL.Image.Transpose.ROTATE_180, PIL.Image.Transpose.ROTATE_270)

Picture = PIL.Image.Image


@dataclass(frozen=True)
class Planted:
    """Where a set with planted copies lies.

    Args:
        folder: class folders.
        origins: for every file of it the original, as class/name.
        kinds: for every planted file of which kind it is.
    """

    folder: Path
    origins: Mapping[Path, str]
    kinds: Mapping[Path, str]


def plant(source: Path, folder: Path, *, seed: int = 0) -> Planted:
    """Copy a set and add, for each kind, copies of 5 % of its images; one in five under a wrong label."""
    dataset, chance = read(source), random.Random(seed)
    origins: dict[Path, str] = {}
    kinds: dict[Path, str] = {}
    for place, example in enumerate(dataset.examples):
        name = dataset.classes[example.label]
        path = folder / name / f"{place:05}{example.path.suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(example.path, path)
        origins[path] = f"{example.path.parent.name}/{example.path.name}"
    order = chance.sample(range(len(dataset)), len(dataset))
    each = int(len(dataset) * FRACTION)
    for number, (kind, change) in enumerate(changes(chance).items()):
        for place in order[number * each : (number + 1) * each]:
            example = dataset.examples[place]
            label = chance.randrange(len(dataset.classes)) if chance.random() < 0.2 else example.label
            path = folder / dataset.classes[label] / f"x{chance.getrandbits(40):010x}.jpg"
            quality = chance.randint(30, 60) if kind == "recompressed" else 90
            change(PIL.Image.open(example.path).convert("RGB")).save(path, quality=quality)
            origins[path] = f"{example.path.parent.name}/{example.path.name}"
            kinds[path] = kind
    return Planted(folder, origins, kinds)


def changes(chance: random.Random) -> dict[str, Callable[[Picture], Picture]]:
    """What is done to an image, by the name of the kind."""

    def rescale(image: Picture) -> Picture:
        factor = chance.uniform(0.5, 0.8)
        return image.resize(
            (int(image.width * factor), int(image.height * factor)), PIL.Image.Resampling.BICUBIC
        )

    def crop(image: Picture) -> Picture:
        kept = 1 - chance.uniform(0.03, 0.10)
        width, height = int(image.width * kept), int(image.height * kept)
        left, top = chance.randint(0, image.width - width), chance.randint(0, image.height - height)
        return image.crop((left, top, left + width, top + height))

    def light(image: Picture) -> Picture:
        factor = chance.choice([chance.uniform(0.6, 0.85), chance.uniform(1.15, 1.4)])
        return image.point(lambda value: min(255, int(value * factor)))

    def mirror(image: Picture) -> Picture:
        return PIL.ImageOps.mirror(image) if chance.random() < 0.5 else PIL.ImageOps.flip(image)

    return {
        "rescaled": rescale,
        "recompressed": lambda image: image,
        "mirrored": mirror,
        "rotated": lambda image: image.transpose(chance.choice(TURNS)),
        "cropped": crop,
        "brightness": light,
    }
