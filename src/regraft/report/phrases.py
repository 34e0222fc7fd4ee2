"""What a report says in words, shared by its text and its HTML."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePath

from regraft.evaluation.phrases import count, percent
from regraft.report.summary import ClassRow, Range, Summary

METRICS = {
    "mean_average_precision": ("Mean average precision", "how pure the top of each label's ranking is"),
    "accuracy": ("Accuracy", "the share of images that are right"),
    "balanced_accuracy": ("Balanced accuracy", "the mean recall of all classes, rare or not"),
    "micro_f1": ("Micro F1", "the F1 of all labels' decisions together"),
    "macro_f1": ("Macro F1", "the mean F1 of all classes, rare or not"),
    "subset_accuracy": ("Subset accuracy", "the share of images with all labels right"),
    "hamming_loss": ("Hamming loss", "the share of decisions that are wrong"),
    "top_2_accuracy": ("Top-2 accuracy", "the true class is among the first two"),
    "top_5_accuracy": ("Top-5 accuracy", "the true class is among the first five"),
    "roc_auc": ("Area under ROC", "how often a class's own image outranks another's"),
    "expected_calibration_error": ("Calibration error", "how far its probabilities are from its accuracy"),
    "log_loss": ("Log-loss", "in nats; 0 is perfect"),
}
# The month names of strftime depend on the machine's language.
MONTHS = "January February March April May June July August September October November December"
NOT_SHARES = {"log_loss", "expected_calibration_error", "roc_auc"}


def headline(summary: Summary) -> str:
    """The one sentence to remember."""
    part = judged_part(summary)
    scores = summary["test"] if part == "test" else summary["validation"]
    if not scores:
        return "No images were held out, so nothing is known about how good it is."
    images = count(summary["parts"].get(part, summary["parts"].get("val", 0)), f"{part} image")
    seen = "it had never seen" if part == "test" else "that helped to choose it"
    return f"{reached(scores, f'{images} {seen}')}."


def reached(scores: Mapping[str, Range], images: str) -> str:
    """What a model reaches on which images, by the one score that it is known by."""
    if "mean_average_precision" in scores:
        purity = scores["mean_average_precision"]
        return f"Mean average precision {percent(purity['value'])} on {images} ({span(purity)})"
    accuracy = scores["accuracy"]
    return f"Right on {percent(accuracy['value'])} of {images} ({span(accuracy)})"


def ladder_score(summary: Summary) -> str:
    """What the steps of the ladder are measured by."""
    return METRICS["mean_average_precision" if summary.get("multilabel") else "accuracy"][0]


def kind(summary: Summary) -> str:
    """What an image has: a class, or of several any number of labels."""
    return "label" if summary.get("multilabel") else "class"


def kinds(summary: Summary) -> str:
    """The plural of `kind`."""
    return "labels" if summary.get("multilabel") else "classes"


def judged_part(summary: Summary) -> str:
    """The part that the report describes: the test part, or validation where there is none."""
    return "test" if summary["test"] else "validation"


def span(interval: Range) -> str:
    """Both ends of a share's interval.

    >>> span({"value": 0.913, "low": 0.861, "high": 0.947})
    '86.1 to 94.7 %'
    """
    return f"{100 * interval['low']:.1f} to {percent(interval['high'])}"


def score(name: str, value: float) -> str:
    """A score by the name of its metric, as it is usually written."""
    return f"{value:.3f}" if name in NOT_SHARES else percent(value)


def duration(seconds: float) -> str:
    """A time in the unit that suits it.

    >>> duration(0.04), duration(41.3), duration(200), duration(7260)
    ('0.04 s', '41 s', '3 min 20 s', '2 h 1 min')
    """
    if seconds < 0.005:
        return "0 s"
    if seconds < 10:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def moment(iso: str) -> str:
    """A date and time to the minute, as written if it is no ISO date.

    >>> moment("2026-03-01T10:22:31+00:00")
    '1 March 2026, 10:22'
    """
    try:
        when = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    return f"{when.day} {MONTHS.split()[when.month - 1]} {when.year}, {when:%H:%M}"


def weakest(rows: list[ClassRow]) -> list[ClassRow]:
    """Classes that can be judged, those with the lowest F1 first."""
    return sorted((row for row in rows if row["count"]), key=lambda row: (row["f1"], row["name"]))


def made_of(summary: Summary) -> str:
    """How many images went where."""
    parts = summary["parts"]
    split = ", ".join(f"{parts.get(part, 0):,} {name}" for part, name in PARTS.items() if parts.get(part))
    total = f"{count(summary['images'], 'image')} of {len(summary['classes'])} {kinds(summary)}"
    return f"{total} ({split})" if split else total


PARTS = {"train": "to learn from", "val": "to choose by", "test": "kept for the test"}


def next_command(summary: Summary) -> str:
    """What to type next."""
    run = summary["run"]
    quoted = f'"{run}"' if any(c.isspace() for c in run) else run
    return f"regraft predict {quoted} IMAGES..."


def run_name(summary: Summary) -> str:
    """The last part of the run's folder."""
    return PurePath(summary["run"]).name or summary["run"]


def printable(text: str) -> str:
    r"""Text without control characters, which could rearrange a terminal; each becomes a question mark.

    >>> printable("a\x1b[2Jb")
    'a?[2Jb'
    """
    return "".join(c if c.isprintable() else "?" for c in text)
