"""Pooled activations at several depths, computed once and kept."""

from regraft.features.extract import Extraction, extract, view_of
from regraft.features.representation import (
    Affine,
    Depths,
    Representation,
    Scaling,
    columns,
    fit_affine,
    read,
    width,
)
from regraft.features.store import FeatureStore, StoredNetwork

__all__ = [
    "Affine",
    "Depths",
    "Extraction",
    "FeatureStore",
    "Representation",
    "Scaling",
    "StoredNetwork",
    "columns",
    "extract",
    "fit_affine",
    "read",
    "view_of",
    "width",
]
