"""Pretrained networks: what they are, where they come from, how they run."""

import sys

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

# OpenVINO's converter and NNCF report every use to Google Analytics, through a file in the user's home and a
# process forked for each message, unless the user has opted out. Where the package that sends is missing they
# go without; here nothing leaves the machine.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
