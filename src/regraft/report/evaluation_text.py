"""What an evaluation says on a terminal."""

from collections.abc import Mapping
from typing import Any

from regraft.evaluation.phrases import count
from regraft.report.phrases import METRICS, printable, reached, score

NAMED = 5


def evaluation_text(found: Mapping[str, Any]) -> str:
    """What `regraft evaluate` prints."""
    lines = [f"{reached(found['metrics'], count(found['images'], 'image'))}."]
    if found["seen_in_training"]:
        seen = count(found["seen_in_training"], "image")
        lines.append(f"! The run learnt from {seen} of these: what it says of them proves little.")
    lines.append("")
    titles = {name: METRICS[name][0] if name in METRICS else name for name in found["metrics"]}
    width = max(20, *map(len, titles.values()))
    for name, interval in found["metrics"].items():
        ends = f"{score(name, interval['low'])} to {score(name, interval['high'])}"
        lines.append(f"  {titles[name]:{width}} {score(name, interval['value']):>8}   ({ends})")
    lines += ["", *skipped_lines(found)]
    return "\n".join(map(printable, lines)).rstrip()


def skipped_lines(found: Mapping[str, Any]) -> list[str]:
    """How many files were skipped, and the first few with the reason."""
    if not found["skipped"]:
        return []
    lines = [f"! {count(found['skipped'], 'file')} skipped:"]
    lines += [f"    {one['path']}: {one['reason']}" for one in found["skipped_files"][:NAMED]]
    if found["skipped"] > NAMED:
        lines.append(f"    and {found['skipped'] - NAMED:,} more")
    return lines
