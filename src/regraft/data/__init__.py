"""Labelled images: reading folders and tables, parts and folds, decoding, views, batches."""

from regraft.data.audit import audit
from regraft.data.dataset import Dataset, Example, Part, Skipped, require_parts, require_trainable
from regraft.data.decode import Source, decode
from regraft.data.digits import write_digits
from regraft.data.folder import read_folder
from regraft.data.folds import NEVER_HELD_OUT, folds
from regraft.data.loading import Batch, batches
from regraft.data.reading import read
from regraft.data.scan import find_images
from regraft.data.split import split
from regraft.data.table import read_table
from regraft.data.units import Unit, leaks, units
from regraft.data.view import View

__all__ = [
    "NEVER_HELD_OUT",
    "Batch",
    "Dataset",
    "Example",
    "Part",
    "Skipped",
    "Source",
    "Unit",
    "View",
    "audit",
    "batches",
    "decode",
    "find_images",
    "folds",
    "leaks",
    "read",
    "read_folder",
    "read_table",
    "require_parts",
    "require_trainable",
    "split",
    "units",
    "write_digits",
]
