"""Hyper-parameter search over heads on stored features, as a study that can be killed, shared and resumed."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from regraft.core.artifact import MODEL
from regraft.core.files import write_bytes
from regraft.core.hashing import fingerprint, plain
from regraft.data import DataSource, path_of, read, require_parts, require_trainable
from regraft.features import FeatureStore
from regraft.pipeline.budget import Budget, parse_duration, stop_on_signals
from regraft.pipeline.climb import TRIAL_VERSION, Climb
from regraft.pipeline.fit import FINISH_FRACTION, begin, conclude, in_random_order
from regraft.pipeline.judging import Candidate, require_suitable
from regraft.pipeline.ladder import Step, pinned, probe
from regraft.pipeline.model import kept
from regraft.pipeline.recipe import Recipe
from regraft.pipeline.run import Run, claim_folder
from regraft.pipeline.trunk import Trunk
from regraft.pipeline.tuning.ablation import reserved_s
from regraft.pipeline.tuning.account import described
from regraft.pipeline.tuning.analysis import found_recipe
from regraft.pipeline.tuning.asked import Search, changed
from regraft.pipeline.tuning.blending import analysis_s, blended, fit_blend, fits_s
from regraft.pipeline.tuning.costs import Costs
from regraft.pipeline.tuning.plan import first_points, next_points, recipe_of, space_for
from regraft.pipeline.tuning.tries import Tries
from regraft.pipeline.tuning.trying import try_points
from regraft.pipeline.tuning.warm_start import keep_for_later, propose_past, record_of, told
from regraft.report import search_page
from regraft.search import Space, Trial, Values
from regraft.search.memory import reason_of
from regraft.search.objectives import affordable, cheapest_best

STUDY = "study"
JOURNAL = "trials.log"
SEARCH_PAGE = "search.html"
DEFAULT = Search()


def tune(
    source: DataSource,
    *,
    search: Search = DEFAULT,
    budget: str | float = "5m",
    out: Path | str | None = None,
    recipe: Recipe | None = None,
    store: FeatureStore | None = None,
    **settings: Any,
) -> Run:
    """Search heads, their knobs, depths and scaling; refit the best, test it once, and write it down.

    Trials read stored features, so that each costs a fit of a head. Killed, it goes on where it was with the
    same `out`; the first Ctrl-C ends it in good order. The majority class and the plain probe are candidates.

    Args:
        source: whatever `read` takes: a folder, a table, an archive, a data set.
        search: what is searched and how; see `Search`.
        budget: how long it may take, such as `90s` or `10m`; it ends earlier after `search.trials`.
        out: the run folder, maybe of a search that was killed; by default a new one below `runs/`.
        recipe: what to fix: depths, scaling and the kind of head that it names are not searched. Where it
            leaves the networks at the default, the first is used.
        store: where features are kept; by default in the cache folder.
        settings: fields of `Search` in place of what it says, as in `tune(photos, trials=50, sampler="gp")`.

    Raises:
        DataError: the images cannot be used.
        RecipeError: `Search` has no such field, an axis is unknown or lies outside what its field takes.
        BackboneError: the first network cannot be had.
        ArtifactError: the run folder, the cache or the study cannot be written.
        TrainingError: it was stopped before two classes had images enough.
    """
    clock = Budget(parse_duration(budget), reserve_fraction=FINISH_FRACTION)
    search = changed(search, settings)
    asked = recipe or Recipe()
    if asked.backbones == Recipe().backbones:
        # These are tried in turn by a ladder; side by side nobody has asked for them.
        asked = replace(asked, backbones=asked.backbones[:1])
    dataset = read(source)
    require_trainable(dataset)
    require_parts(dataset)
    require_suitable(asked, dataset)
    space = space_for(asked, search, dataset)
    folder = claim_folder(path_of(source) or dataset, out)
    with stop_on_signals(clock):
        trunk = Trunk(in_random_order(dataset), store or FeatureStore(), asked.runtime)
        climb, found = begin(asked, trunk, clock)
        where = search.storage or str(folder / STUDY / JOURNAL)
        name = study_name(climb, space, search)
        kept_in = predictions_folder(where, folder) / name
        tries = Tries(climb, space, search.objectives.score, kept_in, pruner=search.pruner)
        steps = [*baselines(tries, folder)]
        searched, account = _search(tries, search, folder, name=name, where=where)
        if search.report:
            page = search_page(account, run=str(folder))
            write_bytes(folder / SEARCH_PAGE, page.encode(errors="backslashreplace"))
        return conclude(climb, [*steps, *searched], folder, found, {"search": account})


def baselines(tries: Tries, folder: Path) -> Iterator[Step]:
    """What the search has to beat, on disk before it begins: the majority class and the plain probe."""
    climb = tries.climb
    name = "label frequencies" if climb.dataset.is_multilabel else "majority class"
    nothing = climb.judge_majority()
    _adopt(climb, nothing, folder)
    yield Step(name, 0.0, nothing.score, adopted=True, reason=f"log-loss {nothing.loss:.3f}")
    recipe, began_s = pinned(next(probe(climb)), climb.asked), climb.budget.spent_s
    if refusal := climb.refuses(recipe):
        yield Step("probe", 0.0, None, adopted=False, reason=refusal)
        return
    plain = tries.tasks.attempt(recipe)
    is_better = plain.loss < nothing.loss
    reason = climb.explain(plain, nothing)
    if is_better:
        _adopt(climb, plain, folder)
    yield Step("probe", climb.budget.spent_s - began_s, plain.score, is_better, reason)


def _search(
    tries: Tries, search: Search, folder: Path, *, name: str, where: str
) -> tuple[list[Step], dict[str, object]]:
    from regraft.search.storage import called
    from regraft.search.study import Settings, open_study
    from regraft.search.tuning import propose_defaults

    climb, space = tries.climb, tries.space
    folds, costs = sum(len(set(f)) for f in climb.rounds), search.objectives.costs
    settings = Settings(search.sampler, search.pruner, climb.asked.seed, folds, costs)
    study = open_study(space, name=name, storage=where, settings=settings)
    prices = Costs(costs, climb, study.agree)
    study.price = lambda values: prices.of(recipe_of(climb.asked, space, values))
    study.within_s = climb.budget.seconds
    first = propose_defaults(study, search.trials, points=first_points(space))
    record = record_of(climb, name, score=search.objectives.score)
    past = propose_past(study, record, search.trials) if search.warm_start else []

    def should_stop() -> bool:
        # It is asked before each trial, so this is when the first ones are known.
        few = search.trials is not None and len(study.trials) >= search.trials // 4
        for values in () if proposed else next_points(space, first, study.trials, few=few):
            study.propose(values)
            proposed.append(values)
        trials, budget = study.trials, climb.budget
        best = cheapest_best(affordable(trials, costs, search.limits)) if costs else study.best
        if best is None:
            return not budget.affords(0.0)
        # Trials ask the budget whether there is time for them.
        tries.kept_s = fits_s(trials, best, tries)
        budget.reserved_s = finish_s + tries.kept_s
        if search.ablate:
            budget.reserved_s += reserved_s(best, trials, space, budget)
        return not budget.affords(analysis_s(trials, best, space, budget))

    proposed: list[Values] = []
    began_s, finish_s = climb.budget.spent_s, climb.budget.reserved_s
    try_points(study, tries, should_stop=should_stop, trials=search.trials)
    climb.budget.reserved_s = finish_s
    trials, seconds = study.trials, climb.budget.spent_s - began_s
    keep_for_later(record, trials)
    # Others may have searched wider ranges under the same name.
    within = [trial for trial in trials if space.keeps_to_asked(trial.values)]
    best = cheapest_best(affordable(within, costs, search.limits))
    if climb.best is not None and not prices.keeps(climb.best.recipe, search.limits):
        _adopt(climb, climb.judge_majority(), folder)
    step = _refit(tries, trials, best, folder=folder, seconds=seconds)
    fitted = best if step.validation else None
    steps, blend = [step], None
    if step.adopted and fitted and not costs and (made := _blend(tries, within, fitted, folder=folder)):
        steps, blend = [step, made[0]], made[1]
    account = described(trials, fitted, tries, search, called(where))
    return steps, account | {"past": told(past, trials), "blend": blend}


def _refit(
    tries: Tries, trials: Sequence[Trial], best: Trial | None, *, folder: Path, seconds: float
) -> Step:
    """Fit the best trial to all images for learning, if it beats what was there before."""
    tried, climb = f"{len(trials)} trials", tries.climb
    if best is None:
        reason = "; ".join([tried, *_why_none(trials, climb.budget)])
        return Step("search", seconds, None, adopted=False, reason=reason)
    try:
        recipe = found_recipe(best, tries)
        # Another process may have tried it, with features that are not here.
        tries.embed(recipe)
        known = tries.scores_of_best(best)
        if known is None and (recipe.finetune or not climb.dataset.is_multilabel):
            # Made elsewhere or earlier, or not the best by score alone. It is not fitted to each fold again.
            known = tries.scores(best)
        candidate = tries.tasks.attempt(recipe, known=known)
    except Exception as error:  # noqa: BLE001 - what was there before is not lost to a head that fails now
        reason = f"best of {tried} cannot be fitted to all images: {reason_of(error)}"
        return Step("search", seconds, None, adopted=False, reason=reason)
    is_better = _is_better(candidate, climb.best, tries)
    reason = f"best of {tried}; {climb.explain(candidate, climb.best)}"
    if is_better:
        _adopt(climb, candidate, folder)
    return Step("search", seconds, candidate.score, is_better, reason)


def _blend(
    tries: Tries, trials: Sequence[Trial], best: Trial, *, folder: Path
) -> tuple[Step, dict[str, Any]] | None:
    """Average the best trials of each kind, unless images that did not choose it say that it harms.

    Returns what came of it, also as plain data; None where there is nothing to average.
    """
    climb, began_s = tries.climb, tries.climb.budget.spent_s
    before = climb.best
    if climb.budget.interrupted or (found := blended(trials, best, tries)) is None:
        return None
    candidate = None
    judged = f"{found.loss:.3f} on images that did not choose, of the best {found.loss_alone:.3f}"
    reason = f"log-loss {judged}"
    if not found.is_worse:
        try:
            made = found.head, found.scores
            candidate = climb.attempt(found.recipe, make=lambda: (*made, fit_blend(found, tries)))
            reason = f"{found}; log-loss {judged}; {climb.explain(candidate, before)}"
        except Exception as error:  # noqa: BLE001 - the best trial is there already
            reason = f"it cannot be fitted to all images: {reason_of(error)}"
    # The best trial may be of a kind that no blend holds.
    is_better = candidate is not None and _is_better(candidate, before, tries)
    if candidate and is_better:
        _adopt(climb, candidate, folder)
    score = candidate.score if candidate else None
    step = Step("blend", climb.budget.spent_s - began_s, score, is_better, reason)
    return step, found.told(delivered=is_better)


def _is_better(candidate: Candidate, before: Candidate | None, tries: Tries) -> bool:
    """Whether a candidate takes the place of what was there before, by what trials are compared by."""
    if before is None:
        return True
    if tries.objective == "loss":
        return candidate.loss < before.loss
    weights = tries.climb.held_out_weights
    new, old = (np.average(each.answers.right, weights=weights) for each in (candidate, before))
    return bool(new >= old)


def _why_none(trials: Sequence[Trial], budget: Budget) -> list[str]:
    """What stood in the way of most trials."""
    if not trials:
        return ["stopped before the first" if budget.interrupted else "no time was left for one"]
    if any(trial.state == "complete" for trial in trials):
        return ["none keeps within the ranges and limits"]
    return [reason for reason, _ in Counter(t.reason for t in trials if t.reason).most_common(1)]


def _adopt(climb: Climb, candidate: Candidate, folder: Path) -> None:
    climb.best = replace(candidate, model=kept(candidate.model, folder / MODEL))


def predictions_folder(where: str, folder: Path) -> Path:
    """Beside a study in a file, so that all who share it find what the others predicted; else in the run."""
    return folder / STUDY / "predictions" if "://" in where else Path(f"{where}.predictions").expanduser()


def study_name(climb: Climb, space: Space, search: Search) -> str:
    """Equal where trials can be compared: the same images, labels, folds, objective and kind of axes.

    Ranges may change from one search to the next; what a choice offers may not, as Optuna has it.
    """
    asked = climb.asked
    networks = [climb.trunk.backbone(name).key for name in asked.backbones]
    dealt = [folds.tolist() for folds in climb.rounds]
    fixed = [asked.depths, asked.scaling, asked.views, asked.to_json()["head"], asked.class_weights]
    fixed += [plain(asked.finetune)] if asked.finetune else []
    objective = ",".join([search.objectives.score, *search.objectives.costs])
    shared = [TRIAL_VERSION, networks, *fixed, objective, space.choices, dealt]
    return f"heads-{fingerprint([climb.dataset.fingerprint, *shared])[:24]}"
