"""Scores with intervals, calibration, paired comparison, and plain verdicts; nothing here imports torch."""

from regraft.evaluation.answers import Answers, Groups
from regraft.evaluation.average_precision import average_precisions
from regraft.evaluation.calibration import fit_temperature, softmax
from regraft.evaluation.comparison import Comparison, compare, compare_answers
from regraft.evaluation.confusion import ClassScore, Mistake, confusion, most_confused, per_class
from regraft.evaluation.evidence import AnyAnswers, Evidence, Verdict, headline
from regraft.evaluation.interval import Interval, wilson
from regraft.evaluation.jackknife import jackknife
from regraft.evaluation.label_answers import LabelAnswers
from regraft.evaluation.label_metrics import LabelScore, label_metrics, per_label
from regraft.evaluation.metrics import metrics
from regraft.evaluation.resampling import bootstrap
from regraft.evaluation.selection import Selection, corrected_best
from regraft.evaluation.shares import share
from regraft.evaluation.thresholds import fit_thresholds
from regraft.evaluation.verdicts import verdicts

__all__ = [
    "Answers",
    "AnyAnswers",
    "ClassScore",
    "Comparison",
    "Evidence",
    "Groups",
    "Interval",
    "LabelAnswers",
    "LabelScore",
    "Mistake",
    "Selection",
    "Verdict",
    "average_precisions",
    "bootstrap",
    "compare",
    "compare_answers",
    "confusion",
    "corrected_best",
    "fit_temperature",
    "fit_thresholds",
    "headline",
    "jackknife",
    "label_metrics",
    "metrics",
    "most_confused",
    "per_class",
    "per_label",
    "share",
    "softmax",
    "verdicts",
    "wilson",
]
