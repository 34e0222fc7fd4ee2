"""A score against what a model of that score costs: every trial, and the line that none beats in both."""

from regraft.report.search.chart import Panel, Scale, mark, path
from regraft.report.search.progress import Figure
from regraft.report.search.story import Story, settings_of

UNITS = {"latency": "ms for one image", "size": "MB"}
WIDE = 5


def tradeoffs(story: Story) -> list[Figure]:
    """One panel per cost that the search weighed; none where it weighed none."""
    return [_tradeoff(story, place, cost) for place, cost in enumerate(story.search.get("costs", ()))]


def _tradeoff(story: Story, place: int, cost: str) -> Figure:
    trials = [trial for trial in story.complete if len(trial["costs"]) > place]
    prices = {trial["number"]: float(trial["costs"][place]) for trial in trials}
    low, high = min(prices.values(), default=0.0), max(prices.values(), default=1.0)
    log = low > 0 and high > WIDE * low
    panel = Panel(Scale(low, high, log), story.up, f"{cost}, {UNITS.get(cost, '')}", story.measure)
    line, marks, lowest = [], [], float("inf")
    for trial in sorted(trials, key=lambda trial: (prices[trial["number"]], story.value(trial))):
        x, y = panel.x(prices[trial["number"]]), panel.y(story.value(trial))
        is_best = trial["number"] == story.search["best"]
        marks.append(mark(x, y, "dot", "winner" if is_best else story.colour(trial), hint=settings_of(trial)))
        if story.value(trial) < lowest:
            line += [(x, panel.y(lowest))] * (lowest < float("inf")) + [(x, y)]
            lowest = story.value(trial)
    paid = f" The one that was chosen costs {prices[story.search['best']]:.3g}." if story.best else ""
    said = f"{cost.capitalize()} from {low:.3g} to {high:.3g} {UNITS.get(cost, '')}.{paid}"
    alternative = f"{story.name} against {cost}. {said}"
    return said, panel.drawn([path(line, "curve winner"), *marks], alternative=alternative)
