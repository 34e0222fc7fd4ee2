"""Candidates as points: how good against how dear, and the line of those that none beats in both."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from regraft.report.rank_words import called

WIDTH, HEIGHT = 720, 340
LEFT, RIGHT, TOP, BOTTOM = 58, 24, 16, 44
LEAST_MS = 1e-4
LABEL_PX, LETTER_PX = 15, 6.4
MEANING = "Expected score against milliseconds per image"
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)


def front(rows: Sequence[Mapping[str, Any]]) -> Any:
    """An inline SVG of the candidates, milliseconds per image (logarithmic) against expected score."""
    from markupsafe import Markup, escape

    times = [math.log10(max(row["ms_per_image"], LEAST_MS)) for row in rows]
    across = _Axis(times, LEFT, WIDTH - RIGHT, 0.15)
    up = _Axis([row["expected"] for row in rows], HEIGHT - BOTTOM, TOP, 0.08)
    at = [(across(time), up(row["expected"])) for time, row in zip(times, rows, strict=True)]
    best = sorted(place for place, row in zip(at, rows, strict=True) if row["on_front"])
    parts = [
        f'<svg class="front" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{MEANING}">',
        *_grid(across, up),
        f'<polyline class="range" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in best)}"/>',
    ]
    labels = _label_places(at, [called(row) for row in rows])
    for (x, y), (tx, ty, anchor), row in zip(at, labels, rows, strict=True):
        kind = "on" if row["on_front"] else "off"
        parts.append(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="5"/>')
        parts.append(
            f'<text class="{kind}" x="{tx:.1f}" y="{ty:.1f}" text-anchor="{anchor}">'
            f"{escape(called(row))}</text>"
        )
    return Markup("".join(map(str, [*parts, "</svg>"])))  # noqa: S704 - names are escaped, the rest are numbers


class _Axis:
    """Values to places on the paper, with a margin on both sides."""

    def __init__(self, values: Sequence[float], start: float, stop: float, margin: float) -> None:
        spread = max(max(values) - min(values), 1e-3)
        self.low, self.high = min(values) - margin * spread, max(values) + margin * spread
        self.start, self.stop = start, stop

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.stop - self.start)


def _grid(across: _Axis, up: _Axis) -> list[str]:
    lines = []
    step = next((s for s in STEPS if (up.high - up.low) / s <= 6), 0.25)
    for number in range(math.ceil(up.low / step), math.floor(up.high / step) + 1):
        y = up(number * step)
        lines.append(f'<line class="track" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{100 * number * step:g} %</text>'
        )
    for ms in _round_numbers(10**across.low, 10**across.high):
        x = across(math.log10(ms))
        lines.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{ms:g}</text>')
    lines.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end">ms per image</text>')
    return lines


def _round_numbers(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten within a range."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [f * 10.0**p for p in powers for f in (1, 2, 5) if low <= f * 10.0**p <= high]


def _label_places(at: Sequence[tuple[float, float]], names: Sequence[str]) -> list[tuple[float, float, str]]:
    """Beside each point, moved down from those that are already there."""
    taken: list[tuple[float, float, float]] = []
    places = []
    for (x, y), name in zip(at, names, strict=True):
        width = LETTER_PX * len(name)
        right = x + 10 + width < WIDTH - RIGHT
        start = x + 10 if right else x - 10 - width
        height = y + 4
        while any(
            abs(height - t) < LABEL_PX and start < stop and begin < start + width for begin, stop, t in taken
        ):
            height += LABEL_PX
        taken.append((start, start + width, height))
        places.append((start if right else x - 10, height, "start" if right else "end"))
    return places
