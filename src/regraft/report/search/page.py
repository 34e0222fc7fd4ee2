"""A search as one HTML file: no network, no script, light and dark."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from regraft.evaluation.phrases import count, percent
from regraft.report import phrases
from regraft.report.search.part import search_part
from regraft.report.search.story import written
from regraft.report.template import template


def search_page(search: Mapping[str, Any], *, run: str) -> str:
    """What `regraft tune --report` writes; everything that users named is escaped.

    Args:
        search: the report's `search`.
        run: the folder of the run.
    """
    page: str = template("search.html.jinja").render(
        q=search_part(search),
        search=search,
        run=run,
        name=PurePath(run).name or run,
        phrases=phrases,
        percent=percent,
        count=count,
        written=written,
    )
    return page
