from pathlib import Path

import pytest

from regraft.core.errors import DataError
from regraft.data.readers.layout import IN_NO_CLASS, NO_PART, Place, common_folder, place_folders

ROOT = Path("/data")


def placed(*folders):
    """What folders written with slashes are, as text: part:domain:label, or the reason."""
    names = {one: tuple(one.split("/")) if one else () for one in folders}
    places = place_folders(set(names.values()), ROOT)
    return {one: _shown(places[names[one]]) for one in folders}


def _shown(place):
    return f"{place.part or ''}:{place.domain}:{place.label}" if isinstance(place, Place) else place


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        # Classes, however deep.
        (["cat", "dog/indoor", "dog/outdoor/2024"], ["::cat", "::dog", "::dog"]),
        (["animals/cat", "animals/dog", "plants/rose"], ["::animals", "::animals", "::plants"]),
        # Parts above classes, alone, and in a folder that holds everything.
        (["train/cat", "VALID/dog", "test/cat"], ["train::cat", "val::dog", "test::cat"]),
        (["set/images/train/cat", "set/images/test/cat"], ["train::cat", "test::cat"]),
        (["train/images/cat", "test/images/dog"], ["train::cat", "test::dog"]),
        (["train/cat", "train/dog"], ["train::cat", "train::dog"]),
        # Parts below classes.
        (["cat/train", "cat/test", "dog/train"], ["train::cat", "test::cat", "train::dog"]),
        # Train among vehicles is a class; beside one class folder with a train in it, too.
        (["train/night", "car"], ["::train", "::car"]),
        (["cat/train", "cat/other", "dog/test"], ["::cat", "::cat", "::dog"]),
        # A part that repeats its name.
        (["training_set/training_set/cat", "test_set/test_set/cat"], ["train::cat", "test::cat"]),
        (["train/train/1", "train/car", "test/car"], ["train::train", "train::car", "test::car"]),
        # Domains above classes, most of which are shared.
        (
            ["photo/dog", "photo/cat/big", "sketch/dog", "sketch/cat", "sketch/cow"],
            [":photo:dog", ":photo:cat", ":sketch:dog", ":sketch:cat", ":sketch:cow"],
        ),
        (
            ["train/photo/dog", "train/photo/cat", "test/sketch/dog", "test/sketch/cat"],
            ["train:photo:dog", "train:photo:cat", "test:sketch:dog", "test:sketch:cat"],
        ),
        (
            ["photo/train/dog", "photo/test/cat", "sketch/train/cat", "sketch/train/dog"],
            ["train:photo:dog", "test:photo:cat", "train:sketch:cat", "train:sketch:dog"],
        ),
        # One shared name, most names not shared, names of kinds of file: classes.
        (["cat/images", "dog/images"], ["::cat", "::dog"]),
        (["cat/images", "cat/masks", "dog/images", "dog/masks"], ["::cat"] * 2 + ["::dog"] * 2),
        (
            ["x/a", "x/b", "x/c", "x/d", "y/a", "y/b", "y/e"],
            ["::x"] * 4 + ["::y"] * 3,
        ),
        # Folders that everything lies in are entered.
        (["flowers/flowers/rose", "flowers/flowers/daisy/1"], ["::rose", "::daisy"]),
        (["photos/cat", "photos"], ["::photos", "::photos"]),
        (["cat/indoor"], ["::cat"]),
        # Images without a class.
        (["", "cat"], [IN_NO_CLASS, "::cat"]),
        (["", "flowers/rose", "flowers/daisy"], [IN_NO_CLASS, "::rose", "::daisy"]),
        (["train", "test"], [IN_NO_CLASS, IN_NO_CLASS]),
        (["train/cat", "test/cat", "unlabelled"], ["train::cat", "test::cat", NO_PART]),
        # One spelling for a class.
        (
            ["photo/caf\u00e9", "photo/b", "x/cafe\u0301", "x/b"],
            [":photo:caf\u00e9", ":photo:b", ":x:caf\u00e9", ":x:b"],
        ),
    ],
)
def test_the_rule(folders, expected):
    assert list(placed(*folders).values()) == expected


def test_domains_with_images_directly_in_one_are_ambiguous():
    with pytest.raises(
        DataError, match=r"/data can be read in two ways: 'a', 'b' hold .*'x', 'y'.* 'b' holds images"
    ):
        placed("a/x", "a/y", "b/x", "b/y", "b")


@pytest.mark.parametrize(
    "folders", [["train/cat", "train/dog", "unlabelled"], ["train/cat", "train/dog", "cat", "dog"]]
)
def test_a_part_among_classes_is_ambiguous(folders):
    with pytest.raises(
        DataError, match=r"/data/train could be a part with 2 classes in it, such as 'cat', or a class"
    ):
        placed(*folders)


def test_nothing_at_all():
    assert placed() == {}
    assert common_folder([]) == ()


def test_what_everything_lies_in():
    assert common_folder([("a", "b", "c"), ("a", "b"), ("a", "b", "d")]) == ("a", "b")
    assert common_folder([("a",), ()]) == ()
