"""The main job: recipe, ladder, model, run folder."""

from regraft.pipeline.audit import audit
from regraft.pipeline.embed import embed
from regraft.pipeline.evaluate import evaluate
from regraft.pipeline.fit import fit
from regraft.pipeline.inventory import clear_cache, describe_backbone, list_backbones, list_cache
from regraft.pipeline.model import Model, Prediction, load
from regraft.pipeline.rank import rank
from regraft.pipeline.ranking.limits import Limits
from regraft.pipeline.recipe import Recipe, read_recipe
from regraft.pipeline.run import Report, Run, read_report
from regraft.pipeline.tune import tune
from regraft.pipeline.tuning.asked import Search

__all__ = [
    "Limits",
    "Model",
    "Prediction",
    "Recipe",
    "Report",
    "Run",
    "Search",
    "audit",
    "clear_cache",
    "describe_backbone",
    "embed",
    "evaluate",
    "fit",
    "list_backbones",
    "list_cache",
    "load",
    "rank",
    "read_recipe",
    "read_report",
    "tune",
]
