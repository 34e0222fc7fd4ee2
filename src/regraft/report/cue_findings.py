"""What cues that give a class away mean, in sentences."""

from collections.abc import Iterator

from regraft.evaluation.phrases import percent
from regraft.report.advice import ADVICE, OTHER_ADVICE, SPOKEN
from regraft.report.finding import Audit, Finding, named

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
    """Which classes are told, and how well; an area under the ROC curve says more than a mean over all."""
    spoken, names = SPOKEN.get(cue["cue"], cue["cue"]), list(cue["classes"])
    best = cue["classes"][names[0]]
    verb, best_of = ("is", "") if len(names) == 1 else ("are", f", {names[0]!r}")
    area = f"{best['value']:.2f} ({best['low']:.2f} to {best['high']:.2f}; guessing: 0.5)"
    return (
        f"By {spoken} alone {named(names)} {verb} told from the other classes{best_of} with an area under "
        f"the ROC curve of {area}."
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
