import pytest

from regraft.report import findings


def of(audit, about):
    return [one for one in findings(audit) if one.about == about]


def test_sound_images_get_a_good_word_and_nothing_else(sound):
    (found,) = findings(sound)
    assert found.level == "good"


def test_no_images_get_no_good_word(sound):
    nothing = sound | {"images": 0, "classes": {"cat": 0, "dog": 0}, "balance": None}
    assert findings(nothing) == ()


def test_the_worst_comes_first(faulty):
    levels = [one.level for one in findings(faulty)]
    assert levels == sorted(levels, reverse=True)
    assert set(levels) == {"warning", "note"}
    assert findings(faulty)[0].about == "conflicts"


@pytest.mark.parametrize(
    ("about", "level", "words"),
    [
        ("conflicts", "warning", "1 picture is stored under different labels"),
        ("leaks", "warning", "1 picture or group is in more than one given part"),
        ("near_conflicts", "warning", "1 near-duplicate set is under different labels"),
        ("near_leaks", "warning", "1 near-duplicate set is across given parts"),
        ("suspected_groups", "warning", "90 images seem to form 7 groups by the beginning of their names"),
        ("skipped_files", "warning", "2 files skipped"),
        ("classes_alike", "warning", "The classes 'cat' and 'Cat' differ only by case"),
        ("balance", "warning", "'cat' has 300 times the images of 'dog'"),
        ("copies", "note", "2,000 images are stored more than once"),
        ("pixel_copies", "note", "1 picture is stored in several files"),
        ("near_copies", "note", "1 near-duplicate set is there"),
        ("extremes.blank", "note", "1 image is of one even colour"),
        ("extremes.tiny", "note", "1 image is far smaller"),
    ],
)
def test_everything_wrong_is_said(faulty, about, level, words):
    (found,) = of(faulty, about)
    assert found.level == level
    assert words in found.sentence


def test_only_what_was_found_is_said(sound):
    for key in ("copies", "leaks", "conflicts", "pixel_copies"):
        found = findings(sound | {key: [["a.png", "b.png", "c.png", "d.png"]]})
        assert [one.about for one in found] == [key]
        assert found[0].examples == ("a.png", "b.png", "c.png")


def test_keys_of_later_looks_may_be_missing(sound):
    optional = ("near_copies", "near_conflicts", "near_leaks", "suspected_groups", "shortcuts", "totals")
    assert [one.level for one in findings({k: v for k, v in sound.items() if k not in optional})] == ["good"]


def test_small_classes(faulty):
    alone, few = of(faulty, "classes")
    assert (alone.level, few.level) == ("warning", "note")
    assert "'dog'" in alone.sentence
    assert "'Cat'" in few.sentence


def test_a_single_class(sound):
    (found,) = of(sound | {"classes": {"cat": 50}, "balance": None}, "classes")
    assert "a single class" in found.sentence


@pytest.mark.parametrize(("ratio", "level"), [(2.9, None), (3, "note"), (19, "note"), (20, "warning")])
def test_how_uneven_is_worth_a_word(sound, ratio, level):
    found = of(sound | {"balance": sound["balance"] | {"ratio": ratio}}, "balance")
    assert [one.level for one in found] == ([level] if level else [])


def test_a_class_given_away_is_named_with_how_surely(faulty):
    quality, exif, colour = of(faulty, "shortcuts")
    assert "By JPEG quality alone 'dog' and 'cat' are told" in quality.sentence
    assert "'dog' with an area under the ROC curve of 0.97 (0.87 to 1.00; guessing: 0.5)" in quality.sentence
    assert "EXIF notes (camera, software, date) alone 'Cat' is told" in exif.sentence
    assert (quality.level, exif.level, colour.level) == ("warning", "warning", "note")


def test_what_a_shortcut_means_is_said_once(faulty):
    said = [one.sentence.count("A network may learn") for one in of(faulty, "shortcuts")]
    assert said == [1, 0, 0]


def test_content_is_worded_with_care(faulty):
    colour = of(faulty, "shortcuts")[-1]
    assert "mean colour (80.0 %; guessing: 30.0 %)" in colour.sentence
    assert "as it should be where it belongs" in colour.sentence
