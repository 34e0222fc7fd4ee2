"""One door for every source of labelled images."""

from dataclasses import dataclass
from pathlib import Path

from regraft.core.errors import DataError
from regraft.data.dataset import Dataset
from regraft.data.readers.archive import is_archive, unpack
from regraft.data.readers.folder import read_folder
from regraft.data.readers.interop import Indexed, read_object
from regraft.data.readers.sheet import SHEETS
from regraft.data.readers.table import read_table

TABLES = (*SHEETS, ".txt")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A source, and where in it the labels are written; nothing is read before `read` gets it."""

    source: Path | str
    label_from: str | None = None
    task: str | None = None


DataSource = Dataset | Labelled | Path | str | Indexed


def read(source: DataSource, *, label_from: str | None = None, task: str | None = None) -> Dataset:
    """Read labelled images, wherever they are.

    Args:
        source: a folder (see `folder`), a table (see `table`), a .zip or .tar of either, or a data set object
            of torchvision or Hugging Face (see `interop`). A data set that was read before is returned.
        label_from: a pattern of file names that hold the label, such as `{label}_*.jpg` (see `filenames`).
        task: which further label column is the label.

    Raises:
        DataError: there is no such source, or it cannot be used; the message says why.
        ArtifactError: the cache, where archives and images in memory go, cannot be written.
    """
    if isinstance(source, Labelled):
        return read(source.source, label_from=source.label_from, task=source.task)
    if isinstance(source, (str, Path)):
        return _read_path(_existing(source), label_from, task)
    if label_from is not None:
        raise DataError(f"A {type(source).__name__} has no file names to take labels from.")
    if isinstance(source, Dataset):
        return source if task is None else source.for_task(task)
    return read_object(source, task=task)


def path_of(source: DataSource) -> Path | None:
    """The folder, table or archive that a source is, if it is one."""
    place = source.source if isinstance(source, Labelled) else source
    return Path(place) if isinstance(place, (str, Path)) else None


def _existing(source: Path | str) -> Path:
    try:
        path = Path(source).expanduser().absolute()
        path_exists = path.exists()
    except (OSError, RuntimeError) as error:
        # A home folder that is not known is a RuntimeError.
        raise DataError(f"Cannot look at {source}: {getattr(error, 'strerror', None) or error}.") from error
    if not path_exists:
        raise DataError(f"There is no folder or table {path}. Check the name.")
    return path


def _read_path(path: Path, label_from: str | None, task: str | None) -> Dataset:
    if path.is_dir():
        return read_folder(path, label_from=label_from, task=task)
    if is_archive(path):
        return read_folder(unpack(path), label_from=label_from, task=task)
    if path.suffix.casefold() not in TABLES:
        raise DataError(
            f"{path} is neither a folder nor a table nor an archive. Give a folder that holds one sub-folder "
            f"per class, a .csv file with the columns path and label, or a .zip or .tar of one of these."
        )
    if label_from is not None:
        raise DataError(f"{path} is a table, whose column says the labels. Give --label-from a folder.")
    return read_table(path, task=task)
