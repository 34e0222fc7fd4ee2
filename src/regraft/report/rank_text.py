"""A ranking of networks on a terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

from regraft.report.phrases import printable
from regraft.report.rank_words import called, headline, sentences

HEADER = (
    "",
    "network",
    "expected",
    "behind",
    "images",
    "k-NN",
    "LogME",
    "ms/image",
    "one, ms",
    "MB",
    "licence",
)


def rank_text(found: Mapping[str, Any]) -> str:
    """What `regraft rank` prints."""
    lines = [f"{headline(found)}.", *(f"  {sentence}" for sentence in sentences(found)), ""]
    lines += _table([HEADER, *(_cells(row) for row in found["candidates"])])
    lines.append(
        "* no other is both better and faster. Expected: of the first, as measured; of the others as"
    )
    lines.append("  far behind it as they were on the images they were last judged on.")
    lines += [f"  not ranked: {name}: {reason}" for name, reason in found["refused"].items()]
    lines.append(f"{found['forward_passes']:,} forward passes, {found['seconds']:g} s.")
    return "\n".join(map(printable, lines))


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    scores = row["scores"]
    return (
        "*" if row["on_front"] else "",
        called(row),
        f"{100 * row['expected']:.1f} %",
        f"{100 * row['behind']['value']:+.1f}" if row["behind"]["low"] < row["behind"]["high"] else "",
        f"{row['images']:,}",
        f"{100 * scores['knn']['value']:.1f} %" if scores else "",
        f"{scores['logme']['value']:.2f}" if scores else "",
        f"{row['ms_per_image']:.1f}",
        f"{row['latency_ms']:.1f}",
        f"{row['size_mb']:.0f}",
        row["licence"],
    )


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    last = len(widths) - 1
    for row in rows:
        cells = [
            cell.ljust(width) if column in (0, 1, last) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
