"""Images unlike the others in size, or with nothing to be seen on them."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from regraft.data.audit.look import Seen

# Below this no network sees more than a blob; handwritten digits of 8 pixels are a whole set of such.
TINY_PX = 16
TINY_RATIO = 8
HUGE_PIXELS = 50_000_000
HUGE_RATIO = 8
DARK_BELOW = 48.0


def extremes(paths: Sequence[Path], seen: Sequence[Seen]) -> dict[str, tuple[Path, ...]]:
    """Lists of `tiny`, `huge`, `blank` and `dark` images; a blank one is not also listed as dark.

    Tiny and huge are measured against the median shorter side, so a set of equal images has neither; an
    image of 50 megapixels is huge anywhere, for it costs time and memory.
    """
    if not seen:
        return {"tiny": (), "huge": (), "blank": (), "dark": ()}
    sides = [min(one.header.width, one.header.height) for one in seen]
    usual = median(sides)
    pixels = [one.header.width * one.header.height for one in seen]
    blank = [one.tones.is_blank for one in seen]
    return {
        "tiny": _where(paths, [side < usual and side < max(TINY_PX, usual / TINY_RATIO) for side in sides]),
        "huge": _where(
            paths,
            [
                side > HUGE_RATIO * usual or number > HUGE_PIXELS
                for side, number in zip(sides, pixels, strict=True)
            ],
        ),
        "blank": _where(paths, blank),
        "dark": _where(
            paths,
            [one.tones.brightest < DARK_BELOW and not empty for one, empty in zip(seen, blank, strict=True)],
        ),
    }


def _where(paths: Sequence[Path], hits: Sequence[bool]) -> tuple[Path, ...]:
    return tuple(path for path, hit in zip(paths, hits, strict=True) if hit)
