"""What the folders above an image say: its class, its domain and its part.

The rule, on the names of the folders between the root and the images:

1. Folders that everything lies in are entered, as in `flowers/flowers/daisy/1.jpg`, unless that leaves
   fewer than two folders to tell apart.
2. First-level folders called train, val (valid, validation) or test, in any case, are parts, if all are, or
   if train and another one hold folders. Parts below every class or domain folder (`daisy/train/1.jpg`)
   are parts too, if nothing else lies there and train is among them. A part may repeat its name, as in
   `training_set/training_set/daisy`. So `train` beside ordinary class folders, as in a data set of
   vehicles, is a class.
3. The next level are domains and the level below classes, if at least two folders hold at least two of
   the same names, and more than half of all names there are shared: `photo/dog`, `photo/cat`,
   `sketch/dog`, `sketch/cat`. Names that tell a file's kind, such as `images` and `masks`, do not count.
4. Otherwise the next level are the classes, however deep the images lie in them.

Nobody can tell, and it is an error, where rule 3 would hold but images also lie directly in a domain, or
where a part with several folders lies beside others that are no parts. A pattern such as `{label}/**`
overrides the rule (see `filenames`).
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from regraft.core.errors import DataError
from regraft.data.names import Part, clean_name, part_of_name

Folders = tuple[str, ...]

IN_NO_CLASS = "lies in no class folder"
NO_PART = "lies beside train and test but is no part"

KINDS_OF_FILE = frozenset(
    {
        "image",
        "images",
        "img",
        "imgs",
        "jpg",
        "jpeg",
        "png",
        "mask",
        "masks",
        "label",
        "labels",
        "annotations",
    }
)


@dataclass(frozen=True, slots=True)
class Place:
    """What the folders above an image say of it."""

    label: str
    domain: str = ""
    part: Part | None = None


def place_folders(folders: Collection[Folders], root: Path) -> dict[Folders, Place | str]:
    """Read each folder's place from all of them; a text says why its images have no class.

    Args:
        folders: for each folder that holds images, the names from the root down to it.
        root: for messages.

    Raises:
        DataError: the first level could be domains or classes.
    """
    depth = _wrapper_depth(folders)
    level = _part_level({one[depth:] for one in folders}, root)
    parts: dict[Folders, Part | None] = {}
    below: dict[Folders, Folders] = {}
    placed: dict[Folders, Place | str] = {}
    for one in folders:
        names = one[depth:]
        if level is None or not names:
            parts[one], below[one] = None, names
        elif part := part_of_name(names[level]):
            parts[one], below[one] = part, names[:level] + names[level + 1 :]
        else:
            placed[one] = NO_PART
    below = _without_repeated_parts(below, parts)
    inner = _wrapper_depth(below.values())
    below = {one: names[inner:] for one, names in below.items()}
    has_domains = _has_domains(set(below.values()), root)
    for one, names in below.items():
        placed[one] = _place(names, parts[one], has_domains=has_domains)
    return placed


def common_folder(folders: Iterable[Folders]) -> Folders:
    """The folders that everything lies in."""
    every = [*folders]
    shared = []
    for names in zip(*every, strict=False):
        if len(set(names)) > 1:
            break
        shared.append(names[0])
    return tuple(shared)


def _place(names: Folders, part: Part | None, *, has_domains: bool) -> Place | str:
    names = tuple(map(clean_name, names))
    if not names:
        return IN_NO_CLASS
    if not has_domains:
        return Place(names[0], part=part)
    return Place(names[1], domain=names[0], part=part)


def _wrapper_depth(folders: Iterable[Folders]) -> int:
    """How many folders everything lies in, where entering them leaves several folders or a part."""
    nested = [one for one in folders if one]
    shared = common_folder(nested)
    for level, name in enumerate(shared):
        if part_of_name(name):
            return level
    # An image directly in the last one makes that folder a class.
    return 0 if any(len(one) == len(shared) for one in nested) else len(shared)


def _without_repeated_parts(
    below: Mapping[Folders, Folders], parts: Mapping[Folders, Part | None]
) -> dict[Folders, Folders]:
    """What lies below the parts, where every part holds a folder called like itself and nothing else."""
    inside = [(names, parts[one]) for one, names in below.items() if names]
    is_repeated = all(part and part_of_name(names[0]) == part and len(names) > 1 for names, part in inside)
    return {one: names[1:] if is_repeated else names for one, names in below.items()}


def _part_level(folders: Collection[Folders], root: Path) -> int | None:
    """The level whose folders are parts, if any is."""
    first = {part_of_name(one[0]) for one in folders if one}
    with_classes = {part_of_name(one[0]) for one in folders if len(one) > 1}
    if first and None not in first:
        return 0
    if "train" in with_classes and len(with_classes - {None}) > 1:
        return 0
    _require_no_part_among_classes(folders, root)
    second = {part_of_name(one[1]) if len(one) > 1 else None for one in folders if one}
    return 1 if "train" in second and None not in second and len(second) > 1 else None


def _require_no_part_among_classes(folders: Collection[Folders], root: Path) -> None:
    for name in sorted({one[0] for one in folders if one and part_of_name(one[0])}):
        inside = {one[1] if len(one) > 1 else "" for one in folders if one and one[0] == name}
        if len(inside) > 1 and "" not in inside:
            beside = sorted({one[0] for one in folders if one} - {name})
            raise DataError(
                f"{root / name} could be a part with {len(inside)} classes in it, such as {min(inside)!r}, "
                f"or a class of its own, since {beside[0]!r} lies beside it. Move one of them, or say "
                f"which it is with the pattern '{{split}}/{{label}}/**' or '{{label}}/**' (--label-from)."
            )


def _has_domains(folders: Collection[Folders], root: Path) -> bool:
    below: dict[str, set[str]] = defaultdict(set)
    for one in folders:
        if len(one) > 1 and one[1].casefold() not in KINDS_OF_FILE:
            below[one[0]].add(clean_name(one[1]))
    count = Counter(name for names in below.values() for name in names)
    shared = sorted(name for name in count if count[name] > 1)
    if len(shared) < 2 or 2 * len(shared) <= len(count):
        return False
    shallow = sorted({one[0] for one in folders if len(one) == 1})
    if shallow:
        raise DataError(
            f"The folders in {root} can be read in two ways: {', '.join(map(repr, sorted(below)[:3]))} hold "
            f"folders of the same names ({', '.join(map(repr, shared[:3]))}), as domains with classes do, "
            f"but {shallow[0]!r} holds images directly, as a class does. Move them, or say which it is with "
            f"the pattern '{{domain}}/{{label}}/**' or '{{label}}/**' (--label-from)."
        )
    return True
