"""Short texts for results that have no page of their own: an evaluation, a look at the data."""

from collections.abc import Mapping, Sequence
from typing import Any

from regraft.evaluation.phrases import count, percent
from regraft.report.phrases import METRICS, printable, score, span

NAMED = 5
ENDS = 6


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
    lines += ["", *_skipped(found)]
    return _printable(lines).rstrip()


def audit_text(found: Mapping[str, Any]) -> str:
    """What `regraft inspect` prints."""
    counts = found["classes"]
    classes = f"{len(counts):,} {'class' if len(counts) == 1 else 'classes'}"
    lines = [f"{count(found['images'], 'image')} in {classes}."]
    rows = sorted(counts.items(), key=lambda item: item[1])
    shown = rows if len(rows) <= 2 * ENDS else rows[:ENDS] + rows[-ENDS:]
    lines += [f"  {name:24} {number:8,}" for name, number in shown]
    if len(shown) < len(rows):
        lines.append(f"  (the {ENDS} smallest and the {ENDS} largest of {len(rows):,})")
    if found["width_px"]:
        width, height = found["width_px"], found["height_px"]
        lines.append(
            f"Sizes: {width['least']} x {height['least']} to {width['most']} x {height['most']} pixels, "
            f"median {width['median']:g} x {height['median']:g}."
        )
        kinds = ", ".join(f"{kind} ({number:,})" for kind, number in found["kinds"].items())
        lines.append(f"Kinds: {kinds}.")
    for name in ("parts", "domains"):
        if len(found[name]) > 1:
            parts = ", ".join(f"{part} {number:,}" for part, number in found[name].items())
            lines.append(f"{name.capitalize()}: {parts}.")
    if found["groups"]:
        lines.append(f"Groups: {found['groups']:,}.")
    lines += _sets(found["copies"], "image", "stored more than once (kept together in every split)")
    lines += _sets(found["conflicts"], "image", "stored under different labels (correct one of them)")
    lines += _sets(
        found["leaks"], "image or group", "in more than one given part (what is tested there was learnt)"
    )
    return _printable(lines + _skipped(found))


def _sets(sets: Sequence[Sequence[str]], what: str, finding: str) -> list[str]:
    if not sets:
        return []
    first = " = ".join(sets[0][:3])
    return [f"! {count(len(sets), what)} {finding}: {first}{', ...' if len(sets) > 1 else ''}"]


def _printable(lines: Sequence[str]) -> str:
    return "\n".join(map(printable, lines))


def _skipped(found: Mapping[str, Any]) -> list[str]:
    if not found["skipped"]:
        return []
    lines = [f"! {count(found['skipped'], 'file')} skipped:"]
    lines += [f"    {one['path']}: {one['reason']}" for one in found["skipped_files"][:NAMED]]
    if found["skipped"] > NAMED:
        lines.append(f"    and {found['skipped'] - NAMED:,} more")
    return lines
