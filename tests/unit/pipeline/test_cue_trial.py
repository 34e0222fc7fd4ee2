from pathlib import Path

import numpy as np

from regraft.data import Dataset, Example, Seen
from regraft.data.audit.header import Header
from regraft.data.audit.tones import Tones
from regraft.pipeline.cue_trial import MOST_CLASSES, MOST_IMAGES, CueTrial, cue_trial, held_out, relabelled


def seen(number: int, width: int = 20) -> Seen:
    header = Header("PNG RGB", "PNG", "RGB", width, 10)
    return Seen(header, Tones((1, 2, 3), (4, 5, 6, 7), 8, 9, 0.5), f"pixels {number}", 400, 1e9)


def images(counts: list[int], *, groups: int = 0, multilabel: bool = False) -> tuple[Dataset, list[Seen]]:
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    examples = tuple(
        Example(
            Path(f"/{n}.png"),
            -1 if multilabel else label,
            f"bytes {n}",
            group=f"{label}-{n % groups}" if groups else "",
            labels=(label,) if multilabel else (),
        )
        for n, label in enumerate(labels)
    )
    classes = tuple(f"class {k}" for k in range(len(counts)))
    data = Dataset(Path("/"), classes, examples, is_multilabel=multilabel)
    # The width gives the first class away.
    return data, [seen(n, 20 if label == 0 else 30) for n, label in enumerate(labels)]


def trial(counts: list[int], **options: int) -> CueTrial:
    found = cue_trial(*images(counts, **options))
    assert found is not None
    return found


def test_small_classes_take_no_part() -> None:
    found = trial([10, 4, 10])
    assert found.classes == ("class 0", "class 2")
    assert np.bincount(found.labels).tolist() == [10, 10]


def test_groups_count_as_one() -> None:
    assert cue_trial(*images([40, 40], groups=4)) is None
    assert len(trial([40, 40], groups=8).labels) == 80


def test_without_two_classes_there_is_nothing_to_judge() -> None:
    assert cue_trial(*images([20])) is None
    assert cue_trial(*images([20, 3])) is None
    assert cue_trial(*images([])) is None
    assert cue_trial(*images([20, 20], multilabel=True)) is None


def test_many_images_are_sampled_evenly_and_always_alike() -> None:
    found = trial([MOST_IMAGES, 200])
    assert np.bincount(found.labels).tolist() == [MOST_IMAGES // 2, 200]
    again = trial([MOST_IMAGES, 200])
    assert np.array_equal(found.folds, again.folds)


def test_many_classes_are_cut_to_the_largest() -> None:
    found = trial([5] * 5 + [7] * MOST_CLASSES)
    assert len(found.classes) == MOST_CLASSES
    assert found.classes[0] == "class 5"


def test_groups_and_equal_pixels_share_a_fold() -> None:
    data, what = images([20, 20], groups=6)
    same = [seen(n // 2) for n in range(40)]
    for found in (cue_trial(data, what), cue_trial(images([20, 20])[0], same)):
        assert found is not None
        for unit in np.unique(found.units):
            assert len(set(found.folds[found.units == unit].tolist())) == 1
        assert len(np.unique(found.units)) < 40


def test_a_forest_tells_what_can_be_told() -> None:
    found = trial([30, 30, 30])
    answers = held_out(found, ("width", "height"))
    assert np.all(answers.predicted[found.labels == 0] == 0)
    assert np.all(answers.predicted[found.labels != 0] != 0)


def test_labels_are_dealt_anew_to_whole_groups() -> None:
    found = trial([40, 40], groups=8)
    dealt = [relabelled(found, seed) for seed in range(3)]
    for one in dealt:
        for unit in np.unique(found.units):
            assert len(set(one.labels[found.units == unit].tolist())) == 1
    assert len({one.labels.tobytes() for one in (found, *dealt)}) == 4
