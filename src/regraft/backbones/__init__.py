"""Pretrained networks: what they are, where they come from, how they run."""

from regraft.backbones.backbone import Backbone, address, is_ready, load
from regraft.backbones.card import Block, Card, Stage
from regraft.backbones.catalogue import BUNDLED
from regraft.backbones.families import FAMILIES, SHORT_NAMES, Row
from regraft.backbones.source_head import SourceHead
from regraft.backbones.weights_here import is_here

__all__ = [
    "BUNDLED",
    "FAMILIES",
    "SHORT_NAMES",
    "Backbone",
    "Block",
    "Card",
    "Row",
    "SourceHead",
    "Stage",
    "address",
    "is_here",
    "is_ready",
    "load",
]
