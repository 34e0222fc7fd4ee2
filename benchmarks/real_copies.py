"""Copies that nobody planted: one picture in several sizes, such as packages ship of wallpapers and icons.

Debian's packages are fetched by name with `apt-get download` and unpacked into a temporary folder; nothing is
installed. Matplotlib is where it is.
"""

import re
import shutil
import subprocess
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from regraft.backbones import load
from regraft.data import read
from regraft.features import FeatureStore, extract
from regraft.pipeline.relatives import find_relatives, thumbnails

PACKAGES = ("plasma-workspace-wallpapers", "desktop-base")

PATTERNS = {
    "wallpaper": r"wallpapers/(?P<picture>\w+)/contents/(?:images/\d{4}x\d{4}|screenshot)\.\w+$",
    "emblem": r"icons/desktop-base/(?:64x64|128x128|256x256)/emblems/(?P<picture>emblem-debian)[\w-]*\.png$",
    "logo": r"debian-logos/(?P<picture>logo[\w-]*)-\d+\.png$",
    "icon": r"mpl-data/images/(?P<picture>\w+?)(?:_large)?\.png$",
}
"""Kind of picture to the paths of its files; those of one picture are copies of one another. Emblems come in
several colours as well."""

UPRIGHT = re.compile(r"images/(?:1080x1920|720x1440)\.")
"""For telephones: a third of the picture, or another drawing, so not what is looked for here."""


def real_copies() -> dict:
    """How many files of a picture are joined with its largest, and what else is taken for a copy."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            versions = _fetch(Path(folder))
        except (OSError, subprocess.CalledProcessError) as error:
            return {"skipped": f"needs apt-get and dpkg-deb, and Debian's packages: {error}"}
        pictures = _gathered(Path(folder) / "unpacked", Path(folder) / "images")
        return {"packages": versions, **_searched(Path(folder) / "images", pictures)}


def _fetch(folder: Path) -> dict[str, str]:
    """Unpack the packages; returns their versions."""
    fetch = ["apt-get", "download", "-o", "APT::Sandbox::User=root", *PACKAGES]
    subprocess.run(fetch, cwd=folder, check=True, capture_output=True)
    versions = {}
    for package in sorted(folder.glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", package, folder / "unpacked"], check=True, capture_output=True)
        shown = subprocess.run(["dpkg-deb", "-f", package, "Version"], check=True, capture_output=True)
        versions[package.name.split("_")[0]] = shown.stdout.decode().strip()
    return versions | ({"matplotlib": version("matplotlib")} if find_spec("matplotlib") else {})


def _files(unpacked: Path) -> Iterator[Path]:
    yield from sorted(unpacked.rglob("*.*"))
    matplotlib = find_spec("matplotlib")
    if matplotlib and matplotlib.origin:
        yield from sorted(Path(matplotlib.origin).parent.glob("mpl-data/images/*.png"))


def _gathered(unpacked: Path, images: Path) -> dict[str, str]:
    """Copy the files into a folder for each kind; returns the picture of each file, by its new name."""
    pictures = {}
    for number, path in enumerate(_files(unpacked)):
        for kind, pattern in PATTERNS.items():
            match = re.search(pattern, str(path))
            if match and path.is_file() and not path.is_symlink() and not UPRIGHT.search(str(path)):
                name = f"{number:05}{path.suffix}"
                (images / kind).mkdir(parents=True, exist_ok=True)
                shutil.copy(path, images / kind / name)
                pictures[name] = f"{kind} {match['picture']}"
    return pictures


def _searched(images: Path, pictures: Mapping[str, str]) -> dict:
    with FeatureStore(images.parent / "cache") as store:
        dataset, backbone = read(images), load("lite0")
        extract(dataset, backbone, store)
        relatives = find_relatives(dataset, store, backbone)
        is_blank = thumbnails(dataset, store).std((1, 2)) == 0
    names = [path.name for path in dataset.paths]
    together = {place: number for number, one in enumerate(relatives.sets) for place in one}
    files: dict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(names):
        if not is_blank[place]:
            files[pictures[name]].append(place)
    planted, found, missed = Counter[str](), Counter[str](), []
    for picture, places in files.items():
        largest = max(places, key=lambda place: dataset.paths[place].stat().st_size)
        for place in {*places} - {largest}:
            planted[picture.split()[0]] += 1
            if together.get(place, -1) == together.get(largest, -2):
                found[picture.split()[0]] += 1
            else:
                missed.append(picture)
    unlike = [(pictures[names[one.first]], pictures[names[one.second]]) for one in relatives.copies]
    return {
        "images": len(dataset),
        "blank": int(is_blank.sum()),  # White on nothing, which becomes white on white.
        "planted": dict(planted),
        "found": dict(found),
        "recall": sum(found.values()) / sum(planted.values()),
        "missed": sorted(missed),
        "pairs": len(unlike),
        "unlike": [f"{one} = {other}" for one, other in unlike if one != other],
    }
