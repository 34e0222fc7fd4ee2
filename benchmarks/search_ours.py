"""Our side of `search`: `regraft.tune` as it comes, in a process of its own.

`python -m benchmarks.search_ours TABLE STORE SECONDS LOG STARTED`: the budget is what is left of the seconds
once all is imported. The log's first line is of the whole; then comes one for each trial that was completed.
"""

import json
import sys
import time
from pathlib import Path


def main(words: list[str]) -> None:
    from benchmarks.search_task import NETWORK
    from regraft import Recipe
    from regraft.features import FeatureStore
    from regraft.pipeline.tune import tune

    table, store, seconds, log, started_s = words
    started = float(started_s)
    left_s = float(seconds) - (time.time() - started)
    run = tune(
        Path(table),
        budget=left_s,
        out=Path(log).with_suffix(".run"),
        recipe=Recipe(backbones=(NETWORK,)),
        store=FeatureStore(Path(store)),
    )
    whole_s = time.time() - started
    report = run.report.data
    lines = [
        {
            "at_s": trial["started_s"] + trial["seconds"] - started,
            "value": trial["value"],
            "values": trial["values"],
            "settings": trial["details"]["head"],
        }
        for trial in report["search"]["trials"]
        if trial["state"] == "complete"
    ]
    whole = {
        "whole_s": whole_s,
        "cpu_s": time.process_time(),
        "counts": report["search"]["counts"],
        "test": 100 * report["test"]["accuracy"]["value"],
        "chosen": {key: report["chosen"][key] for key in ("backbones", "depths", "scaling", "head")},
    }
    ordered = sorted(lines, key=lambda line: line["at_s"])
    Path(log).write_text("".join(json.dumps(line) + "\n" for line in [whole, *ordered]))


if __name__ == "__main__":
    main(sys.argv[1:])
