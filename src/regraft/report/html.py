"""A run as one HTML file that needs nothing else: no network, no script, light and dark."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from regraft.evaluation.confusion import most_confused
from regraft.evaluation.phrases import count, percent
from regraft.report import phrases
from regraft.report.search import search_part
from regraft.report.search.story import written
from regraft.report.summary import Range, Summary, check_summary
from regraft.report.template import template

LARGEST_MATRIX = 50  # classes; beyond it, the matrix is unreadable and the worst pairs say more
PAIRS_SHOWN = 20
ROWS_SHOWN = 25


def html(summary: Mapping[str, Any]) -> str:
    """The report as one self-contained HTML page; everything that users named is escaped.

    Raises:
        ArtifactError: the summary lacks a field.
    """
    whole = check_summary(summary)
    rows = phrases.weakest(whole["per_class"])
    searched = whole.get("search")
    page: str = template("report.html.jinja").render(
        s=whole,
        phrases=phrases,
        percent=percent,
        count=count,
        bar=bar,
        scores=_scores(whole),
        span=_ladder_span(whole),
        rows=rows[:ROWS_SHOWN],
        more_rows=rows[ROWS_SHOWN:],
        multilabel=bool(whole.get("multilabel")),
        unjudged=[row["name"] for row in whole["per_class"] if not row["count"]],
        matrix=_matrix(whole),
        pairs=_pairs(whole),
        q=search_part(searched) if searched else None,
        written=written,
        recipe=json.dumps(whole["chosen"], indent=2, ensure_ascii=False),
    )
    return page


def bar(interval: Range, start: float = 0.0, stop: float = 1.0) -> Any:
    """An interval as an inline SVG: a line for the range, a bar for the interval, a dot for the value."""
    from markupsafe import Markup

    def place(value: float) -> str:
        return f"{2 + 96 * (min(max(value, start), stop) - start) / (stop - start):.2f}%"

    low, value, high = (place(interval[end]) for end in ("low", "value", "high"))
    # Only numbers go in, so there is nothing to escape.
    return Markup(  # noqa: S704
        '<svg class="bar" width="100%" height="14" aria-hidden="true">'
        '<line class="track" x1="2%" x2="98%" y1="7" y2="7"/>'
        f'<line class="range" x1="{low}" x2="{high}" y1="7" y2="7"/>'
        f'<circle cx="{value}" cy="7" r="4"/></svg>'
    )


def _scores(summary: Summary) -> list[dict[str, Any]]:
    """One row for each metric that either part has."""
    test = summary["test"] or {}
    names = [name for name in phrases.METRICS if name in test or name in summary["validation"]]
    return [
        {
            "name": name,
            "label": phrases.METRICS[name][0],
            "help": phrases.METRICS[name][1],
            "drawn": name != "log_loss",
            "parts": [(label, part[name]) for label, part in _parts(summary) if name in part],
        }
        for name in names
    ]


def _parts(summary: Summary) -> list[tuple[str, dict[str, Range]]]:
    both = [("test", summary["test"]), ("validation", summary["validation"])]
    return [(label, part) for label, part in both if part]


def _ladder_span(summary: Summary) -> tuple[float, float]:
    """The range of accuracies that all rungs are drawn on: whole tenths around every interval."""
    found = [rung["validation"] for rung in summary["ladder"] if rung["validation"]]
    if not found:
        return 0.0, 1.0
    low, high = min(r["low"] for r in found), max(r["high"] for r in found)
    start, stop = float(np.floor(low * 10)) / 10, float(np.ceil(high * 10)) / 10
    return (start, stop) if stop > start else (0.0, 1.0)


def _matrix(summary: Summary) -> list[tuple[str, int, list[tuple[int, float]]]] | None:
    """Rows of (class, images, cells of (count, share of the row)), or None if there are too many classes."""
    matrix = summary["confusion"]
    if not matrix or len(matrix) > LARGEST_MATRIX:
        return None
    rows = zip(summary["classes"], matrix, strict=True)
    return [(name, sum(row), [(cell, cell / max(sum(row), 1)) for cell in row]) for name, row in rows]


def _pairs(summary: Summary) -> list[dict[str, Any]]:
    matrix = summary["confusion"]
    if len(matrix) <= LARGEST_MATRIX:
        return []
    found = most_confused(np.array(matrix), summary["classes"], count=PAIRS_SHOWN)
    return [{"truth": m.truth, "predicted": m.predicted, "count": m.count, "share": m.share} for m in found]
