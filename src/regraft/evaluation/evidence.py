"""What sentences about a result are made from, and those that hold whatever an answer looks like."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from regraft.core.errors import DataError
from regraft.evaluation.answers import Answers
from regraft.evaluation.average_precision import average_precisions
from regraft.evaluation.interval import Interval
from regraft.evaluation.label_answers import LabelAnswers
from regraft.evaluation.phrases import count, listed, percent
from regraft.evaluation.shares import share

Level = Literal["good", "note", "warning"]
AnyAnswers = Answers | LabelAnswers

FEW_TRAINING_IMAGES = 10
WIDE, VERY_WIDE = 0.05, 0.10  # half an interval of the headline score


@dataclass(frozen=True, slots=True)
class Verdict:
    """One finding: what was looked at, how serious it is, a sentence, and the numbers behind it."""

    name: str
    level: Level
    sentence: str
    evidence: dict[str, Any]


@dataclass(frozen=True)
class Evidence:
    """What verdicts are made from.

    Attributes:
        classes: names, in the order of the labels.
        train_counts: training images of each class.
        validation: answers on the images that chose the model.
        test: answers on the images that it never saw.
        skipped: files that could not be read.
        seed: for resampled intervals.
    """

    classes: Sequence[str]
    train_counts: Sequence[int]
    validation: AnyAnswers | None = None
    test: AnyAnswers | None = None
    skipped: int = 0
    seed: int = 0
    judged: AnyAnswers | None = field(init=False)

    def __post_init__(self) -> None:
        k = len(self.classes)
        if len(self.train_counts) != k or any(a and a.k != k for a in (self.validation, self.test)):
            raise DataError(f"{k} class names do not fit {len(self.train_counts)} counts and the answers.")
        object.__setattr__(self, "judged", self.test or self.validation)

    @property
    def part(self) -> str:
        """Which part is judged: the test part, or validation where there is none."""
        return "test" if self.test else "validation"


def headline(answers: AnyAnswers) -> Interval:
    """The one score by which a result is known: accuracy, or of several labels mean average precision."""
    if isinstance(answers, LabelAnswers):
        return average_precisions(answers).mean()
    return share(answers.right, answers.units)


def no_test(evidence: Evidence) -> Verdict | None:
    """That nothing was kept apart to test."""
    if evidence.test is not None:
        return None
    sentence = (
        "There is no test part: the scores come from images that helped to choose the model, and flatter it."
    )
    return Verdict("no_test_part", "warning", sentence, {})


def agreement(evidence: Evidence) -> Verdict | None:
    """Validation minus test, two independent scores; the interval adds distances to the ends as squares.

    Source: Newcombe 1998, doi 10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I, method 10.
    """
    if evidence.validation is None or evidence.test is None:
        return None
    val, test = headline(evidence.validation), headline(evidence.test)
    gap = val.value - test.value
    low = gap - float(np.hypot(val.value - val.low, test.high - test.value))
    high = gap + float(np.hypot(val.high - val.value, test.value - test.low))
    facts = {"validation": ends(val), "test": ends(test), "difference": ends(Interval(gap, low, high))}
    both = f"validation {percent(val.value)}, test {percent(test.value)}"
    if low > 0:
        sentence = (
            f"The test score is lower than chance explains: {both}. "
            "Choosing on validation flatters it; trust the test."
        )
        return Verdict("validation_and_test", "warning", sentence, facts)
    if high < 0:
        sentence = (
            f"The test score is higher than chance explains: {both}. Are the test images of an easier kind?"
        )
        return Verdict("validation_and_test", "note", sentence, facts)
    return Verdict("validation_and_test", "good", f"Validation and test agree within chance: {both}.", facts)


def known_to(evidence: Evidence, answers: AnyAnswers, score: str) -> Verdict:
    """How precisely the headline score is known."""
    interval = headline(answers)
    half = (interval.high - interval.low) / 2
    grouped = f" in {count(answers.count, 'group')}" if answers.count < answers.n else ""
    part = f"The {evidence.part} part has {count(answers.n, 'image')}{grouped}"
    points = f"± {count(max(1, round(100 * half)), 'point')}"
    facts = {"images": answers.n, "groups": answers.count, score.replace(" ", "_"): ends(interval)}
    if half <= WIDE:
        return Verdict("enough_images", "good", f"{part}: the {score} is known to {points}.", facts)
    level: Level = "note" if half <= VERY_WIDE else "warning"
    return Verdict("enough_images", level, f"{part}: the {score} is known only to {points}.", facts)


def rare(evidence: Evidence) -> Verdict | None:
    """Which classes have few images to learn from."""
    rare = {
        c: n for c, n in zip(evidence.classes, evidence.train_counts, strict=True) if n < FEW_TRAINING_IMAGES
    }
    if not rare:
        return None
    ordered = sorted(rare, key=lambda name: rare[name])
    which = listed([f'"{name}" ({rare[name]})' for name in ordered])
    subject = "1 class has" if len(rare) == 1 else f"{len(rare)} classes have"
    sentence = (
        f"{subject} fewer than {FEW_TRAINING_IMAGES} training images: {which}. More of them would help most."
    )
    level: Level = "warning" if min(rare.values()) == 0 else "note"
    return Verdict("rare_classes", level, sentence, {"train_counts": rare})


def never_predicted(evidence: Evidence, answers: AnyAnswers) -> Verdict | None:
    """Which classes occur and are never named."""
    unnamed = np.flatnonzero((answers.seen > 0) & (answers.guessed == 0)).tolist()
    missed = {evidence.classes[c]: int(answers.seen[c]) for c in unnamed}
    if not missed:
        return None
    which = listed([f'"{name}" ({count(n, "image")})' for name, n in missed.items()])
    return Verdict(
        "never_predicted", "warning", f"Never predicted, though it occurs: {which}.", {"images": missed}
    )


def not_judged(evidence: Evidence) -> Verdict | None:
    """Which classes do not occur."""
    if evidence.judged is None:
        return None
    absent = [evidence.classes[c] for c in np.flatnonzero(evidence.judged.seen == 0).tolist()]
    if not absent:
        return None
    which = listed([f'"{name}"' for name in absent])
    sentence = (
        f"The {evidence.part} part has no image of {which}: nothing is known about how well that works."
    )
    return Verdict("classes_not_judged", "note", sentence, {"classes": absent})


def skipped(evidence: Evidence) -> Verdict | None:
    """How many files took no part."""
    if not evidence.skipped:
        return None
    sentence = f"{count(evidence.skipped, 'file')} could not be read and took no part; the report lists them."
    return Verdict("skipped_files", "note", sentence, {"skipped": evidence.skipped})


def ends(interval: Interval) -> dict[str, float]:
    """An interval as evidence."""
    return {"value": interval.value, "low": interval.low, "high": interval.high}
