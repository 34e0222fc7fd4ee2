"""What a look at the data says in sentences: what is wrong, what that means, what to do about it."""

from collections.abc import Callable, Iterator, Mapping

from regraft.evaluation.phrases import count, listed
from regraft.report.advice import EXTREMES
from regraft.report.cue_findings import content_found, shortcuts_found
from regraft.report.finding import Audit, Finding, Level, named, they_are, total

FEW_IMAGES = 10
UNEVEN, VERY_UNEVEN = 3, 20
EXAMPLES = 3


def findings(audit: Audit) -> tuple[Finding, ...]:
    """All findings, the worst first; a single good one where there is nothing to act on or to know."""
    found = [finding for rule in RULES for finding in rule(audit)]
    if not found and audit["images"]:
        found = [
            Finding("good", "images", "Nothing was found that would make results look better than they are.")
        ]
    return tuple(sorted(found, key=lambda one: one.level != "warning"))


def _sets(name: str, level: Level, noun: str, rest: tuple[str, str]) -> Callable[[Audit], Iterator[Finding]]:
    """A rule for a list of sets: how many, what that means, what to do."""

    def rule(audit: Audit) -> Iterator[Finding]:
        number = total(audit, name)
        if number:
            meaning, advice = rest
            first = audit[name][0]
            images = first["images"] if isinstance(first, Mapping) else first
            yield Finding(level, name, f"{they_are(number, noun)} {meaning}.", advice, (*images[:EXAMPLES],))

    return rule


def _skipped(audit: Audit) -> Iterator[Finding]:
    if audit["skipped"]:
        one = audit["skipped"] == 1
        yield Finding(
            "warning",
            "skipped_files",
            f"{count(audit['skipped'], 'file')} skipped: {'it' if one else 'they'} cannot be used.",
            "Replace or remove, or live without.",
        )


def _alike(audit: Audit) -> Iterator[Finding]:
    for names in audit.get("classes_alike", ()):
        yield Finding(
            "warning",
            "classes_alike",
            f"The classes {named(names)} differ only by case, accent, space or hyphen: probably one.",
            "If so, give them one name.",
        )


def _small(audit: Audit) -> Iterator[Finding]:
    present = {name: number for name, number in audit["classes"].items() if number}
    alone = [repr(name) for name, number in present.items() if number < 2]
    few = [repr(name) for name, number in present.items() if 2 <= number < FEW_IMAGES]
    if len(audit["classes"]) == 1:
        yield Finding(
            "warning",
            "classes",
            "There is a single class; telling classes apart needs at least two.",
            "Put the images of each class in a folder of its own.",
        )
    if alone:
        yield Finding(
            "warning",
            "classes",
            f"With a single image: {listed(alone)}. It cannot be both learnt and checked.",
            "Add images, or take the class out.",
        )
    if few:
        yield Finding(
            "note",
            "classes",
            f"With fewer than {FEW_IMAGES} images: {listed(few)}. Scores there mean little.",
            "Add images where those classes matter.",
        )


def _balance(audit: Audit) -> Iterator[Finding]:
    balance = audit.get("balance")
    if not balance or balance["ratio"] < UNEVEN:
        return
    yield Finding(
        "warning" if balance["ratio"] >= VERY_UNEVEN else "note",
        "balance",
        f"{balance['largest']!r} has {balance['ratio']:,.3g} times the images of {balance['smallest']!r}; "
        f"the shares are those of {balance['effective_classes']:.1f} equally large classes, of "
        f"{len(audit['classes']):,}. A high accuracy may mean only that the large ones are known.",
        "Judge by balanced accuracy, and try --class-weights balanced if the small ones matter as much.",
    )


def _extremes(audit: Audit) -> Iterator[Finding]:
    for name, (meaning, advice) in EXTREMES.items():
        number = total(audit, name)
        if number:
            shown = audit["extremes"][name][:EXAMPLES]
            yield Finding(
                "note", f"extremes.{name}", f"{they_are(number, 'image')} {meaning}.", advice, (*shown,)
            )


def _groups(audit: Audit) -> Iterator[Finding]:
    for one in audit.get("suspected_groups", ()):
        yield Finding(
            "warning",
            "suspected_groups",
            f"{count(one['images'], 'image')} seem to form {count(one['groups'], 'group')} by {one['how']}: "
            f"{one['evidence']}. Images of one group in train and test make scores look too good.",
            "fit keeps them together; a table's column `group` says it better.",
        )


RULES: tuple[Callable[[Audit], Iterator[Finding]], ...] = (
    _sets(
        "conflicts",
        "warning",
        "picture",
        (
            "stored under different labels, of which only one can be right",
            "Decide, and delete the other file.",
        ),
    ),
    _sets(
        "leaks",
        "warning",
        "picture or group",
        (
            "in more than one given part: what is tested there was learnt, so scores look too good",
            "Remove from train what val or test has.",
        ),
    ),
    _sets(
        "near_conflicts",
        "warning",
        "near-duplicate set",
        ("under different labels; at least one label is doubtful", "Look at them, and correct the labels."),
    ),
    _sets(
        "near_leaks",
        "warning",
        "near-duplicate set",
        (
            "across given parts: what is tested there was as good as learnt",
            "Remove from train what val or test has.",
        ),
    ),
    shortcuts_found,
    _groups,
    _skipped,
    _alike,
    _small,
    _balance,
    _sets("copies", "note", "image", ("stored more than once (kept together in every split)", "")),
    _sets(
        "pixel_copies",
        "note",
        "picture",
        ("stored in several files that differ in format or notes only", "Keep one of each."),
    ),
    _sets(
        "near_copies",
        "note",
        "near-duplicate set",
        (
            "there: saved again, scaled, cut, mirrored or turned; fit keeps each on one side of every split",
            "",
        ),
    ),
    _extremes,
    content_found,
)
