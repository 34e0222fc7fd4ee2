from pathlib import Path

from regraft.data.audit.extremes import extremes
from regraft.data.audit.header import Header
from regraft.data.audit.look import Seen
from regraft.data.audit.tones import Tones


def one(width: int = 256, height: int = 256, *, contrast: float = 50, brightest: float = 200) -> Seen:
    tones = Tones((0, 0, 0), (0, 0, 0, 0), contrast, brightest, 0.1)
    return Seen(Header("PNG RGB", "PNG", "RGB", width, height), tones, "", 1, 0.0)


def numbers(*odd: Seen) -> dict[str, list[int]]:
    """Which of these, counted from 1, beside nine ordinary ones."""
    seen = [*odd, *[one()] * 9]
    found = extremes([Path(str(n)) for n in range(1, len(seen) + 1)], seen)
    return {name: [int(str(path)) for path in paths] for name, paths in found.items()}


def test_sizes_are_measured_against_the_usual_one() -> None:
    found = numbers(one(20, 300), one(40, 40), one(15, 15), one(3000, 2500), one(1024, 1024))
    assert found["tiny"] == [1, 3]
    assert found["huge"] == [4]


def test_a_set_of_tiny_images_has_none_that_is_tiny() -> None:
    seen = [one(8, 8)] * 5
    assert extremes([Path(str(n)) for n in range(5)], seen)["tiny"] == ()


def test_fifty_megapixels_are_huge_anywhere() -> None:
    seen = [one(9000, 6000)] * 2
    assert len(extremes([Path("a"), Path("b")], seen)["huge"]) == 2


def test_blank_and_dark_are_different_things() -> None:
    found = numbers(one(contrast=0.5), one(brightest=20), one(contrast=0.5, brightest=3))
    assert found["blank"] == [1, 3]
    assert found["dark"] == [2]


def test_nothing_in_an_empty_set() -> None:
    assert extremes([], []) == {"tiny": (), "huge": (), "blank": (), "dark": ()}
