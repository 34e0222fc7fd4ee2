"""Scores with intervals, calibration, paired comparison, and plain verdicts; nothing here imports torch."""

from regraft.evaluation.answers import Answers, Groups
from regraft.evaluation.calibration import fit_temperature, softmax
from regraft.evaluation.comparison import Comparison, compare
from regraft.evaluation.confusion import ClassScore, Mistake, confusion, most_confused, per_class
from regraft.evaluation.interval import Interval, wilson
from regraft.evaluation.metrics import metrics
from regraft.evaluation.resampling import bootstrap
from regraft.evaluation.selection import Selection, corrected_best
from regraft.evaluation.shares import share
from regraft.evaluation.verdicts import Evidence, Verdict, verdicts

__all__ = [
    "Answers",
    "ClassScore",
    "Comparison",
    "Evidence",
    "Groups",
    "Interval",
    "Mistake",
    "Selection",
    "Verdict",
    "bootstrap",
    "compare",
    "confusion",
    "corrected_best",
    "fit_temperature",
    "metrics",
    "most_confused",
    "per_class",
    "share",
    "softmax",
    "verdicts",
    "wilson",
]
