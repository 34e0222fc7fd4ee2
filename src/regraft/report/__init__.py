"""Text and HTML over plain data."""

from regraft.report.ablation_text import ablation_text
from regraft.report.audit_page import audit_page
from regraft.report.audit_text import audit_text
from regraft.report.evaluation_text import evaluation_text
from regraft.report.finding import Finding
from regraft.report.findings import findings
from regraft.report.html import html
from regraft.report.rank_page import rank_page
from regraft.report.rank_text import rank_text
from regraft.report.search import search_page
from regraft.report.summary import Summary, check_summary
from regraft.report.text import renderable, text
from regraft.report.tune_text import tune_text

__all__ = [
    "Finding",
    "Summary",
    "ablation_text",
    "audit_page",
    "audit_text",
    "check_summary",
    "evaluation_text",
    "findings",
    "html",
    "rank_page",
    "rank_text",
    "renderable",
    "search_page",
    "text",
    "tune_text",
]
