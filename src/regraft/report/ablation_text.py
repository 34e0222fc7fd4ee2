"""The winner of a search with one setting changed at a time, on a terminal."""

from collections.abc import Mapping
from typing import Any

from regraft.report.expected import by_weight
from regraft.report.phrases import printable
from regraft.report.search.ablation_table import verdict
from regraft.report.search.story import short, written


def ablation_text(search: Mapping[str, Any]) -> str:
    """What `regraft tune --ablate` says of the report's `search`; nothing where there is no ablation."""
    rows = search.get("ablation") or []
    done = [row for row in rows if row["difference"] is not None]
    loss = by_weight("log-loss", search)
    heading = f"differences of the {loss}, with 95 % intervals" if done else "there was no time for it"
    lines = [f"The winner with one setting changed: {heading}"]
    width = max((len(_change(row)) for row in done), default=0)
    lines += [f"  {_change(row):{width}}  {_difference(row)}" for row in done]
    lines += [f"  {_change(row)} was not tried: {row['refused']}" for row in rows if row not in done]
    return "\n".join(printable(line) for line in lines) if rows else ""


def _change(row: Mapping[str, Any]) -> str:
    return f"{short(row['name'])} {written(row['before'])} → {written(row['after'])}"


def _difference(row: Mapping[str, Any]) -> str:
    value, low, high = (f"{row['difference'][end]:+.4f}" for end in ("value", "low", "high"))
    return f"{value} ({low} to {high})  {verdict(row)}"
