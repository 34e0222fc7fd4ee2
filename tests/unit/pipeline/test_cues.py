import numpy as np

from regraft.data import Seen
from regraft.data.audit.header import Header
from regraft.data.audit.tones import Tones
from regraft.pipeline.cues import ABSENT, FAMILIES, TOGETHER, columns


def one(camera: str = "", quality: float | None = None, width: int = 20) -> Seen:
    header = Header("JPEG RGB", "JPEG", "RGB", width, 10, quality=quality, camera=camera)
    return Seen(header, Tones((1, 2, 3), (4, 5, 6, 7), 8, 9, 0.5), "", 400, 1e9)


def test_every_family_has_its_columns() -> None:
    found = columns([one(), one(width=30)])
    for family in (*FAMILIES, TOGETHER):
        assert set(family.given) | set(family.cues) <= set(found)
        assert set(family.cues) - set(family.given)


def test_numbers_are_what_was_seen() -> None:
    found = columns([one(quality=80), one()])
    assert found["aspect ratio"].tolist() == [2, 2]
    assert found["bytes per pixel"].tolist() == [2, 2]
    assert [found[name][0] for name in ("red", "blue", "border green", "border spread")] == [1, 3, 5, 7]
    assert found["quality"].tolist() == [80, ABSENT]
    assert all(np.isfinite(column).all() for column in found.values())


def test_equal_text_is_an_equal_number() -> None:
    cameras = columns([one("b"), one(""), one("a"), one("b")])["camera"]
    assert cameras[0] == cameras[3]
    assert len(set(cameras.tolist())) == 3


def test_what_no_network_sees_never_counts() -> None:
    order = [family for family in FAMILIES if family.kind == "order"]
    assert order
    assert all(family.enough > 1 for family in order)
    assert not set(TOGETHER.cues) & {cue for family in order for cue in family.cues}


def test_only_an_even_border_is_a_frame() -> None:
    tones = [Tones((0, 0, 0), (10, 20, 30, spread), 50, 99, 0.5) for spread in (0.5, 40)]
    found = columns([Seen(one().header, each, "", 400, 1e9) for each in tones])
    assert found["frame red"].tolist() == [10, ABSENT]
    assert found["frame blue"].tolist() == [30, ABSENT]
    assert found["border blue"].tolist() == [30, 30]
