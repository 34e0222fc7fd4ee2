"""What to say of images that belong together: in a run's account, and in a look at the data."""

from collections.abc import Mapping
from typing import Any

from regraft.data import Dataset, Relatives, leaks
from regraft.evaluation import Verdict
from regraft.evaluation.phrases import count, listed, percent


def described(
    relatives: Relatives, dataset: Dataset, *, leaks_removed: int, tangled: int = 0
) -> dict[str, Any]:
    """What was found, as plain data: `docs/json.md` explains the keys.

    Args:
        relatives: of the data set before anything was removed.
        dataset: as it will be used, relatives in one group.
        leaks_removed: images taken out of train.
        tangled: pairs of near copies that were left out, see `untangled`.
    """
    together = relatives.sets
    names = relatives.names
    return {
        "looked": relatives.looked,
        "near_copies": {
            "sets": len(together),
            "images": sum(map(len, together)),
            "how": dict(relatives.how()),
        },
        "name_groups": names
        and {
            "rule": names.rule,
            "groups": len(set(names.names) - {""}),
            "observed_fraction": round(names.observed_fraction, 3),
            "expected_fraction": round(names.expected_fraction, 3),
        },
        "leaks": len(leaks(dataset)),
        "leaks_removed": leaks_removed,
        "tangled": tangled,
    }


def related(found: Mapping[str, Any]) -> list[Verdict]:
    """What to say of images that belong together."""
    copies, names = found["near_copies"], found["name_groups"]
    said = []
    if not found["looked"]:
        sentence = "Near copies were not looked for: the time is short for that, or it was not wanted."
        said.append(Verdict("near copies", "note", sentence, {}))
    if copies["sets"]:
        ways = listed([f"{how} ({number:,})" for how, number in copies["how"].items()])
        sentence = (
            f"{count(copies['images'], 'image')} are near copies of one another, in "
            f"{count(copies['sets'], 'set')}; each set is kept on one side of every split. Pairs: {ways}."
        )
        said.append(Verdict("near copies", "note", sentence, dict(copies)))
    if found["tangled"]:
        sentence = (
            f"Near copies would chain more than half of the images into one group, which cannot be "
            f"true of all: {count(found['tangled'], 'pair')} of them were left apart, so scores may look too "
            f"good. A column of groups, if any, should be checked against the pictures, or left out."
        )
        said.append(Verdict("near copies", "warning", sentence, {"tangled": found["tangled"]}))
    if names:
        sentence = (
            f"{names['rule'].capitalize()} tells {count(names['groups'], 'group')}, and the images bear it "
            f"out: the most alike of a class is of the same group in {percent(names['observed_fraction'])}, "
            f"by chance it would be in {percent(names['expected_fraction'])}. Groups are kept together."
        )
        said.append(Verdict("groups", "note", sentence, dict(names)))
    if found["leaks"]:
        sentence = (
            f"In {count(found['leaks'], 'case')} a picture or a group lies in more than one given part: "
            f"what is tested there was learnt. --fix-leaks takes them out of train."
        )
        said.append(Verdict("leaks", "warning", sentence, {"leaks": found["leaks"]}))
    if found["leaks_removed"]:
        sentence = (
            f"{count(found['leaks_removed'], 'image')} with a copy in val or test were taken out of train."
        )
        said.append(Verdict("leaks", "note", sentence, {"leaks_removed": found["leaks_removed"]}))
    return said


def listed_for_audit(relatives: Relatives, dataset: Dataset) -> dict[str, Any]:
    """The same for `inspect`: which images, set by set."""
    how: dict[int, set[str]] = {}
    for copy in relatives.copies:
        how.setdefault(copy.first, set()).add(copy.how)

    def sets(chosen: list[tuple[int, ...]]) -> list[dict[str, Any]]:
        return [
            {
                "images": [str(dataset.paths[i]) for i in one],
                "how": ", ".join(sorted(set().union(*(how.get(i, set()) for i in one)))),
            }
            for one in chosen
        ]

    names = relatives.names
    suspected = []
    if names:
        evidence = (
            f"the most alike of a class is of the same group in {percent(names.observed_fraction)}, "
            f"by chance it would be in {percent(names.expected_fraction)}"
        )
        named = [name for name in names.names if name]
        suspected = [
            {"how": names.rule, "groups": len(set(named)), "images": len(named), "evidence": evidence}
        ]
    return {
        "near_copies": sets(relatives.sets),
        "near_conflicts": sets(relatives.conflicts(dataset)),
        "near_leaks": sets(relatives.leaks(dataset)),
        "suspected_groups": suspected,
    }
