"""Plain sentences about a result where an image may have several labels."""

import numpy as np

from regraft.evaluation.average_precision import average_precisions
from regraft.evaluation.evidence import Evidence, Level, Verdict, ends, known_to, never_predicted
from regraft.evaluation.label_answers import LabelAnswers
from regraft.evaluation.phrases import count, listed, percent
from regraft.evaluation.resampling import mean_interval

OFF, FAR_OFF = 0.1, 0.3  # of the labels that there are
NEARLY_ALL = 0.9
SEVERAL_TIMES = 1.5


def of_labels(evidence: Evidence, answers: LabelAnswers) -> list[Verdict | None]:
    """What there is to say about answers of several labels."""
    return [
        _frequencies(evidence, answers),
        known_to(evidence, answers, "mean average precision"),
        never_predicted(evidence, answers),
        _given_to_all(evidence, answers),
        _expected_labels(evidence, answers),
        _weakest(evidence, answers),
    ]


def _frequencies(evidence: Evidence, answers: LabelAnswers) -> Verdict:
    """Against the mean average precision of images in any order: the mean frequency of the labels."""
    found = average_precisions(answers).mean()
    present = answers.seen > 0
    chance = float((answers.seen[present] / answers.n).mean()) if present.any() else 0.0
    facts = {"mean_average_precision": ends(found), "frequency": chance}
    both = f"mean average precision {percent(found.value)}"
    if found.low > chance:
        sentence = f"Better than knowing only how frequent each label is: {both}, not {percent(chance)}."
        return Verdict("better_than_frequencies", "good", sentence, facts)
    sentence = (
        f"Not shown to be better than knowing only how frequent each label is: {both} against "
        f"{percent(chance)} on {count(answers.n, f'{evidence.part} image')}."
    )
    return Verdict("better_than_frequencies", "warning", sentence, facts)


def _given_to_all(evidence: Evidence, answers: LabelAnswers) -> Verdict | None:
    """A label that cannot be told apart reaches its best F1 where it is given to every image."""
    given = (answers.guessed >= NEARLY_ALL * answers.n) & (answers.guessed > SEVERAL_TIMES * answers.seen)
    named = {
        evidence.classes[c]: [int(answers.guessed[c]), int(answers.seen[c])]
        for c in np.flatnonzero(given).tolist()
    }
    if not named:
        return None
    which = listed([f'"{name}" ({given}, and {seen} have it)' for name, (given, seen) in named.items()])
    sentence = f"Given to nearly every one of {count(answers.n, 'image')}, which says nothing: {which}."
    return Verdict("given_to_all", "warning", sentence, {"given_and_seen": named})


def _expected_labels(evidence: Evidence, answers: LabelAnswers) -> Verdict:
    excess = np.asarray((answers.probabilities - answers.truth).mean(axis=1), np.float64)
    gap = mean_interval(excess, answers.units, within=(-1.0, 1.0), seed=evidence.seed)
    expected, seen = float(answers.probabilities.sum() / answers.n), float(answers.seen.sum() / answers.n)
    both = f"it expects {expected:.2f} labels per image, and there are {seen:.2f}"
    facts = {"expected": expected, "seen": seen, "gap": ends(gap)}
    off = abs(expected - seen) / max(seen, 1 / answers.n)
    if off < OFF or gap.low <= 0 <= gap.high:
        sentence = f"Its probabilities can be taken at their word: {both}."
        return Verdict("calibration", "good", sentence, facts)
    level: Level = "warning" if off >= FAR_OFF else "note"
    kind = "too sure" if expected > seen else "less sure than it could be"
    return Verdict("calibration", level, f"It is {kind} of labels: {both}.", facts)


def _weakest(evidence: Evidence, answers: LabelAnswers) -> Verdict | None:
    present = np.flatnonzero(answers.seen)
    values = average_precisions(answers).values
    if not len(present) or values[present].min() == 1:
        return None
    c = int(present[values[present].argmin()])
    name, images = evidence.classes[c], int(answers.seen[c])
    sentence = (
        f'Hardest to find: "{name}", average precision {percent(float(values[c]))}, on '
        f"{count(images, 'image')} of {answers.n:,}."
    )
    facts = {"label": name, "average_precision": float(values[c]), "count": images}
    return Verdict("weakest_label", "note", sentence, facts)
