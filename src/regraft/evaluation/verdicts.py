"""Plain sentences about a result, each with the numbers it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from regraft.core.errors import DataError
from regraft.evaluation.answers import Answers
from regraft.evaluation.comparison import paired_difference
from regraft.evaluation.confusion import confusion, most_confused
from regraft.evaluation.interval import Interval
from regraft.evaluation.phrases import count, listed, percent
from regraft.evaluation.resampling import mean_interval
from regraft.evaluation.shares import share

Level = Literal["good", "note", "warning"]

FEW_TRAINING_IMAGES = 10
WIDE, VERY_WIDE = 0.05, 0.10  # half an interval of the accuracy
OFF, FAR_OFF = 0.02, 0.10  # confidence minus accuracy


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
    validation: Answers | None = None
    test: Answers | None = None
    skipped: int = 0
    seed: int = 0
    judged: Answers | None = field(init=False)

    def __post_init__(self) -> None:
        k = len(self.classes)
        if len(self.train_counts) != k or any(a and a.k != k for a in (self.validation, self.test)):
            raise DataError(f"{k} class names do not fit {len(self.train_counts)} counts and the answers.")
        object.__setattr__(self, "judged", self.test or self.validation)

    @property
    def part(self) -> str:
        """Which part is judged: the test part, or validation where there is none."""
        return "test" if self.test else "validation"


def verdicts(evidence: Evidence) -> tuple[Verdict, ...]:
    """All that there is to say about a result, warnings first, then notes, then what is good."""
    of_answers = (_majority, _size, _never_predicted, _calibration, _mistakes)
    found = [
        _no_test(evidence),
        _agreement(evidence),
        _rare(evidence),
        _not_judged(evidence),
        _skipped(evidence),
    ]
    if evidence.judged is not None:
        found += [check(evidence, evidence.judged) for check in of_answers]
    order = {"warning": 0, "note": 1, "good": 2}
    return tuple(sorted((v for v in found if v is not None), key=lambda v: order[v.level]))


def _majority(evidence: Evidence, answers: Answers) -> Verdict:
    majority = int(np.argmax(evidence.train_counts))
    constant = (answers.labels == majority).astype(np.float64)
    difference = paired_difference(constant, answers.right, answers.units)
    ours, theirs = float(answers.right.mean()), float(constant.mean())
    name = f'"{evidence.classes[majority]}", the most frequent class'
    facts = {"accuracy": ours, "majority_accuracy": theirs, "difference": _ends(difference)}
    if difference.low > 0:
        sentence = (
            f"Better than always answering {name}: right on {percent(ours)} of the {evidence.part} images, "
            f"not {percent(theirs)}."
        )
        return Verdict("better_than_majority", "good", sentence, facts)
    sentence = (
        f"Not shown to be better than always answering {name}: {percent(ours)} against {percent(theirs)} of "
        f"{count(answers.n, f'{evidence.part} image')}."
    )
    return Verdict("better_than_majority", "warning", sentence, facts)


def _no_test(evidence: Evidence) -> Verdict | None:
    if evidence.test is not None:
        return None
    sentence = (
        "There is no test part: the scores come from images that helped to choose the model, and flatter it."
    )
    return Verdict("no_test_part", "warning", sentence, {})


def _agreement(evidence: Evidence) -> Verdict | None:
    """Validation minus test, two independent shares; the interval adds distances to the ends as squares.

    Source: Newcombe 1998, doi 10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I, method 10.
    """
    if evidence.validation is None or evidence.test is None:
        return None
    val = share(evidence.validation.right, evidence.validation.units)
    test = share(evidence.test.right, evidence.test.units)
    gap = val.value - test.value
    low = gap - float(np.hypot(val.value - val.low, test.high - test.value))
    high = gap + float(np.hypot(val.high - val.value, test.value - test.low))
    facts = {"validation": _ends(val), "test": _ends(test), "difference": _ends(Interval(gap, low, high))}
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


def _size(evidence: Evidence, answers: Answers) -> Verdict:
    interval = share(answers.right, answers.units)
    half = (interval.high - interval.low) / 2
    grouped = f" in {count(answers.count, 'group')}" if answers.count < answers.n else ""
    part = f"The {evidence.part} part has {count(answers.n, 'image')}{grouped}"
    points = f"± {count(max(1, round(100 * half)), 'point')}"
    facts = {"images": answers.n, "groups": answers.count, "accuracy": _ends(interval)}
    if half <= WIDE:
        return Verdict("enough_images", "good", f"{part}: the accuracy is known to {points}.", facts)
    level: Level = "note" if half <= VERY_WIDE else "warning"
    return Verdict("enough_images", level, f"{part}: the accuracy is known only to {points}.", facts)


def _rare(evidence: Evidence) -> Verdict | None:
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


def _never_predicted(evidence: Evidence, answers: Answers) -> Verdict | None:
    seen = np.bincount(answers.labels, minlength=answers.k)
    guessed = np.bincount(answers.predicted, minlength=answers.k)
    missed = {evidence.classes[c]: int(seen[c]) for c in np.flatnonzero((seen > 0) & (guessed == 0)).tolist()}
    if not missed:
        return None
    which = listed([f'"{name}" ({count(n, "image")})' for name, n in missed.items()])
    return Verdict(
        "never_predicted", "warning", f"Never predicted, though it occurs: {which}.", {"images": missed}
    )


def _not_judged(evidence: Evidence) -> Verdict | None:
    if evidence.judged is None:
        return None
    seen = np.bincount(evidence.judged.labels, minlength=evidence.judged.k)
    absent = [evidence.classes[c] for c in np.flatnonzero(seen == 0).tolist()]
    if not absent:
        return None
    which = listed([f'"{name}"' for name in absent])
    sentence = (
        f"The {evidence.part} part has no image of {which}: nothing is known about how well that works."
    )
    return Verdict("classes_not_judged", "note", sentence, {"classes": absent})


def _calibration(evidence: Evidence, answers: Answers) -> Verdict:
    excess = answers.confidence - answers.right
    gap = mean_interval(excess, answers.units, within=(-1.0, 1.0), seed=evidence.seed)
    sure, right = float(answers.confidence.mean()), float(answers.right.mean())
    both = f"{percent(sure)} sure on average, right on {percent(right)}"
    facts = {"confidence": sure, "accuracy": right, "gap": _ends(gap)}
    if abs(gap.value) < OFF or gap.low <= 0 <= gap.high:
        return Verdict("calibration", "good", f"Its probabilities can be taken at their word: {both}.", facts)
    level: Level = "warning" if abs(gap.value) >= FAR_OFF else "note"
    kind = "too sure of itself" if gap.value > 0 else "less sure of itself than it could be"
    return Verdict("calibration", level, f"It is {kind}: {both}.", facts)


def _mistakes(evidence: Evidence, answers: Answers) -> Verdict | None:
    found = most_confused(confusion(answers.probabilities, answers.labels), evidence.classes, count=1)
    if not found:
        return None
    worst = found[0]
    of = round(worst.count / worst.share)
    pair = f'"{worst.truth}" taken for "{worst.predicted}"'
    sentence = f"Most often confused: {pair}, {worst.count} of {count(of, 'image')}."
    facts = {"truth": worst.truth, "predicted": worst.predicted, "count": worst.count, "share": worst.share}
    return Verdict("most_confused", "note", sentence, facts)


def _skipped(evidence: Evidence) -> Verdict | None:
    if not evidence.skipped:
        return None
    sentence = f"{count(evidence.skipped, 'file')} could not be read and took no part; the report lists them."
    return Verdict("skipped_files", "note", sentence, {"skipped": evidence.skipped})


def _ends(interval: Interval) -> dict[str, float]:
    return {"value": interval.value, "low": interval.low, "high": interval.high}
