"""Templates of pages. Whatever is put into one is escaped, but for what our own plots draw."""

from functools import cache
from typing import Any


@cache
def template(name: str) -> Any:
    """A page's template by the name of its file."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("regraft.report", "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(name)
