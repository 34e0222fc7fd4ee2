"""What the peers of `search` ended with, where that is scikit-learn's logistic regression, solved to its end.

Its solver stops early at its default tolerance, which is one more regulariser, and one that no setting names:
a peer that tries thousands of trials on the same folds also chooses where it stops. Here each of these points
is fitted as it was and to a tolerance that leaves nothing to solve, on the folds the peer chose by and on
folds dealt anew.
"""

import json
import tempfile
import warnings
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.accuracy import write_table
from benchmarks.search import PEERS
from benchmarks.search_peers import cross_validated
from benchmarks.search_task import SearchTask, fresh_loss, make_task
from regraft.backbones import load
from regraft.features import FeatureStore
from regraft.heads.selection import held_out_loss

RESULTS = Path(__file__).parent / "results" / "search.json"
TO_THE_END = {"tol": 1e-8, "max_iter": 100_000}


def run(data: Path | None, quick: bool) -> dict[str, Any]:
    """Both log-losses of every such point, on both kinds of folds."""
    if data is None or not RESULTS.is_file():
        return {"skipped": "needs the data sets, and what search has found"}
    ends = {(point["set"], point["side"]): point for point in json.loads(RESULTS.read_text())["curves"]}
    points = {
        key: end["point"]
        for key, end in ends.items()
        if key[1] in PEERS and end["point"]["head"] == "logistic" and (data / key[0]).is_dir()
    }
    load("lite0")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in sorted({name for name, _ in points})[: 1 if quick else None]:
            work = Path(folder) / name
            work.mkdir()
            task = make_task(
                write_table(data / name, work / "table.csv", 0), work / "task", FeatureStore(work)
            )
            for (source, peer), point in points.items():
                if source == name:
                    rows.append({"set": name, "peer": peer, "C": point["own"]["C"], **losses(task, point)})
                    print("   ", rows[-1], flush=True)
    return {"n": len(rows), "rows": rows}


def losses(task: SearchTask, point: dict[str, Any]) -> dict[str, float]:
    """Of a point as it was tried, and solved to its end."""
    features, found = task.features(point["depths"]), {}
    for name, settings in (("as it stops", {}), ("solved", TO_THE_END)):
        asked = {**point, "own": point["own"] | settings}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            own = held_out_loss(cross_validated(task, features, asked, task.folds), task.labels)
            fresh = fresh_loss(task, partial(cross_validated, task, features, asked))
        found |= {name: round(own, 4), f"{name}, fresh folds": round(fresh, 4)}
    return found
