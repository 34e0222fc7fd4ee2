"""Labelled images: reading folders and tables, parts and folds, decoding, views, batches."""

from regraft.data.audit.describe import describe_dataset
from regraft.data.audit.look import Seen, look
from regraft.data.copies.bursts import bursts
from regraft.data.copies.exposures import Exposure, read_exposures
from regraft.data.copies.name_groups import name_groups
from regraft.data.copies.near_copies import NearCopy, near_copies
from regraft.data.copies.relatives import Relatives, keep_together, untangled, without_leaks
from regraft.data.copies.suspected import SuspectedGroups
from regraft.data.copies.thumbnails import thumbnail
from regraft.data.dataset import Dataset, Example, Skipped
from regraft.data.folds import NEVER_HELD_OUT, folds
from regraft.data.formats.decode import Source, decode
from regraft.data.loading import Batch, batches
from regraft.data.names import Part
from regraft.data.readers.digits import write_digits
from regraft.data.readers.folder import read_folder
from regraft.data.readers.images import from_images
from regraft.data.readers.public_sets import PUBLIC_SETS, write_public_set
from regraft.data.readers.reading import DataSource, Labelled, path_of, read
from regraft.data.readers.scan import find_images
from regraft.data.readers.table import read_table
from regraft.data.requirements import require_every_file, require_parts, require_trainable
from regraft.data.split import split
from regraft.data.units import Unit, leaks, units
from regraft.data.view import View

__all__ = [
    "NEVER_HELD_OUT",
    "PUBLIC_SETS",
    "Batch",
    "DataSource",
    "Dataset",
    "Example",
    "Exposure",
    "Labelled",
    "NearCopy",
    "Part",
    "Relatives",
    "Seen",
    "Skipped",
    "Source",
    "SuspectedGroups",
    "Unit",
    "View",
    "batches",
    "bursts",
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
    "read_exposures",
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
