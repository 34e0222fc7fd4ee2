"""Plain sentences about a result, each with the numbers it rests on."""

import numpy as np

from regraft.evaluation.answers import Answers
from regraft.evaluation.comparison import paired_difference
from regraft.evaluation.confusion import confusion, most_confused
from regraft.evaluation.evidence import (
    Evidence,
    Level,
    Verdict,
    agreement,
    ends,
    known_to,
    never_predicted,
    no_test,
    not_judged,
    rare,
    skipped,
)
from regraft.evaluation.label_answers import LabelAnswers
from regraft.evaluation.label_verdicts import of_labels
from regraft.evaluation.phrases import count, percent
from regraft.evaluation.resampling import mean_interval

OFF, FAR_OFF = 0.02, 0.10  # confidence minus accuracy


def verdicts(evidence: Evidence) -> tuple[Verdict, ...]:
    """All that there is to say about a result, warnings first, then notes, then what is good."""
    found = [
        no_test(evidence),
        agreement(evidence),
        rare(evidence),
        not_judged(evidence),
        skipped(evidence),
    ]
    if isinstance(evidence.judged, LabelAnswers):
        found += of_labels(evidence, evidence.judged)
    elif evidence.judged is not None:
        found += _of_classes(evidence, evidence.judged)
    order = {"warning": 0, "note": 1, "good": 2}
    return tuple(sorted((v for v in found if v is not None), key=lambda v: order[v.level]))


def _of_classes(evidence: Evidence, answers: Answers) -> list[Verdict | None]:
    return [
        _majority(evidence, answers),
        known_to(evidence, answers, "accuracy"),
        never_predicted(evidence, answers),
        _calibration(evidence, answers),
        _mistakes(evidence, answers),
    ]


def _majority(evidence: Evidence, answers: Answers) -> Verdict:
    majority = int(np.argmax(evidence.train_counts))
    constant = (answers.labels == majority).astype(np.float64)
    difference = paired_difference(constant, answers.right, answers.units)
    ours, theirs = float(answers.right.mean()), float(constant.mean())
    name = f'"{evidence.classes[majority]}", the most frequent class'
    facts = {"accuracy": ours, "majority_accuracy": theirs, "difference": ends(difference)}
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


def _calibration(evidence: Evidence, answers: Answers) -> Verdict:
    excess = answers.confidence - answers.right
    gap = mean_interval(excess, answers.units, within=(-1.0, 1.0), seed=evidence.seed)
    sure, right = float(answers.confidence.mean()), float(answers.right.mean())
    both = f"{percent(sure)} sure on average, right on {percent(right)}"
    facts = {"confidence": sure, "accuracy": right, "gap": ends(gap)}
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
