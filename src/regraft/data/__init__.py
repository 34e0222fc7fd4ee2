"""Labelled images: reading folders and tables, parts and folds, decoding, views, batches."""

from regraft.data.audit import describe_dataset
from regraft.data.dataset import Dataset, Example, Skipped
from regraft.data.decode import Source, decode
from regraft.data.digits import write_digits
from regraft.data.folder import read_folder
from regraft.data.folds import NEVER_HELD_OUT, folds
from regraft.data.images import from_images
from regraft.data.loading import Batch, batches
from regraft.data.look import Seen, look
from regraft.data.name_groups import NameGroups, name_groups
from regraft.data.names import Part
from regraft.data.near_copies import NearCopy, near_copies
from regraft.data.public_sets import PUBLIC_SETS, write_public_set
from regraft.data.reading import DataSource, Labelled, path_of, read
from regraft.data.relatives import Relatives, keep_together, untangled, without_leaks
from regraft.data.requirements import require_every_file, require_parts, require_trainable
from regraft.data.scan import find_images
from regraft.data.split import split
from regraft.data.table import read_table
from regraft.data.thumbnails import thumbnail
from regraft.data.units import Unit, leaks, units
from regraft.data.view import View

__all__ = [
    "NEVER_HELD_OUT",
    "PUBLIC_SETS",
    "Batch",
    "DataSource",
    "Dataset",
    "Example",
    "Labelled",
    "NameGroups",
    "NearCopy",
    "Part",
    "Relatives",
    "Seen",
    "Skipped",
    "Source",
    "Unit",
    "View",
    "batches",
    "decode",
    "describe_dataset",
    "find_images",
    "folds",
    "from_images",
    "keep_together",
    "leaks",
    "look",
    "name_groups",
    "near_copies",
    "path_of",
    "read",
    "read_folder",
    "read_table",
    "require_every_file",
    "require_parts",
    "require_trainable",
    "split",
    "thumbnail",
    "units",
    "untangled",
    "without_leaks",
    "write_digits",
    "write_public_set",
]
