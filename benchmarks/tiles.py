"""A hundred thousand pictures that are all different: tiles of photographs and paintings side by side."""

import itertools
import json
import random
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image

from benchmarks.planted import changes
from regraft.data import read

TILE_PX, STRIDE_PX, SIDE_PX = 40, 35, 80
"""Neighbours share an eighth, which is too little to be called one picture."""

LEFT_OUT = ("banded", "chequered", "crosshatched", "sketch", "cartoon")
"""Folders of pictures of which one piece is another: regular textures, and drawings on white."""

STEP, LEAST_STEPS_FRACTION = 4.0, 0.3
"""How many neighbouring pixels have to differ by how many grey levels: a piece of sky is like any other."""

PART = 100


@dataclass(frozen=True, slots=True)
class Tile:
    """A square of a picture, and where it is written. With a kind it is a copy, changed in that way."""

    source: Path
    left: int
    top: int
    path: Path
    kind: str = ""

    @property
    def origin(self) -> str:
        """The same for a tile and its copies, and for no other tile."""
        return f"{self.source}:{self.left}:{self.top}"


def lay_tiles(sources: Sequence[Path], folder: Path, *, count: int, copies: int, seed: int = 0) -> list[Tile]:
    """Write tiles of the pictures of some sets, and among them copies; fewer if there are not that many.

    Args:
        sources: folders of sets, as `read` takes them.
        folder: where files go, in two folders.
        count: of files in all.
        copies: of them, spread evenly over the kinds of `planted.changes`.
        seed: of the choice.
    """
    chance = random.Random(seed)
    paths = [example.path for source in sources for example in read(source).examples]
    left_out = {*LEFT_OUT, *_known_copies()}
    paths = [p for p in paths if not left_out & {*p.parts, f"{p.parent.name}/{p.name}"}]
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
    with ProcessPoolExecutor() as pool:
        places = [place for some in pool.map(_places, paths, chunksize=PART) for place in some]
        chance.shuffle(places)
        chosen = places[: count - copies]
        tiles = [Tile(*place, folder / "ab"[i % 2] / f"{i:06}.jpg") for i, place in enumerate(chosen)]
        kinds = [*changes(chance)]
        for i, place in enumerate(chance.sample(chosen, copies)):
            path = folder / chance.choice("ab") / f"x{chance.getrandbits(40):010x}.jpg"
            tiles.append(Tile(*place, path, kinds[i % len(kinds)]))
        # Neighbours in the list are of one picture, which is then opened once.
        tiles.sort(key=lambda tile: tile.source)
        list(pool.map(_write, [tiles[start : start + PART] for start in range(0, len(tiles), PART)]))
    return tiles


def _known_copies() -> set[str]:
    """Pictures of the sets that are copies of others."""
    judged = json.loads(Path(__file__).with_name("judged_copies.json").read_text())["pairs"]
    return {other for pairs in judged.values() for _, other, is_same in pairs if is_same}


def _places(path: Path) -> list[tuple[Path, int, int]]:
    """Corners of the tiles of a picture that show something."""
    picture = np.asarray(PIL.Image.open(path).convert("L"), np.float32)
    height, width = picture.shape
    steps = [np.abs(np.diff(picture, axis=axis, append=0)) for axis in (0, 1)]
    has_step = np.maximum(*steps) >= STEP
    corners = itertools.product(
        range(0, width - TILE_PX + 1, STRIDE_PX), range(0, height - TILE_PX + 1, STRIDE_PX)
    )
    return [
        (path, left, top)
        for left, top in corners
        if has_step[top : top + TILE_PX, left : left + TILE_PX].mean() >= LEAST_STEPS_FRACTION
    ]


def _write(tiles: Sequence[Tile]) -> None:
    for source, some in itertools.groupby(tiles, key=lambda tile: tile.source):
        picture = PIL.Image.open(source).convert("RGB")
        for tile in some:
            square = picture.crop((tile.left, tile.top, tile.left + TILE_PX, tile.top + TILE_PX))
            image = square.resize((SIDE_PX, SIDE_PX), PIL.Image.Resampling.LANCZOS)
            chance = random.Random(tile.origin)
            if tile.kind:
                image = changes(chance)[tile.kind](image)
            image.save(tile.path, quality=chance.randint(30, 60) if tile.kind == "recompressed" else 90)
