"""A run on one screen of a terminal."""

import io
from collections.abc import Mapping
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from regraft.evaluation.phrases import count, percent
from regraft.report.phrases import (
    duration,
    headline,
    judged_part,
    kinds,
    made_of,
    next_command,
    printable,
    span,
    weakest,
)
from regraft.report.summary import Range, Summary, check_summary

WORST_SHOWN = 5
BAR = 20
SCORES = (("accuracy", "accuracy"), ("balanced_accuracy", "mean over classes"))
SCORES_OF_LABELS = (
    ("mean_average_precision", "mean average precision"),
    ("micro_f1", "F1 of all decisions"),
    ("macro_f1", "F1, mean over labels"),
    ("subset_accuracy", "all labels right"),
)
MARKS = {"warning": ("!", "bold yellow"), "note": ("·", "cyan"), "good": ("✓", "green")}


def text(summary: Mapping[str, Any], *, width: int = 80, colour: bool = False) -> str:
    """The report as text, no line wider than `width`; with `colour`, terminal colours are written in.

    Raises:
        ArtifactError: the summary lacks a field.
    """
    stream = io.StringIO()
    console = Console(
        file=stream,
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        legacy_windows=False,
        highlight=False,
    )
    console.print(renderable(summary))
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def renderable(summary: Mapping[str, Any]) -> RenderableType:
    """The report for a rich console, which brings its own width and colours."""
    whole = check_summary(summary)
    parts: list[RenderableType] = [Text(headline(whole), style="bold"), _scores(whole), _ladder(whole)]
    if whole["per_class"]:
        parts.append(_classes(whole))
    if whole["verdicts"]:
        parts.append(_verdicts(whole))
    parts.append(_closing(whole))
    return Padding(Group(*(Padding(part, (1, 0, 0, 0)) for part in parts)), (0, 2))


def bar(interval: Range, width: int = BAR) -> str:
    """An interval in [0, 1] drawn with characters.

    >>> bar({"value": 0.5, "low": 0.25, "high": 0.75}, 9)
    '··━━●━━··'
    """
    places = [round(min(max(interval[end], 0.0), 1.0) * (width - 1)) for end in ("low", "value", "high")]
    low, value, high = places
    cells = ["━" if low <= place <= high else "·" for place in range(width)]
    cells[value] = "●"
    return "".join(cells)


def _grid(*columns: str) -> Table:
    """A table without lines; a column that starts with `>` holds numbers."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column.lstrip(">"), justify="right" if column.startswith(">") else "left")
    return table


def _scores(summary: Summary) -> RenderableType:
    part = judged_part(summary)
    scores = (summary["test"] if part == "test" else summary["validation"]) or {}
    table = _grid(part.capitalize(), ">", "0 %" + "100 %".rjust(BAR - 3), "95 % interval")
    for name, label in SCORES_OF_LABELS if summary.get("multilabel") else SCORES:
        if name in scores:
            interval = scores[name]
            table.add_row(label, percent(interval["value"]), bar(interval), span(interval))
    return table


def _ladder(summary: Summary) -> RenderableType:
    table = _grid("Tried", ">time", ">validation", "95 % interval", "")
    table.columns[0].max_width = 22
    for rung in summary["ladder"]:
        interval = rung["validation"]
        value, ends = (percent(interval["value"]), span(interval)) if interval else ("", "")
        outcome = Text("adopted", style="green") if rung["adopted"] else Text("")
        if rung["reason"]:
            outcome.append(("; " if rung["adopted"] else "") + printable(rung["reason"]), style="dim")
        table.add_row(Text(printable(rung["rung"])), duration(rung["seconds"]), value, ends, outcome)
    return table


def _classes(summary: Summary) -> RenderableType:
    rows = weakest(summary["per_class"])
    title = f"Weakest {kinds(summary)}" if len(rows) > WORST_SHOWN else kinds(summary).capitalize()
    table = _grid(title, ">images", ">found", "95 % interval", ">right when named", ">F1")
    table.columns[0].max_width = 24
    for row in rows[:WORST_SHOWN]:
        table.add_row(
            Text(printable(row["name"])),
            f"{row['count']:,}",
            percent(row["recall"]["value"]),
            span(row["recall"]),
            percent(row["precision"]["value"]),
            f"{row['f1']:.2f}",
        )
    return table


def _verdicts(summary: Summary) -> RenderableType:
    table = Table.grid(padding=(0, 1, 0, 0))
    for verdict in summary["verdicts"]:
        mark, style = MARKS.get(verdict["level"], MARKS["note"])
        table.add_row(Text(mark, style=style), Text(printable(verdict["sentence"])))
    return table


def _closing(summary: Summary) -> RenderableType:
    lines = Text(f"{made_of(summary)}, {duration(summary['seconds'])}.")
    if summary["skipped"]:
        lines.append(f" {count(summary['skipped'], 'file')} skipped.")
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_row(Text("Saved in", style="dim"), Text(printable(summary["run"]), overflow="fold"))
    table.add_row(
        Text("Next", style="dim"), Text(printable(next_command(summary)), style="bold", overflow="fold")
    )
    return Group(lines, table)
