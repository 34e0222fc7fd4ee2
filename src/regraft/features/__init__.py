"""Pooled activations at several depths, computed once and kept."""

from regraft.features.extract import Extraction, extract, view_of
from regraft.features.representation import (
    Affine,
    Depths,
    Representation,
    Scaling,
    affine_of,
    columns,
    columns_within,
    fit_affine,
    read,
    width,
)
from regraft.features.store import FeatureStore, StoredNetwork
from regraft.features.views import PLAIN, VARIANTS, Variant, Views

__all__ = [
    "PLAIN",
    "VARIANTS",
    "Affine",
    "Depths",
    "Extraction",
    "FeatureStore",
    "Representation",
    "Scaling",
    "StoredNetwork",
    "Variant",
    "Views",
    "affine_of",
    "columns",
    "columns_within",
    "extract",
    "fit_affine",
    "read",
    "view_of",
    "width",
]
