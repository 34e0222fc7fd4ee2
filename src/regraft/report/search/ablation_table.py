"""The winner with one setting changed at a time, as rows of a table with a drawn interval each."""

from collections.abc import Mapping, Sequence
from typing import Any

from regraft.report.expected import by_weight
from regraft.report.search.story import short

Row = Mapping[str, Any]


def ablation_table(search: Mapping[str, Any]) -> dict[str, Any] | None:
    """Rows that were tried, the most telling first, and those that were not; None without an ablation."""
    found: Sequence[Row] | None = search.get("ablation")
    if not found:
        return None
    done = [row for row in found if row["difference"] is not None]
    most = max((abs(row["difference"][end]) for row in done for end in ("low", "high")), default=0.0)
    return {
        "loss": by_weight("log-loss", search),
        "rows": [{**row, **_told(row, most)} for row in done],
        "refused": [row for row in found if row["difference"] is None],
    }


def verdict(row: Row) -> str:
    """Whether the change can be told from none."""
    if row["difference"]["low"] > 0:
        return "worse"
    return "better" if row["difference"]["high"] < 0 else "no telling"


def _told(row: Row, most: float) -> dict[str, Any]:
    return {
        "short": short(row["name"]),
        "verdict": verdict(row),
        "drawn": _drawn(row["difference"], most),
    }


def _drawn(difference: Mapping[str, float], most: float) -> Any:
    """The interval on a line whose middle is no difference."""
    from markupsafe import Markup

    def place(value: float) -> str:
        return f"{50 + 48 * value / (most or 1.0):.2f}%"

    low, value, high = (place(difference[end]) for end in ("low", "value", "high"))
    return Markup(  # noqa: S704 - only numbers go in
        '<svg class="bar" width="100%" height="14" aria-hidden="true">'
        '<line class="track" x1="2%" x2="98%" y1="7" y2="7"/>'
        '<line class="zero" x1="50%" x2="50%" y1="0" y2="14"/>'
        f'<line class="range" x1="{low}" x2="{high}" y1="7" y2="7"/>'
        f'<circle cx="{value}" cy="7" r="4"/></svg>'
    )
