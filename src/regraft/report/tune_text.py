"""What a search says on a terminal: how it went, the best trials, what mattered, and what to do next."""

from collections.abc import Mapping, Sequence
from typing import Any

from regraft.evaluation.phrases import count
from regraft.report.expected import expected, measured
from regraft.report.phrases import duration, printable

SHOWN = 5
BAR = 24
COSTS = {"latency": ("latency", "ms"), "size": ("size", "MB")}


def tune_text(search: Mapping[str, Any]) -> str:
    """The part of `regraft tune` that stands before the report of its run.

    Args:
        search: the report's `search`: `trials`, `counts`, `best`, `corrected`, `importance`, `advice`,
            `sampler`, `objective` and `storage`; `costs`, `front` and `limits` where the objective is weighed
            against others, `past` where earlier searches proposed trials, and `blend` where one was made.
    """
    lines = [_headline(search), *_past(search.get("past", ())), ""]
    best = [trial for trial in search["trials"] if trial["state"] == "complete"]
    best.sort(key=lambda trial: trial["value"])
    if best:
        lines += ["Best so far, trial by trial", *_curve(search), "", *_table(best[:SHOWN], search), ""]
        if search.get("costs"):
            lines += [*_front(search), ""]
        lines += expected(search)
    if search["importance"]:
        lines += ["", "What mattered", *_importance(search["importance"])]
    if search["advice"]:
        lines += ["", *(f"· {sentence}" for sentence in search["advice"])]
    lines += ["", f"The study is kept in {search['storage']}"]
    return "\n".join(printable(line) for line in lines)


def _headline(search: Mapping[str, Any]) -> str:
    counts = search["counts"]
    others = [f"{number} {state}" for state, number in counts.items() if number and state != "complete"]
    tail = f" ({', '.join(others)})" if others else ""
    return f"{count(sum(counts.values()), 'trial')} by {search['sampler']}{tail}"


def shown(value: float, objective: str) -> str:
    """What was made small, as it is spoken of.

    >>> shown(0.05, "accuracy")
    '95.0 %'
    """
    return f"{value:.4f}" if objective == "loss" else f"{100 * (1 - value):.1f} %"


def _curve(search: Mapping[str, Any]) -> list[str]:
    """Every trial that was better than all before it."""
    lowest, lines = float("inf"), []
    for trial in search["trials"]:
        if trial["state"] == "complete" and trial["value"] < lowest:
            lowest = trial["value"]
            score, settings = shown(lowest, search["objective"]), _settings(trial["values"])
            lines.append(f"  {trial['number']:>5}   {score}   {settings}")
    return lines[-2 * SHOWN :]


def _table(trials: Sequence[Mapping[str, Any]], search: Mapping[str, Any]) -> list[str]:
    lines = [f"The best by {measured(search)}"]
    said = "right by weight" if search.get("weighted") else "right"
    for trial in trials:
        right = trial["details"].get("accuracy")
        beside = "" if right is None or search["objective"] != "loss" else f"   {100 * right:5.1f} % {said}"
        value = shown(trial["value"], search["objective"])
        lines.append(f"  {value}{beside}   {duration(trial['seconds']):>6}   {_settings(trial['values'])}")
    return lines


def _front(search: Mapping[str, Any]) -> list[str]:
    """The trials that nobody beats in one respect without losing in another, the chosen one marked."""
    costs = [COSTS[cost] for cost in search["costs"]]
    less = " or ".join(name for name, _ in costs)
    lines = [f"Nothing better without more {less}"]
    known = {trial["number"]: trial for trial in search["trials"]}
    for trial in (known[number] for number in search["front"]):
        mark = "→" if trial["number"] == search["best"] else " "
        cells = [shown(trial["value"], search["objective"])]
        cells += [f"{cost:9.2f} {unit}" for cost, (_, unit) in zip(trial["costs"], costs, strict=True)]
        lines.append(f"{mark} {'   '.join(cells)}   {_settings(trial['values'])}")
    paid = {tuple(trial["costs"]) for trial in search["trials"] if trial["state"] == "complete"}
    if len(paid) == 1:
        return [*lines, "All trials cost the same; give it networks to weigh: --space backbones=lite0,lite2."]
    return [*lines, _rule(search)]


def _rule(search: Mapping[str, Any]) -> str:
    """Why the chosen one was chosen."""
    name = measured(search)
    within = " and ".join(
        f"{most:g} {COSTS[cost][1]}" for cost, most in search["limits"].items() if most is not None
    )
    if search["best"] is None:
        return f"None keeps within {within}, so none was chosen."
    if within:
        return f"→ is the best {name} within {within}."
    options = " or ".join(f"--max-{cost}-{COSTS[cost][1].lower()}" for cost in search["costs"])
    return f"→ is the best {name}; for a cheaper one say {options}."


def _past(past: Sequence[Mapping[str, Any]]) -> list[str]:
    """Which trials come from where."""
    return [
        f"Trial {one['trial']} was among the best in a search on {count(one['about']['images'], 'image')} of "
        f"{one['about']['classes']} classes (distance {one['distance']:.2f})"
        for one in past
        if one["trial"] is not None
    ]


def _importance(shares: Mapping[str, float]) -> list[str]:
    width = max(map(len, shares))
    ordered = sorted(shares.items(), key=lambda one: -one[1])
    return [
        f"  {name:{width}}  {'━' * round(BAR * share):{BAR}} {100 * share:3.0f} %" for name, share in ordered
    ]


def _settings(values: Mapping[str, Any]) -> str:
    """The values of a trial, the head's kind first and its name left out of the rest."""
    kind = values.get("head.kind", "")
    rest = (
        f"{name.removeprefix(f'head.{kind}.')} {_value(value)}"
        for name, value in values.items()
        if name != "head.kind" and value is not None
    )
    return ", ".join([str(kind), *rest])


def _value(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
