"""Further views of an image, to learn from beside the plain one: mirrored, or cropped more closely.

Each has its own key in the store, so that it is computed once like the plain view. Predictions are made of
plain views alone.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from regraft.backbones import Backbone
from regraft.core.arrays import Images
from regraft.core.hashing import fingerprint
from regraft.data import View

Views = Literal["plain", "mirrored", "cropped", "both"]

CLOSER = 0.8
"""The share of the plain view's side that a closer crop keeps, at the same number of pixels."""


@dataclass(frozen=True)
class Variant:
    """One way to look at an image: which share of the plain view's side, and whether it is mirrored."""

    share: float = 1.0
    is_mirrored: bool = False

    def view(self, backbone: Backbone) -> View:
        """What is resized and cropped for a network."""
        card = backbone.card
        return View(card.image_px, card.crop_fraction * self.share, card.interpolation)

    def turned(self, images: Images) -> Images:
        """The pixels that the network gets of such a view."""
        return np.ascontiguousarray(images[:, :, ::-1]) if self.is_mirrored else images

    def key(self, backbone: Backbone) -> str:
        """Names the features in the store; those of the plain view have the network's own key."""
        return backbone.key if self == PLAIN else fingerprint([backbone.key, self.share, self.is_mirrored])

    def name(self, backbone: Backbone) -> str:
        """What the store's summary calls them."""
        named = {"mirrored": self.is_mirrored, "cropped": self.share < 1}
        return " ".join([backbone.card.name, *(word for word, is_so in named.items() if is_so)])


PLAIN = Variant()
MIRRORED, CROPPED = Variant(is_mirrored=True), Variant(CLOSER)

VARIANTS: dict[Views, tuple[Variant, ...]] = {
    "plain": (PLAIN,),
    "mirrored": (PLAIN, MIRRORED),
    "cropped": (PLAIN, CROPPED),
    "both": (PLAIN, MIRRORED, CROPPED, replace(CROPPED, is_mirrored=True)),
}
"""What a head learns from, the plain view first."""
