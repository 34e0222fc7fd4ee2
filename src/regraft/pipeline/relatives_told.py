"""What to say of images that belong together: in a run's account, and in a look at the data."""

from collections.abc import Mapping
from typing import Any

from regraft.data import Dataset, Relatives, SuspectedGroups, leaks
from regraft.evaluation import Verdict
from regraft.evaluation.phrases import count, listed, percent


def described(relatives: Relatives, dataset: Dataset, *, leaks_removed: int) -> dict[str, Any]:
    """What was found, as plain data: `docs/json.md` explains the keys.

    Args:
        relatives: of the data set before anything was removed.
        dataset: as it will be used, relatives in one group.
        leaks_removed: images taken out of train.
    """
    together = relatives.sets
    return {
        "looked": relatives.looked,
        "near_copies": {
            "sets": len(together),
            "images": sum(map(len, together)),
            "how": dict(relatives.how()),
        },
        "name_groups": _groups_described(relatives.names),
        "bursts": _groups_described(relatives.bursts),
        "leaks": len(leaks(dataset)),
        "leaks_removed": leaks_removed,
    }


def _groups_described(groups: SuspectedGroups | None) -> dict[str, Any] | None:
    if groups is None:
        return None
    return {
        "rule": groups.rule,
        "groups": len(set(groups.names) - {""}),
        "images": sum(map(bool, groups.names)),
        "observed_fraction": round(groups.observed_fraction, 3),
        "expected_fraction": round(groups.expected_fraction, 3),
    }


def related(found: Mapping[str, Any]) -> list[Verdict]:
    """What to say of images that belong together."""
    copies = found["near_copies"]
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
            f"good."
        )
        said.append(Verdict("near copies", "warning", sentence, {"tangled": found["tangled"]}))
    if found["regrouped"]:
        sentence = (
            f"The given groups and the near copies contradict each other: together they chain more than "
            f"half of the images into one group. Each set of copies was put into the group that most of its "
            f"images have, so that {count(found['regrouped'], 'image')} changed theirs. Check the column of "
            f"groups against the pictures, or leave it out."
        )
        said.append(Verdict("groups", "warning", sentence, {"regrouped": found["regrouped"]}))
    for groups in (found["name_groups"], found["bursts"]):
        if groups:
            sentence = (
                f"{groups['rule'][0].upper()}{groups['rule'][1:]} tells {count(groups['groups'], 'group')}, "
                f"and the images bear it out: {_evidence(groups)}. Groups are kept together."
            )
            said.append(Verdict("groups", "note", sentence, dict(groups)))
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

    told = (_groups_described(groups) for groups in (relatives.names, relatives.bursts))
    suspected = [
        {
            "how": one["rule"],
            "groups": one["groups"],
            "images": one["images"],
            "evidence": _evidence(one),
        }
        for one in told
        if one
    ]
    return {
        "near_copies": sets(relatives.sets),
        "near_conflicts": sets(relatives.conflicts(dataset)),
        "near_leaks": sets(relatives.leaks(dataset)),
        "suspected_groups": suspected,
    }


def _evidence(groups: Mapping[str, Any]) -> str:
    return (
        f"the most alike of a class is of the same group in {percent(groups['observed_fraction'])}, "
        f"by chance it would be in {percent(groups['expected_fraction'])}"
    )
