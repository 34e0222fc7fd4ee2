"""Text and HTML over plain data."""

from regraft.report.findings import audit_text, evaluation_text
from regraft.report.html import html
from regraft.report.summary import Summary, check_summary
from regraft.report.text import renderable, text

__all__ = ["Summary", "audit_text", "check_summary", "evaluation_text", "html", "renderable", "text"]
