"""What an evaluation says on a terminal."""

from collections.abc import Mapping
from typing import Any

from regraft.evaluation.phrases import count, percent
from regraft.report.phrases import METRICS, printable, score, span

NAMED = 5


def evaluation_text(found: Mapping[str, Any]) -> str:
    """What `regraft evaluate` prints."""
    accuracy = found["metrics"]["accuracy"]
    lines = [
        f"Right on {percent(accuracy['value'])} of {count(found['images'], 'image')} ({span(accuracy)})."
    ]
    if found["seen_in_training"]:
        seen = count(found["seen_in_training"], "image")
        lines.append(f"! The run learnt from {seen} of these: what it says of them proves little.")
    lines.append("")
    for name, interval in found["metrics"].items():
        title = METRICS[name][0] if name in METRICS else name
        ends = f"{score(name, interval['low'])} to {score(name, interval['high'])}"
        lines.append(f"  {title:20} {score(name, interval['value']):>8}   ({ends})")
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
