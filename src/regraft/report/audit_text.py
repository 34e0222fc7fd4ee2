"""What a look at the data says on a terminal: the findings first, then what is there."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from regraft.report.evaluation_text import skipped_lines
from regraft.report.finding import Finding, headline
from regraft.report.findings import findings
from regraft.report.phrases import printable

ENDS = 6
MARKS = {"warning": "!", "note": "-", "good": "+"}


def audit_text(found: Mapping[str, Any]) -> str:
    """What `regraft inspect` prints."""
    lines = [f"{headline(found)}."]
    for finding in findings(found):
        # What is wrong with each file says more than that some were skipped.
        lines += skipped_lines(found) if finding.about == "skipped_files" else _lines(found, finding)
    return "\n".join(map(printable, lines + _contents(found)))


def short(path: str, root: str) -> str:
    """A path as seen from the folder that was given, if it lies in it.

    >>> short("/photos/cat/1.png", "/photos")
    'cat/1.png'
    """
    whole = PurePath(path)
    return str(whole.relative_to(root)) if root and whole.is_relative_to(root) else path


def _lines(found: Mapping[str, Any], finding: Finding) -> list[str]:
    lines = [f"{MARKS[finding.level]} {finding.sentence} {finding.advice}".rstrip()]
    if finding.examples:
        joint = ", " if finding.about.startswith("extremes") else " = "
        lines.append("    " + joint.join(short(path, found.get("root", "")) for path in finding.examples))
    return lines


def _contents(found: Mapping[str, Any]) -> list[str]:
    rows = sorted(found["classes"].items(), key=lambda item: item[1])
    shown = rows if len(rows) <= 2 * ENDS else rows[:ENDS] + rows[-ENDS:]
    lines = [f"  {name:24} {number:8,}" for name, number in shown]
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
    return [*lines, f"Groups: {found['groups']:,}."] if found["groups"] else lines
