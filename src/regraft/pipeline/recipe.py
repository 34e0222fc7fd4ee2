"""Everything that decides a result, in one frozen tree that goes to JSON and back."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from regraft.backbones.runtimes import RuntimeChoice
from regraft.core.errors import RecipeError, did_you_mean
from regraft.core.files import read_json
from regraft.core.hashing import plain
from regraft.core.settings import Knob, check, from_plain
from regraft.features import Depths, Representation, Scaling, Views
from regraft.heads import HEADS, Blend, HeadSettings, Part
from regraft.training import Finetune

Head = HeadSettings

Runtime = RuntimeChoice
ClassWeights = Literal["none", "balanced"]
Together = Literal["auto", "given"]
TestBy = Literal["lot", "time"]
CHOICES = {
    "depths": get_args(Depths),
    "scaling": get_args(Scaling),
    "views": get_args(Views),
    "class_weights": get_args(ClassWeights),
    "together": get_args(Together),
    "test_by": get_args(TestBy),
    "runtime": get_args(Runtime),
}


@dataclass(frozen=True)
class Recipe:
    """What was asked for, or what was chosen. `None` leaves a choice to the ladder.

    A recipe in which `depths`, `scaling` and `head` are set is fitted as it is, without a search; the recipe
    that `fit` reports as chosen is of that kind, so that a result can be had again from it.
    """

    backbones: Annotated[
        tuple[str, ...],
        Knob("pretrained networks, most wanted first; with nothing left to choose, all are used"),
    ] = ("lite0", "lite2", "lite1")
    depths: Annotated[Depths | None, Knob("last stage; all stages; all stages also on a 2 x 2 grid")] = None
    scaling: Annotated[Scaling | None, Knob("equal variance for every depth, every feature, or as is")] = None
    head: Annotated[Head | None, Knob("the classifier on top of the features")] = None
    class_weights: Annotated[ClassWeights, Knob("balanced: every class counts the same, however rare")] = (
        "none"
    )
    test_fraction: Annotated[
        float, Knob("share of the images kept sealed for the test", low=0.01, high=0.9)
    ] = 0.2
    folds: Annotated[int, Knob("parts of the cross-validation", low=2, high=50)] = 5
    seed: Annotated[int, Knob("of the split and of everything else that is drawn", low=0)] = 0
    runtime: Annotated[Runtime, Knob("what runs the networks")] = "auto"
    test_by: Annotated[TestBy, Knob("test images drawn by lot, or the latest ones of the time column")] = (
        "lot"
    )
    together: Annotated[
        Together,
        Knob(
            "what no split tears apart; auto: also near copies, and groups in file names; given: groups alone"
        ),
    ] = "auto"
    views: Annotated[
        Views, Knob("learn from plain images alone, or also mirrored, or more closely cropped, or both")
    ] = "plain"
    fix_leaks: Annotated[bool, Knob("take out of a given train part what has a copy in val or test")] = False
    finetune: Finetune | None = None
    """Trains the last stages of the network, from the solution of the head; None: it stays as it came."""

    def __post_init__(self) -> None:
        check(self)
        # The types are checked here as well: from Python, a name that means nothing would be used as it is.
        values = vars(self)
        for name, known in CHOICES.items():
            if values[name] is not None and values[name] not in known:
                raise RecipeError(
                    f"Recipe.{name} is {values[name]!r}. {did_you_mean(str(values[name]), known)}"
                )
        if not isinstance(values["head"], Head | None):
            raise RecipeError(f"Recipe.head must be settings such as Ridge(), not {self.head!r}.")
        if not isinstance(values["finetune"], Finetune | None):
            raise RecipeError(f"Recipe.finetune must be settings such as Finetune(), not {self.finetune!r}.")
        if self.finetune and not self.finetune.stages:
            raise RecipeError(
                "Recipe.finetune.stages is 0: leave `finetune` out, or train one stage or more."
            )
        if self.finetune and (len(self.backbones) > 1 or self.views != "plain"):
            raise RecipeError(
                f"Fine-tuning takes one network, as in --backbones {self.backbones[0]}, and plain views; the "
                f"recipe has {list(self.backbones)} and {self.views!r}."
            )
        if not isinstance(values["backbones"], tuple):
            raise RecipeError(f"Recipe.backbones must be a tuple of names, not {self.backbones!r}.")
        if not self.backbones or len(set(self.backbones)) != len(self.backbones):
            raise RecipeError(f"backbones must be one or more different names, not {list(self.backbones)}.")

    @property
    def is_complete(self) -> bool:
        """Whether there is nothing left to choose."""
        return None not in (self.depths, self.scaling, self.head)

    @property
    def representation(self) -> Representation:
        """How this recipe describes an image.

        Raises:
            RecipeError: the depths or the scaling are still open.
        """
        if self.depths is None or self.scaling is None:
            raise RecipeError("The recipe leaves depths or scaling open; set both, or let `fit` choose.")
        return Representation(self.backbones, self.depths, self.scaling)

    def to_json(self) -> dict[str, Any]:
        """A JSON object; the head carries its kind."""
        return {**plain(self), "head": None if self.head is None else _head_to_json(self.head)}

    @classmethod
    def from_json(cls, value: Any) -> "Recipe":
        """The recipe that `to_json` wrote.

        Raises:
            RecipeError: an unknown setting (close matches are named) or a value of the wrong type or range.
        """
        if not isinstance(value, dict):
            raise RecipeError(f"A recipe is a JSON object of settings, not {value!r}.")
        head = value.get("head")
        rest = from_plain(cls, {name: item for name, item in value.items() if name != "head"}, "recipe")
        return rest if head is None else replace(rest, head=_head_from_json(head, "recipe.head"))


BLEND = "blend"
"""Not to be asked for by its name alone: a search makes it of what it has tried."""


def _head_to_json(head: Any) -> dict[str, Any]:
    if isinstance(head, Blend):
        return {
            "kind": BLEND,
            "parts": [plain(part) | {"head": _head_to_json(part.head)} for part in head.parts],
        }
    return {"kind": kind_of(head), **plain(head)}


def _head_from_json(head: Any, where: str) -> Head:
    given = {"kind": head} if isinstance(head, str) else head
    if not isinstance(given, dict):
        raise RecipeError(f"{where} must be a name or an object of settings, not {head!r}.")
    kind, settings = given.get("kind"), {name: item for name, item in given.items() if name != "kind"}
    if kind == BLEND:
        return _blend_from_json(settings.get("parts"), where)
    if not isinstance(kind, str) or kind not in HEADS:
        raise RecipeError(f"There is no head {kind!r}. {did_you_mean(str(kind), HEADS)}")
    return from_plain(HEADS[kind], settings, f"{where} ({kind})")


def _blend_from_json(parts: Any, where: str) -> Blend:
    if not isinstance(parts, (list, tuple)) or not all(isinstance(part, dict) for part in parts):
        raise RecipeError(f"{where} ({BLEND}).parts must be a list of objects, as a search wrote them.")
    found = list[Part]()
    for number, part in enumerate(parts):
        at = f"{where} ({BLEND}).parts[{number}]"
        found.append(from_plain(Part, part | {"head": _head_from_json(part.get("head"), f"{at}.head")}, at))
    return Blend(tuple(found))


def read_recipe(file: Path) -> Recipe:
    """Read a recipe from a JSON file, such as the `recipe.json` of a run.

    Raises:
        ArtifactError: the file is missing or not JSON.
        RecipeError: it is no recipe.
    """
    try:
        return Recipe.from_json(read_json(file))
    except RecipeError as error:
        raise RecipeError(f"{file} is no recipe: {error}") from error


def kind_of(head: object) -> str:
    """The name by which a recipe knows a head."""
    return next(kind for kind, settings in {**HEADS, BLEND: Blend}.items() if type(head) is settings)


def head_of(recipe: Recipe) -> Head:
    """The head of a recipe that names one, as a trial does."""
    assert recipe.head is not None, "a trial names its head"
    return recipe.head
