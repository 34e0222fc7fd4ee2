"""Can the class be told without looking at the picture? From how large, how compressed, how dated a file is.

A network learns whatever tells the classes apart. Where one class was saved by another program or came from
another camera, that is the easiest thing to learn, it is as true of the test images as of all others, and it
is worthless on the day the model is used. So a small forest is trained on such cues alone and judged on
images, and groups, that it was not trained on.

Source: the question is that of Torralba and Efros 2011, doi 10.1109/CVPR.2011.5995347 ("name that data set").
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from regraft.core.arrays import Array
from regraft.data import Dataset, Seen
from regraft.evaluation import Interval
from regraft.evaluation.metrics import balanced_accuracy
from regraft.evaluation.told_apart import Told, told_apart
from regraft.pipeline.cue_trial import CueTrial, cue_trial, held_out, relabelled
from regraft.pipeline.cues import FAMILIES, TOGETHER, Family, Kind

PERMUTATIONS = 5
STORED = frozenset(family.name for family in FAMILIES if set(family.cues) <= set(TOGETHER.cues))

# How much further a class must be told than by the cues that may rightly differ.
LEAST_GAIN = 0.1
# And how far, compared with the class that is told best.
BESIDE_THE_BEST = 0.75


@dataclass(frozen=True, slots=True)
class Shortcut:
    """How well one family of cues tells the classes apart.

    Args:
        cue: the family's name.
        kind: of the family.
        balanced_accuracy: on held-out images.
        to_beat: balanced accuracy of guessing, or of the cues that may rightly differ.
        classes: those that it gives away, best first, with the area under the ROC curve against all others.
        permuted: the mean and range of the best such area when labels are dealt anew to groups; None where
            no class was given away and this was not tried.
        is_suspicious: whether the user should act.
    """

    cue: str
    kind: Kind
    balanced_accuracy: Interval
    to_beat: float
    classes: dict[str, Interval]
    permuted: Interval | None
    is_suspicious: bool


@dataclass(frozen=True, slots=True)
class Shortcuts:
    """All families that vary at all, and on how many images they were judged; 0 where there are too few."""

    images: int
    cues: tuple[Shortcut, ...] = ()


def shortcuts(dataset: Dataset, seen: Sequence[Seen]) -> Shortcuts:
    """Judge every family of cues on at most 3,000 images of at most 50 classes, chosen by lot from content.

    Classes with fewer than five independent images, or groups of images, take no part; with fewer than two
    classes left, or several labels per image, nothing is judged.

    Cost: five small forests for each family, and 25 for each one that raises suspicion; seconds.
    """
    trial = cue_trial(dataset, seen)
    if trial is None:
        return Shortcuts(0)
    varying = [family for family in FAMILIES if _varies(trial, family)]
    found = [_judge(trial, family) for family in varying]
    # Where one family says it all, the sum of all says nothing more.
    if sum(one.cue in STORED for one in found) > 1 and not any(one.is_suspicious for one in found):
        found.append(_judge(trial, TOGETHER))
    return Shortcuts(len(trial.labels), tuple(found))


def _judge(trial: CueTrial, family: Family) -> Shortcut:
    answers = held_out(trial, family.cues)
    reached, told = balanced_accuracy(answers), told_apart(answers)
    floor, base = 1 / answers.k, np.full(answers.k, 0.5)
    if family.given:
        rightly = held_out(trial, family.given)
        floor = max(floor, balanced_accuracy(rightly).value)
        base = np.maximum(base, told_apart(rightly).value)
    given_away = (told.low >= family.enough) & (told.low - base >= LEAST_GAIN)
    permuted = _permuted(trial, family) if given_away.any() else None
    return Shortcut(
        cue=family.name,
        kind=family.kind,
        balanced_accuracy=reached,
        to_beat=floor,
        classes=_best_first(trial, told, given_away),
        permuted=permuted,
        is_suspicious=permuted is not None and float(told.low[given_away].max()) > permuted.high,
    )


def _best_first(trial: CueTrial, told: Told, given_away: Array) -> dict[str, Interval]:
    """Of three classes, one that is told helps to tell the other two; such hangers-on are left out."""
    order = np.argsort(-told.value, kind="stable")
    enough = 0.5 + BESIDE_THE_BEST * (told.value[order[0]] - 0.5)
    named = given_away & (told.value >= enough)
    return {trial.classes[c]: told.interval(c) for c in order.tolist() if named[c]}


def _permuted(trial: CueTrial, family: Family) -> Interval:
    """What the cues reach on labels that mean nothing: those of whole groups, dealt to other groups."""
    dealt = (relabelled(trial, seed) for seed in range(PERMUTATIONS))
    values = [float(told_apart(held_out(one, family.cues)).value.max()) for one in dealt]
    return Interval(float(np.mean(values)), min(values), max(values))


def _varies(trial: CueTrial, family: Family) -> bool:
    own = set(family.cues) - set(family.given)
    return any(np.ptp(trial.cues[cue]) > 0 for cue in own)
