"""What cues that give a class away mean, in sentences."""

from collections.abc import Iterator

from regraft.evaluation.phrases import percent
from regraft.report.advice import ADVICE, OTHER_ADVICE, SPOKEN
from regraft.report.finding import Audit, Finding, named
from regraft.report.phrases import span

# A cue of the content is worth a word from here on, of the way from guessing to certainty.
WORTH_A_WORD = 0.2


def shortcuts_found(audit: Audit) -> Iterator[Finding]:
    """How the files were made tells classes apart: to be acted on."""
    meaning = " A network may learn that in place of what the images show, and fail where it is not so."
    for cue in audit.get("shortcuts", {}).get("cues", ()):
        if cue["is_suspicious"]:
            sentence, advice = _given_away(cue), ADVICE.get(cue["cue"], OTHER_ADVICE)
            yield Finding("warning", "shortcuts", sentence + meaning, advice)
            # Said once, it holds for all.
            meaning = ""


def _given_away(cue: Audit) -> str:
    spoken = SPOKEN.get(cue["cue"], cue["cue"])
    if not cue["classes"]:
        reached, mark = cue["balanced_accuracy"], percent(cue["to_beat"])
        return (
            f"By {spoken} alone the classes are told with a balanced accuracy of {percent(reached['value'])} "
            f"({span(reached)}); {mark} would be no sign of anything."
        )
    names = list(cue["classes"])
    best = cue["classes"][names[0]]
    verb, best_of = ("is", "") if len(names) == 1 else ("are", f", {names[0]!r}")
    return (
        f"By {spoken} alone {named(names)} {verb} told from the other classes{best_of} in "
        f"{percent(best['value'])} ({span(best)}; guessing: 50 %)."
    )


def content_found(audit: Audit) -> Iterator[Finding]:
    """What shows in the images, and is a shortcut only where it does not belong to the classes."""
    told = []
    for cue in audit.get("shortcuts", {}).get("cues", ()):
        reached, mark = cue["balanced_accuracy"], cue["to_beat"]
        lift = (reached["low"] - mark) / max(1 - mark, 1e-9)
        if cue["kind"] == "content" and not cue["is_suspicious"] and lift >= WORTH_A_WORD:
            told.append(f"{cue['cue']} ({percent(reached['value'])}; guessing: {percent(mark)})")
    if told:
        yield Finding(
            "note",
            "shortcuts",
            f"Some classes can be told by {' or by '.join(told)} alone. That is as it should be where it "
            f"belongs to what they are, as green does to forests.",
        )
