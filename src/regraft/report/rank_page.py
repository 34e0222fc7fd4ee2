"""A ranking of networks as one HTML file: no network, no script, light and dark."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from regraft.evaluation.phrases import count, percent
from regraft.report import rank_words
from regraft.report.front import front
from regraft.report.template import template


def rank_page(found: Mapping[str, Any]) -> str:
    """What `regraft rank --page` writes; everything that users named is escaped."""
    rows = found["candidates"]
    names = [name for name in rank_words.SCORES if any(name in row["scores"] for row in rows)]
    page: str = template("rank.html.jinja").render(
        r=found,
        rows=rows,
        name=PurePath(found["root"]).name or "Images",
        words=rank_words,
        sentences=rank_words.sentences(found),
        front=front(rows) if len(rows) > 1 else "",
        scores=[(name, *rank_words.SCORES[name]) for name in names],
        best={
            name: max(row["scores"][name]["value"] for row in rows if name in row["scores"]) for name in names
        },
        percent=percent,
        count=count,
    )
    return page
