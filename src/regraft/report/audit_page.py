"""A look at the data as one HTML file with small pictures in it: no network, no script, light and dark."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from regraft.evaluation.phrases import count, percent
from regraft.report import phrases
from regraft.report.advice import EXTREMES
from regraft.report.audit_text import short
from regraft.report.finding import headline, total
from regraft.report.findings import findings
from regraft.report.html import bar
from regraft.report.template import template
from regraft.report.thumbnails import thumbnails

CLASSES_SHOWN = 24
SETS_SHOWN = 16
IMAGES_OF_A_SET = 8
ODD_SHOWN = 12

SETS = {
    "conflicts": ("One picture, different labels", "At most one of the labels can be right."),
    "near_conflicts": (
        "Nearly one picture, different labels",
        "Look whether the label or the picture differs.",
    ),
    "leaks": (
        "In more than one given part",
        "What is tested there was learnt: the same picture, or one group.",
    ),
    "near_leaks": (
        "Nearly the same in more than one given part",
        "What is tested there was as good as learnt.",
    ),
    "copies": ("Stored more than once", "The same bytes. Every split keeps them together."),
    "pixel_copies": ("The same picture in different files", "The pixels agree; format or notes do not."),
    "near_copies": (
        "Near-duplicates",
        "Rescaled, compressed again, cropped, mirrored, turned or brightened.",
    ),
}
KINDS = {"file": "of the file", "content": "of what it shows", "order": "not seen by a network"}
COUNTED = {
    "kinds": "Kinds",
    "bits": "Bits per channel",
    "sizes": "Most common sizes",
    "parts": "Parts",
    "domains": "Domains",
}
MEASURED = {
    "aspect_ratio": ("Width by height", "{:.2f}"),
    "jpeg_quality": ("JPEG quality", "{:.0f}"),
    "file_bytes": ("Bytes per file", "{:,.0f}"),
}


def audit_page(audit: Mapping[str, Any]) -> str:
    """What `regraft inspect --page` writes; everything that users named is escaped.

    Cost: the images shown are decoded once more, a few hundred at most.
    """
    page: str = template("audit.html.jinja").render(
        a=audit,
        name=PurePath(audit.get("root", "")).name or "Images",
        headline=headline(audit),
        findings=findings(audit),
        phrases=phrases,
        percent=percent,
        count=count,
        bar=bar,
        classes=_classes(audit),
        sections=list(_sections(audit)),
        odd=_odd(audit),
        cues=audit.get("shortcuts", {}).get("cues", ()),
        kinds=KINDS,
        facts=_facts(audit),
        short=lambda path: short(path, audit.get("root", "")),
    )
    return page


def _classes(audit: Mapping[str, Any]) -> dict[str, Any]:
    """Rows of (name, images, share of the largest, pictures), the largest first, and the rows not shown."""
    ordered = sorted(audit["classes"].items(), key=lambda item: -item[1])
    samples = audit.get("samples", {})
    shown = (
        ordered
        if len(ordered) <= CLASSES_SHOWN
        else ordered[: CLASSES_SHOWN // 2] + ordered[-CLASSES_SHOWN // 2 :]
    )
    most = max([number for _, number in ordered], default=1) or 1
    # In turn, so that where the budget ends all classes have lost alike.
    turns = [
        path for place in range(8) for name, _ in shown for path in samples.get(name, ())[place : place + 1]
    ]
    pictures = thumbnails(turns)
    rows = [
        (name, number, number / most, _images(samples.get(name, ()), pictures, audit))
        for name, number in shown
    ]
    return {"rows": rows, "more": len(ordered) - len(shown)}


def _sections(audit: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The lists of sets that are not empty, each set with its pictures side by side."""
    for name, (title, meaning) in SETS.items():
        sets = [_set(one) for one in audit.get(name, ())[:SETS_SHOWN]]
        if not sets:
            continue
        pictures = thumbnails(path for paths, _ in sets for path in paths[:IMAGES_OF_A_SET])
        yield {
            "title": title,
            "meaning": meaning,
            "sets": [
                (_images(paths[:IMAGES_OF_A_SET], pictures, audit), how, max(len(paths) - IMAGES_OF_A_SET, 0))
                for paths, how in sets
            ],
            "more": total(audit, name) - len(sets),
        }


def _set(one: Any) -> tuple[Sequence[str], str]:
    return (one["images"], one.get("how", "")) if isinstance(one, Mapping) else (one, "")


def _odd(audit: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for name, (meaning, advice) in EXTREMES.items():
        paths = audit.get("extremes", {}).get(name, ())[:ODD_SHOWN]
        if paths:
            pictures = thumbnails(paths)
            number = total(audit, name)
            title = f"{count(number, 'image')} {'is' if number == 1 else 'are'} {meaning}"
            found.append({"title": title, "advice": advice, "images": _images(paths, pictures, audit)})
    return found


def _facts(audit: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is there in numbers, as rows of a list."""
    rows = [(title, audit.get(name)) for name, title in COUNTED.items()]
    found = [(title, _counted(counts)) for title, counts in rows if counts and set(counts) != {"undecided"}]
    for name, (title, form) in MEASURED.items():
        if spread := audit.get(name):
            least, median, most = (form.format(spread[end]) for end in ("least", "median", "most"))
            found.append((title, least if least == most else f"{least} to {most}, median {median}"))
    return found


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({number:,})" for name, number in counts.items())


def _images(
    paths: Sequence[str], pictures: Mapping[str, str], audit: Mapping[str, Any]
) -> list[dict[str, str]]:
    """What is shown of each: its picture, if there is one, and what is known of it."""
    known = audit.get("mentioned", {})
    return [{"path": path, "picture": pictures.get(path, ""), **known.get(path, {})} for path in paths]
