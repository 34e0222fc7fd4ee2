"""Panels as inline SVG: scales with their ticks, a frame, and marks. Colours come from the page's style."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 340, 232
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 28, 44
MOST_TICKS = 5
LONGEST_NAME, LETTERS = 14, 46
"""Of one name, and of all names along a side."""

SPREAD = 0.5
"""Of a band: over so much of it the marks of one name are strewn."""

GOLDEN = 0.6180339887
"""Multiples of it, without their whole part, fill a band evenly, however many they are."""

PAD = 0.05
"""Of a side: kept free at both of its ends, so that marks at the ends are whole."""


@dataclass(frozen=True)
class Scale:
    """Numbers from `low` to `high` along one side of a panel.

    `log` takes their logarithms, and of `whole` ones there is nothing between.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def __call__(self, value: float) -> float:
        """Where a value lies, from 0 to 1; beyond the ends, at the end."""
        low, high, at = (math.log(v) if self.log else v for v in (self.low, self.high, self._held(value)))
        return (at - low) / (high - low) if high > low else 0.5

    def holds(self, value: float) -> bool:
        """Whether a value lies within."""
        return self.low <= value <= self.high

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Round numbers with their texts."""
        return [(value, f"{value:.4g}") for value in self._round_numbers()]

    def _held(self, value: float) -> float:
        return min(max(value, self.low), self.high)

    def _round_numbers(self) -> list[float]:
        if not self.high > self.low:
            return [self.low]
        if self.log and self.high / self.low > 5:
            return self._powers()
        rough = (self.high - self.low) / (MOST_TICKS - 1)
        rough = max(rough, 1) if self.whole else rough
        unit = 10.0 ** math.floor(math.log10(rough))
        step = next(unit * f for f in (1, 2, 5, 10) if unit * f >= rough)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]

    def _powers(self) -> list[float]:
        """Powers of ten, every so many; of few powers also their double and fivefold."""
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        factors = (1, 2, 5) if last - first <= 2 else (1,)
        every = 1 if len(factors) > 1 else math.ceil((last - first + 1) / (MOST_TICKS + 1))
        found = [f * 10.0**p for p in range(first, last + 1, every) for f in factors]
        return [value for value in found if self.low * (1 - 1e-9) <= value <= self.high * (1 + 1e-9)]


@dataclass(frozen=True)
class Bands:
    """Names side by side along one side of a panel."""

    names: tuple[str, ...]

    def __call__(self, value: Any) -> float:
        """The middle of a name's band, from 0 to 1."""
        return (self.names.index(str(value)) + 0.5) / len(self.names)

    @property
    def ticks(self) -> list[tuple[str, str]]:
        """Every name, cut where it is long."""
        most = max(4, min(LONGEST_NAME, LETTERS // len(self.names)))
        return [(n, n if len(n) <= most else f"{n[: most - 1]}…") for n in self.names]


def off_band(scale: Scale | Bands, number: int) -> float:
    """How far a mark moves so that those of one name do not cover each other; of numbers, not at all."""
    if isinstance(scale, Scale):
        return 0.0
    return SPREAD * ((number * GOLDEN) % 1 - 0.5) / len(scale.names)


@dataclass(frozen=True)
class Panel:
    """A frame with two scales, in whose coordinates marks are drawn."""

    across: Scale | Bands
    up: Scale | Bands
    x_label: str
    y_label: str
    width: int = WIDTH
    height: int = HEIGHT

    def x(self, value: Any) -> float:
        """Pixels from the left."""
        return self.along(self.across(value))

    def y(self, value: Any) -> float:
        """Pixels from the top."""
        return self.over(self.up(value))

    def along(self, share: float) -> float:
        """Pixels from the left, of a share of the side."""
        span = self.width - LEFT - RIGHT
        return LEFT + span * (PAD + (1 - 2 * PAD) * share)

    def over(self, share: float) -> float:
        """Pixels from the top, of a share of the side that is counted from below."""
        span = self.height - TOP - BOTTOM
        return TOP + span * (1 - PAD - (1 - 2 * PAD) * share)

    def drawn(self, marks: Sequence[str], *, alternative: str) -> Any:
        """The panel with its marks as SVG.

        Args:
            marks: SVG, with everything in it escaped.
            alternative: what is to be seen, for who cannot see it.
        """
        from markupsafe import Markup, escape

        size = f'viewBox="0 0 {self.width} {self.height}"'
        opened = f'<svg class="panel" {size} role="img" aria-label="{escape(alternative)}">'
        # Names are escaped, the rest are numbers.
        return Markup("".join([opened, *self._frame(), *marks, "</svg>"]))  # noqa: S704

    def _frame(self) -> list[str]:
        right, bottom = self.width - RIGHT, self.height - BOTTOM
        parts = [text(LEFT - 44, 14, self.y_label, "start", "name")]
        parts.append(line((LEFT, bottom), (right, bottom), "upright"))
        parts.append(text((LEFT + right) / 2, self.height - 8, self.x_label, "middle", "name"))
        for value, shown in self.up.ticks:
            y = self.y(value)
            parts.append(line((LEFT, y), (right, y), "track"))
            parts.append(text(LEFT - 6, y + 4, shown, "end"))
        for value, shown in self.across.ticks:
            x = self.x(value)
            parts.append(line((x, bottom), (x, bottom + 4), "track"))
            parts.append(text(x, bottom + 17, shown, "middle"))
        return parts


def text(x: float, y: float, words: str, anchor: str, style: str = "") -> str:
    """Words at a place."""
    from markupsafe import escape

    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def line(start: tuple[float, float], stop: tuple[float, float], style: str) -> str:
    """A straight line."""
    (a, b), (c, d) = start, stop
    return f'<line class="{style}" x1="{a:.1f}" y1="{b:.1f}" x2="{c:.1f}" y2="{d:.1f}"/>'


def path(points: Sequence[tuple[float, float]], style: str, *, share: float | None = None) -> str:
    """A line through points; `share` is what the style makes of it, such as a shade."""
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    own = "" if share is None else f' style="--s:{share:.2f}"'
    return f'<polyline class="{style}"{own} points="{places}"/>'


def mark(x: float, y: float, shape: str, style: str, *, hint: str = "") -> str:
    """A dot, a ring, a triangle pointing up or down, or a cross; the hint is shown under the pointer."""
    from markupsafe import escape

    inner = f"<title>{escape(hint)}</title>" if hint else ""
    if shape in ("dot", "ring"):
        return f'<circle class="{shape} {style}" cx="{x:.1f}" cy="{y:.1f}" r="3.4">{inner}</circle>'
    if shape == "cross":
        outline = f"M{x - 3:.1f} {y - 3:.1f}l6 6m0 -6l-6 6"
    else:
        tip = -1 if shape == "above" else 1
        outline = f"M{x - 3.6:.1f} {y - 3 * tip:.1f}h7.2l-3.6 {6.4 * tip:.1f}z"
    return f'<path class="{shape} {style}" d="{outline}">{inner}</path>'
