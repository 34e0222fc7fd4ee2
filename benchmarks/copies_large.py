"""Near copies among a hundred thousand pictures: time, memory, and what is found of a thousand planted ones.

As `inspect` looks at images that no fit has seen: by thumbnails, without a network's features, for which ten
minutes more would go. Run only where it is named (`python -m benchmarks.copies_large`), since it takes some
fifteen minutes. A found pair of two tiles that are not one counts as wrong.
"""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.__main__ import main
from benchmarks.tiles import Tile, lay_tiles

SETS = ("rsscn7", "hymenoptera", "dtd10", "pacs")
COUNT, COPIES = 100_000, 1_000
MOST_LISTED = 100
PRECISION_TARGET, MINUTES_TARGET = 0.99, 10.0

SEARCH = """
import json, pathlib, re, sys, time
from regraft.data import read
from regraft.features import FeatureStore
from regraft.pipeline.relatives import find_relatives, thumbnails
dataset, seconds = read(sys.argv[1]), {}
with FeatureStore() as store:
    for name, step in (("thumbnails", thumbnails), ("search", lambda *to: find_relatives(*to, None))):
        wall, cpu = time.perf_counter(), time.process_time()
        found = step(dataset, store)
        seconds[name] = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
peak_kb = int(re.search("VmHWM:\\\\s*(\\\\d+)", pathlib.Path("/proc/self/status").read_text())[1])
pairs = [[str(dataset.paths[one]) for one in (copy.first, copy.second)] for copy in found.copies]
print(json.dumps({"seconds": seconds, "peak_mb": peak_kb / 1024, "images": len(dataset), "pairs": pairs}))
"""


def run(data: Path | None, quick: bool) -> dict:
    """Needs the sets whose pictures are cut."""
    if data is None:
        return {"skipped": f"needs {', '.join(SETS)}"}
    count = COUNT // 10 if quick else COUNT
    with tempfile.TemporaryDirectory() as folder:
        sources = [data / name for name in SETS]
        tiles = lay_tiles(sources, Path(folder) / "images", count=count, copies=count * COPIES // COUNT)
        command = [sys.executable, "-c", SEARCH, str(Path(folder) / "images")]
        told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    judged = _judged({str(tile.path): tile for tile in tiles}, told.pop("pairs"))
    minutes = sum(one["wall_s"] for one in told["seconds"].values()) / 60
    return {
        **told,
        **judged,
        "minutes": minutes,
        "cpu_ms_per_image": 1e3 * sum(one["cpu_s"] for one in told["seconds"].values()) / told["images"],
        "target": f"precision {PRECISION_TARGET}, {MINUTES_TARGET:g} minutes for {COUNT:,}",
        "reached": judged["precision"] >= PRECISION_TARGET
        and minutes <= MINUTES_TARGET * told["images"] / COUNT,
    }


def _judged(tiles: Mapping[str, Tile], pairs: Sequence[Sequence[str]]) -> dict:
    """Precision by pairs; recall of planted tiles that a chain of pairs of theirs joins to their original."""
    joined: dict[str, set[str]] = {}
    wrong = []
    for one, other in pairs:
        first, second = tiles[one], tiles[other]
        if first.origin == second.origin:
            joined.setdefault(first.origin, set()).update((one, other))
        else:
            wrong.append([_name(first), _name(second)])
    of_one_picture = sum(one.split(":")[0] == other.split(":")[0] for one, other in wrong)
    planted = [tile for tile in tiles.values() if tile.kind]
    found = Counter(tile.kind for tile in planted if str(tile.path) in joined.get(tile.origin, ()))
    of_kind = Counter(tile.kind for tile in planted)
    return {
        "precision": 1 - len(wrong) / max(1, len(pairs)),
        "pairs": len(pairs),
        "wrong_of_one_picture": of_one_picture,
        "wrong_of_two": len(wrong) - of_one_picture,
        "recall": {kind: found[kind] / number for kind, number in sorted(of_kind.items())},
        "planted": dict(sorted(of_kind.items())),
        "wrong": wrong[:MOST_LISTED],
    }


def _name(tile: Tile) -> str:
    return f"{tile.source.parent.name}/{tile.source.name}:{tile.left}:{tile.top}"


if __name__ == "__main__":
    sys.exit(main(["copies_large", *sys.argv[1:]]))
