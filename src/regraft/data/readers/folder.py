"""Reading a folder: classes, parts and domains are sub-folders, or names or a table hold the labels.

    flowers/                 flowers/                   flowers/               flowers/
    ├── daisy/               ├── train/                 ├── photo/             ├── labels.csv
    │   ├── 1.jpg            │   ├── daisy/             │   ├── daisy/         └── images/
    │   └── field/2.jpg      │   └── rose/              │   └── rose/              ├── 1.jpg
    └── rose/                └── test/                  └── sketch/                └── 2.jpg
        └── 3.png                ├── daisy/                 ├── daisy/
                                 └── rose/                  └── rose/

`layout` states the rule by which folders are told apart, `filenames` how labels are read from names. A table
named `labels` or `metadata`, with the ending of any table, is read where the folders give no class, or one
class and the table has the columns; otherwise the folders are. Hidden files and files that are not named
as images are ignored.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from regraft.core.errors import DataError
from regraft.data.dataset import Dataset, Skipped
from regraft.data.readers.filenames import compile_pattern, propose_pattern, read_filename
from regraft.data.readers.layout import IN_NO_CLASS, Folders, Place, common_folder, place_folders
from regraft.data.readers.listing import Entry, Listing, to_dataset
from regraft.data.readers.scan import identities_above, walk
from regraft.data.readers.sheet import SHEETS
from regraft.data.readers.table import names_images, read_table
from regraft.data.requirements import require_parts

LAYOUT = "Put the images of each class in a sub-folder named after the class."
TABLE_NAMES = ("labels", "metadata")


def read_folder(path: Path | str, *, label_from: str | None = None, task: str | None = None) -> Dataset:
    """Read a folder of images; every file is hashed, nothing is written.

    Files that cannot be read are listed in `Dataset.skipped`, and so are images that no class is known of.

    Args:
        path: the folder.
        label_from: a pattern of names, such as `{label}_*.jpg`, instead of folders or a table.
        task: which further label column of the table in the folder is the label.

    Raises:
        DataError: the path is no folder, no image in it has a class, its layout can be read in two ways, or
            its train part lacks a class that another part has.
    """
    root = Path(path).expanduser().absolute()
    _require_folder(root)
    skipped: list[Skipped] = []
    paths = sorted(walk(root, identities_above(root), skipped), key=lambda one: one.parts)
    folders = [one.parts[len(root.parts) : -1] for one in paths]
    entries: list[Entry]
    if label_from is not None:
        entries = _by_name(root, paths, label_from, skipped)
    else:
        entries = _by_folder(root, paths, folders, skipped)
        table = _table_in(root, folders)
        classes = len({entry.labels for entry in entries})
        if table and (not classes or (classes == 1 and names_images(table))):
            return read_table(table, task=task)
    if task is not None:
        raise DataError(
            f"Only a table has label columns to choose the task {task!r} from; {root} is a folder."
        )
    dataset = to_dataset(Listing(root, entries, skipped))
    if not len(dataset):
        raise _nothing_usable(dataset, label_from)
    require_parts(dataset)
    return dataset


def _require_folder(root: Path) -> None:
    if not root.exists():
        raise DataError(f"There is no folder {root}. Check the name.")
    if not root.is_dir():
        raise DataError(f"{root} is a file, not a folder. Give the folder that holds the class folders.")


def _by_folder(
    root: Path, paths: Sequence[Path], folders: Sequence[Folders], skipped: list[Skipped]
) -> list[Entry]:
    places = place_folders(set(folders), root)
    entries = []
    for path, names in zip(paths, folders, strict=True):
        place = places[names]
        if isinstance(place, Place):
            entries.append(Entry(path, (place.label,), domain=place.domain, part=place.part))
        else:
            skipped.append(Skipped(path, place))
    return entries


def _by_name(root: Path, paths: Sequence[Path], text: str, skipped: list[Skipped]) -> list[Entry]:
    pattern = compile_pattern(text)
    found = [read_filename(pattern, path, "/".join(path.parts[len(root.parts) :])) for path in paths]
    skipped += [one for one in found if isinstance(one, Skipped)]
    return [one for one in found if isinstance(one, Entry)]


def _table_in(root: Path, folders: Sequence[Folders]) -> Path | None:
    """The table that lies beside the images, or above them on the way down that all of them share."""
    shared = common_folder(set(folders))
    for depth in range(len(shared) + 1):
        folder = root.joinpath(*shared[:depth])
        for name in TABLE_NAMES:
            for ending in SHEETS:
                if (folder / f"{name}{ending}").is_file():
                    return folder / f"{name}{ending}"
    return None


def _nothing_usable(dataset: Dataset, label_from: str | None) -> DataError:
    root, skipped = dataset.root, dataset.skipped
    reasons = Counter(one.reason for one in skipped)
    if label_from is not None and skipped:
        first = skipped[0]
        return DataError(
            f"No image in {root} gets a label from the pattern {label_from!r}; the first, {first.path.name}, "
            f"{first.reason}. Fields are {{label}}, {{group}}, {{domain}}, {{split}}, {{time}} and "
            f"{{number}}; * stands for anything."
        )
    if reasons[IN_NO_CLASS]:
        advice = _advice(root, [one.path.name for one in skipped if one.reason == IN_NO_CLASS])
        return DataError(
            f"{root} holds {reasons[IN_NO_CLASS]} images but no class folder with images. {advice}"
        )
    if skipped:
        return DataError(
            f"No image in {root} can be read; the first is {skipped[0].path}: {skipped[0].reason}."
        )
    return DataError(f"There is no image in {root}. {LAYOUT}")


def _advice(root: Path, names: Sequence[str]) -> str:
    tables = sorted(path for ending in SHEETS for path in root.glob(f"*{ending}"))
    if tables:
        return f"If {tables[0].name} says what they are, with the columns path and label, give {tables[0]}."
    proposed = propose_pattern(names)
    if proposed:
        return (
            f"Their names look as if they held the label: try --label-from {proposed!r}. Otherwise: {LAYOUT}"
        )
    return f"{LAYOUT} Or say how names hold the label, with --label-from '{{label}}_*'."
