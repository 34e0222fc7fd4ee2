"""What a deployment allows: who breaks a limit does not take part."""

import re
from dataclasses import dataclass
from typing import Literal

from regraft.backbones import Backbone
from regraft.core.errors import RecipeError

Licence = Literal["any", "permissive"]

PERMISSIVE = re.compile(r"(apache|mit|bsd|isc|cc0|unlicense|cc-by|zlib)(-\d+(\.\d+)?)?(-clause)?")
"""Names of licences that allow any use, if authors are named. Others restrict who may use the weights, or
what for, or are not stated."""


@dataclass(frozen=True)
class Limits:
    """Upper bounds; None means that there is none.

    Args:
        max_latency_ms: of one image alone, measured on this machine.
        max_size_mb: of the network as it runs here.
        max_params: in millions.
        licence: of the weights.
    """

    max_latency_ms: float | None = None
    max_size_mb: float | None = None
    max_params: float | None = None
    licence: Licence = "any"

    def __post_init__(self) -> None:
        for name in ("max_latency_ms", "max_size_mb", "max_params"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise RecipeError(f"{name} is {value}; it must be more than 0, or left out.")
        if self.licence not in ("any", "permissive"):
            raise RecipeError(f"licence is {self.licence!r}; it is 'any' or 'permissive'.")

    def refuse(self, backbone: Backbone, latency_ms: float) -> str:
        """Why a network may not be used, or nothing."""
        card, size_mb, reasons = backbone.card, backbone.size_bytes / 1e6, []
        if self.max_latency_ms is not None and latency_ms > self.max_latency_ms:
            reasons.append(f"{latency_ms:.1f} ms for one image, more than {self.max_latency_ms:g}")
        if self.max_size_mb is not None and size_mb > self.max_size_mb:
            reasons.append(f"{size_mb:.1f} MB, more than {self.max_size_mb:g}")
        if self.max_params is not None and card.parameters > 1e6 * self.max_params:
            reasons.append(f"{card.parameters / 1e6:.1f} million parameters, more than {self.max_params:g}")
        if self.licence == "permissive" and not is_permissive(card.licence):
            reasons.append(f"the licence of its weights is {card.licence}")
        return "; ".join(reasons)


def is_permissive(licence: str) -> bool:
    """Whether a licence allows any use.

    >>> is_permissive("Apache-2.0"), is_permissive("CC-BY-NC-4.0"), is_permissive("not stated")
    (True, False, False)
    """
    return PERMISSIVE.fullmatch(licence.strip().lower()) is not None
