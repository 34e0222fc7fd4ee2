"""Pretrained networks: what they are, where they come from, how they run."""

from regraft.backbones.backbone import Backbone, is_ready, load
from regraft.backbones.card import Block, Card, Stage
from regraft.backbones.catalogue import BUNDLED

__all__ = ["BUNDLED", "Backbone", "Block", "Card", "Stage", "is_ready", "load"]
