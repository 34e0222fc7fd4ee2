from pathlib import Path

import pytest

from regraft.core.errors import DataError
from regraft.data import Skipped
from regraft.data.readers.filenames import compile_pattern, propose_pattern, read_filename


def said(pattern, inside):
    return read_filename(compile_pattern(pattern), Path("/d") / inside, inside)


@pytest.mark.parametrize(
    ("pattern", "inside", "label"),
    [
        ("{label}_*.jpg", "cat_17_left.jpg", "cat"),
        ("{label}_*.jpg", "deep/er/CAT_1.JPG", "CAT"),
        ("{label}_{number}.*", "great_dane_003.png", "great_dane"),
        ("{number}-{label}.png", "12-\u00fcber hund.png", "\u00fcber hund"),
        ("*-{label}(*).jpg", "x-y(1).jpg", "y"),
        ("{label}.*", "a.b.jpg", "a"),
        ("caf\u00e9_{label}.png", "cafe\u0301_one.png", "one"),
        ("{label}/*/*", "cat/indoor/1.jpg", "cat"),
        ("{label}/**", "cat/indoor/far/1.jpg", "cat"),
        ("**/{label}/*", "a/b/c/1.jpg", "c"),
        ("*" * 60 + "{label}_x", "b" * 90 + "_x", "b" * 90),
    ],
)
def test_labels(pattern, inside, label):
    assert said(pattern, inside).labels == (label,)


def test_other_fields():
    found = said("{split}/{domain}-{label}-{group}-{time}.png", "Validation/lab-cat-p 4-2024-01-31.png")
    assert (found.part, found.domain, found.labels, found.group) == ("val", "lab", ("cat",), "p 4")
    assert found.time == 1706659200
    assert said("{label}_{time}.png", "cat_17.5.png").time == 17.5


@pytest.mark.parametrize(
    ("pattern", "inside", "reason"),
    [
        ("{label}_*.jpg", "cat.jpg", "does not fit the pattern '{label}_*.jpg'"),
        ("{label}/*", "cat/deep/1.jpg", "does not fit the pattern"),
        ("{label}_{number}.png", "cat_x.png", "does not fit the pattern"),
        ("{label}_{split}.png", "cat_dev.png", "its split 'dev' is none of train, val and test"),
        ("{label}_{time}.png", "cat_noon.png", "its time 'noon' is neither a number nor a date"),
        ("{label}_*", " _1.png", "nothing but spaces"),
    ],
)
def test_what_says_nothing_is_skipped(pattern, inside, reason):
    found = said(pattern, inside)
    assert isinstance(found, Skipped)
    assert reason in found.reason


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("*_*.jpg", r"has no \{label\}"),
        ("{lable}_*.jpg", r"the field \{lable\}, which means nothing. Did you mean label"),
        ("{label}_{label}.jpg", r"the field \{label\} twice"),
        ("{}_{label}", r"the field \{\}, which means nothing"),
    ],
)
def test_patterns_that_mean_nothing(pattern, message):
    with pytest.raises(DataError, match=message):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        (["cat_1.jpg", "cat_2.jpg", "great_dane_1.png", "great_dane_22.jpg"], "{label}_{number}.*"),
        (["cat.1.jpg", "cat.2.jpg", "dog.1.jpg", "dog.2.jpg"], "{label}.{number}.*"),
        (["cat (1).jpg", "cat (2).jpg", "dog (1).jpg", "dog (2).jpg"], "{label} ({number}).*"),
        (["cat1.jpg", "cat2.jpg", "dog1.jpg", "dog2.jpg"], "{label}{number}.*"),
        (["1_cat.jpg", "2_cat.jpg", "3_dog.jpg", "4_dog.jpg"], "{number}_{label}.*"),
        (["cat_a.jpg", "cat_b.jpg", "dog_a.jpg", "dog_c.jpg"], "{label}_*"),
        (["IMG_1.jpg", "IMG_2.jpg", "IMG_3.jpg"], None),
        (["a.jpg", "b.jpg", "c.jpg"], None),
        (["2024_1.jpg", "2024_2.jpg", "2025_1.jpg", "2025_2.jpg"], None),
        ([], None),
    ],
)
def test_a_pattern_is_proposed_where_names_look_like_one(names, pattern):
    assert propose_pattern(names) == pattern
