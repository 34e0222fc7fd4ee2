"""What a search has shown, as plots and tables: part of a run's report, or a page of its own."""

from regraft.report.search.page import search_page
from regraft.report.search.part import search_part

__all__ = ["search_page", "search_part"]
