"""regraft: graft a pretrained vision network onto your own image classes.

    import regraft

    data = regraft.read_folder("photos/")
    run = regraft.fit(data, budget="10m")
    run.model.predict(["new.jpg"])
    run.report.save("report.html")
    model = regraft.load(run.folder)

Everything here is imported when it is first used, so that `import regraft` is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regraft.core.errors import (
        ArtifactError,
        BackboneError,
        DataError,
        RecipeError,
        RegraftError,
        TrainingError,
    )
    from regraft.data import Dataset, from_images, read, read_folder, read_table
    from regraft.features import FeatureStore
    from regraft.pipeline import (
        Limits,
        Model,
        Prediction,
        Recipe,
        Report,
        Run,
        Search,
        audit,
        embed,
        evaluate,
        fit,
        load,
        rank,
        read_recipe,
        read_report,
        tune,
    )

_HOMES = {
    "regraft.core.errors": (
        "ArtifactError",
        "BackboneError",
        "DataError",
        "RecipeError",
        "RegraftError",
        "TrainingError",
    ),
    "regraft.data": ("Dataset", "from_images", "read", "read_folder", "read_table"),
    "regraft.features": ("FeatureStore",),
    "regraft.pipeline": (
        "Limits",
        "Model",
        "Prediction",
        "Recipe",
        "Report",
        "Run",
        "Search",
        "audit",
        "embed",
        "evaluate",
        "fit",
        "load",
        "rank",
        "read_recipe",
        "read_report",
        "tune",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [  # noqa: RUF022 - in the order in which a user meets them
    "read",
    "read_folder",
    "read_table",
    "from_images",
    "audit",
    "rank",
    "fit",
    "tune",
    "evaluate",
    "embed",
    "load",
    "read_recipe",
    "read_report",
    "Dataset",
    "FeatureStore",
    "Limits",
    "Model",
    "Prediction",
    "Recipe",
    "Report",
    "Run",
    "Search",
    "RegraftError",
    "DataError",
    "BackboneError",
    "RecipeError",
    "TrainingError",
    "ArtifactError",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"regraft has no {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
