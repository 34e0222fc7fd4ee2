"""What a backbone's name says: `BASE[:96px][:int8|:bf16]`.

The base is where the weights come from (`lite0`, `timm:resnet50@/x/weights.pth`, ...); the image size and the
precision are choices of the user, so that one network at two sizes is two candidates.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from regraft.core.errors import BackboneError

Precision = Literal["full", "bf16", "fp16", "int8"]

LEAST_PX = 32
SUFFIXES = re.compile(r"(?P<base>.*?)(?::(?P<px>\d+)px)?(?::(?P<precision>bf16|fp16|int8))?", re.DOTALL)
TURNED_ROUND = re.compile(r"(?P<base>.*):(?P<precision>bf16|fp16|int8):(?P<px>\d+)px", re.DOTALL)


@dataclass(frozen=True)
class Name:
    """A backbone's name, taken apart; `str` puts it together again. `image_px` None is the network's own."""

    base: str
    image_px: int | None = None
    precision: Precision = "full"

    def __str__(self) -> str:
        """The name in its one canonical form."""
        size = "" if self.image_px is None else f":{self.image_px}px"
        return f"{self.base}{size}{'' if self.precision == 'full' else f':{self.precision}'}"

    def with_base(self, base: str) -> "Name":
        """The same size and precision of another base, such as the same file by its full path."""
        return replace(self, base=base)


def parse(text: str) -> Name:
    """Take a name apart.

    >>> parse("timm:resnet50@/x/w.pth:128px:int8")
    Name(base='timm:resnet50@/x/w.pth', image_px=128, precision='int8')

    Raises:
        BackboneError: the image size is too small for any network.
    """
    match = TURNED_ROUND.fullmatch(text) or SUFFIXES.fullmatch(text)
    assert match is not None, "every text has at least a base"
    image_px = None if match["px"] is None else int(match["px"])
    if image_px is not None and image_px < LEAST_PX:
        raise BackboneError(
            f"{text!r} asks for images of {image_px} pixels; networks need at least {LEAST_PX}, "
            f"as in '{match['base']}:{LEAST_PX}px'."
        )
    precisions: dict[str | None, Precision] = {None: "full", "bf16": "bf16", "fp16": "fp16", "int8": "int8"}
    return Name(match["base"], image_px, precisions[match["precision"]])


def weights_file(text: str) -> Path | None:
    """The weights file in a name; None where it has none."""
    if "@" not in text:
        return None
    return Path(parse(text).base.partition("@")[2])


def with_file(text: str, file: Path | str) -> str:
    """A name with another weights file in the place of its own."""
    name = parse(text)
    return str(name.with_base(f"{name.base.partition('@')[0]}@{file}"))


def without_file(text: str) -> str:
    """A name without where its weights file lies.

    >>> without_file("lite0@/models/network.safetensors:96px"), without_file("lite0:96px")
    ('lite0@:96px', 'lite0:96px')
    """
    return text if weights_file(text) is None else with_file(text, "")


def moved(text: str, folder: Path) -> str:
    """A name whose weights file is given by a relative path, with the path below a folder.

    >>> moved("lite0@network.safetensors:96px", Path("/models/pets"))
    'lite0@/models/pets/network.safetensors:96px'
    >>> moved("lite0:96px", Path("/models/pets"))
    'lite0:96px'
    """
    file = weights_file(text)
    return text if file is None else with_file(text, folder / file)
