from dataclasses import replace
from pathlib import Path

import pytest

from regraft.core.errors import ArtifactError, BackboneError, DataError, RecipeError
from regraft.core.files import write_json
from regraft.data import Dataset, Example
from regraft.heads import Blend, KernelRidge, Lda, Part, Perceptron, Ridge, TrainedLinear
from regraft.pipeline import Recipe
from regraft.pipeline.tuning.asked import Search
from regraft.pipeline.tuning.plan import KINDS, first_points, next_points, recipe_of, space_for
from regraft.search import Choice, Range, Trial

ASKED = Recipe(("lite0",))


def dataset(count: int = 40, *, several: bool = False) -> Dataset:
    examples = tuple(
        Example(
            Path(f"/x/{i}.png"),
            -1 if several else i % 2,
            f"{i:064x}",
            labels=(i % 2, 1) if several and i % 2 == 0 else (),
        )
        for i in range(count)
    )
    return Dataset(Path("/x"), ("a", "b"), examples, is_multilabel=several)


def test_by_default_heads_depths_and_scaling_are_searched() -> None:
    space = space_for(ASKED, Search(), dataset())
    assert space.kinds == KINDS
    assert list(space.axes)[:3] == ["depths", "scaling", "head.kind"]
    assert space.axes["depths"] == Choice(("last", "all", "grid"))


def test_points_are_recipes() -> None:
    space = space_for(ASKED, Search(("head.kind=perceptron,ridge",)), dataset())
    perceptron, ridge = (recipe_of(ASKED, space, values) for values in space.rules_of_thumb())
    assert ridge == Recipe(("lite0",), "last", "depth", Ridge())
    assert perceptron.head == Perceptron()
    assert recipe_of(ASKED, space, {"backbones": "lite0+lite2", "head.kind": "ridge"}).backbones == (
        "lite0",
        "lite2",
    )


def test_what_the_recipe_says_of_its_head_holds_where_it_is_no_axis() -> None:
    asked = replace(ASKED, head=TrainedLinear(epochs=7, augmentation="mixup", learning_rate=0.5))
    space = space_for(asked, Search(), dataset())
    (values,) = space.rules_of_thumb()
    assert "head.trained_linear.epochs" not in space.axes
    head = recipe_of(asked, space, values).head
    assert isinstance(head, TrainedLinear)
    assert (head.epochs, head.augmentation) == (7, "mixup")
    assert head.learning_rate == values["head.trained_linear.learning_rate"]


def test_a_blend_is_not_searched_and_the_error_says_what_to_do() -> None:
    part = Part(Ridge(1.0), 1.0, 1.0, ((0, 4),), "none")
    with pytest.raises(RecipeError, match="Take head, depths and scaling out of the recipe"):
        space_for(replace(ASKED, head=Blend((part,))), Search(), dataset())


def test_what_somebody_gave_a_range_is_not_left_to_the_head() -> None:
    kinds = "head.kind=ridge,logistic"
    space = space_for(ASKED, Search(("head.penalty=10..1000:log", kinds)), dataset())
    asked = [space.axes[name].contains(v) for t in space.rules_of_thumb() for name, v in t.items()]
    assert all(asked)
    free = space_for(ASKED, Search((kinds,)), dataset())
    (ridge, _) = free.rules_of_thumb()
    assert ridge["head.ridge.penalty"] is None
    assert free.contains(ridge)
    assert not space.contains(ridge)


def test_the_recipe_settles_what_it_names() -> None:
    recipe = Recipe(("lite0",), "all", None, Lda())
    space = space_for(recipe, Search(), dataset())
    assert list(space.axes) == ["scaling", "head.kind", "head.lda.shrinkage"]
    assert recipe_of(recipe, space, space.rules_of_thumb()[0]).depths == "all"


def test_a_search_begins_with_the_quickest_kind_on_all_features() -> None:
    points = first_points(space_for(ASKED, Search(), dataset()))
    # A discriminant takes next to nothing where ridge was just before.
    assert [(each["depths"], each["scaling"], each["head.kind"]) for each in points] == [
        ("all", "depth", "ridge"),
        ("grid", "depth", "ridge"),
        ("all", "depth", "lda"),
        ("grid", "depth", "lda"),
        ("all", "feature", "ridge"),
        ("grid", "feature", "ridge"),
        ("last", "depth", "ridge"),
    ]
    assert KINDS[0] == "ridge"
    asked_for_ridge = first_points(space_for(ASKED, Search({"head.kind": ["ridge"]}), dataset()))
    assert asked_for_ridge == [each for each in points if each["head.kind"] == "ridge"]
    settled = space_for(Recipe(("lite0",), "all", "depth"), Search(), dataset())
    (discriminant,) = (thumb for thumb in settled.rules_of_thumb() if thumb["head.kind"] == "lda")
    begun = [settled.rules_of_thumb()[0], {**discriminant, "head.lda.shrinkage": 0.1}]
    assert first_points(settled) == begun
    changes = {"depths": "grid,all", "scaling": ["none"], "head.kind": ["ridge", "logistic"]}
    asked = space_for(ASKED, Search(changes), dataset())
    assert [(each["depths"], each["scaling"]) for each in first_points(asked)] == [
        ("all", "none"),
        ("grid", "none"),
    ]


def test_other_kinds_follow_on_the_best_of_these_features() -> None:
    space = space_for(ASKED, Search(), dataset())
    first = first_points(space)
    best = [(values["depths"], values["scaling"]) == ("all", "feature") for values in first]
    trials = [
        Trial(number, values, "complete", 0.2 if best[number] else 0.3) for number, values in enumerate(first)
    ]
    assert next_points(space, first, trials[1:]) == []
    running = replace(trials[0], state="running", value=None)
    assert next_points(space, first, [running, *trials[1:]]) == []
    points = next_points(space, first, trials)
    # Of discriminants, which cost little once one is there, some with other shrinkages.
    assert [*dict.fromkeys(each["head.kind"] for each in points[:5])] == [*KINDS[1:]]
    discriminants = [each["head.lda.shrinkage"] for each in points[:5] if each["head.kind"] == "lda"]
    assert discriminants == [None, 0.1, 0.5]
    assert {(each["depths"], each["scaling"]) for each in points[:5]} == {("all", "feature")}
    assert {each["scaling"] for each in points[5:]} == {"depth", "feature", "none"}
    narrowed = space_for(ASKED, Search(("head.lda.shrinkage=0.6..0.9",)), dataset())
    first = first_points(narrowed)
    trials = [Trial(number, values, "complete", 0.3) for number, values in enumerate(first)]
    asked = [each for each in next_points(narrowed, first, trials) if each["head.kind"] == "lda"]
    assert len(asked) == 1
    first = first_points(space)
    failed = [Trial(number, values, "failed") for number, values in enumerate(first)]
    assert next_points(space, first, failed) == []
    # Of a grid, for instance, nothing was asked for first.
    assert next_points(space, [], trials) == []


def test_a_space_from_files_objects_and_text(tmp_path: Path) -> None:
    write_json(tmp_path / "space.json", {"head.kind": ["ridge"], "head.penalty": {"low": 1, "high": 2}})
    from_file = Search((str(tmp_path / "space.json"), "head.penalty=1..4"))
    assert from_file.changes == {"head.kind": Choice(("ridge",)), "head.penalty": Range(1, 4)}
    assert Search({"head.penalty": "1..4"}).changes == {"head.penalty": Range(1, 4)}
    with pytest.raises(ArtifactError, match="Cannot read"):
        _ = Search((str(tmp_path / "none.json"),)).changes


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"trials": 0}, "at least 1"),
        ({"space": ("head.kind=rigde",)}, "Did you mean ridge"),
        ({"space": ("depths=als",)}, "Did you mean all"),
        ({"space": ("views=plain,mirored",)}, "Did you mean mirrored"),
        ({"space": {"views": ["bth"]}}, "Did you mean both"),
        ({"space": ("view=plain,both",)}, "Did you mean views"),
        ({"space": ("views=0..1",)}, "views has no value"),
        ({"space": ("backbones=lite1,lite0+lite0",)}, "different names"),
        ({"space": ("head.penalty=1..1",)}, r"head\.penalty: The range 1\.\.1 is empty"),
        ({"space": ("head.penalty=1e-9..1",)}, "at least"),
        ({"objective": "accurcy"}, "Did you mean accuracy"),
        ({"objective": "loss,latncy"}, "Did you mean latency"),
        ({"objective": "loss,size", "sampler": "cmaes"}, "one objective only"),
        ({"objective": "loss,size", "pruner": "asha"}, "Leave --pruner out"),
        ({"max_size_mb": 5.0}, "Write --objective loss,size"),
        ({"objective": "loss,size", "max_size_mb": -1.0}, "more than 0"),
    ],
)
def test_what_makes_no_sense_is_said(settings: dict, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        space_for(ASKED, Search(**settings), dataset())


@pytest.mark.parametrize("name", ["lite9", "lite0+lite9", "lite0+", "lite0:96xp"])
def test_a_network_that_is_unknown_is_said_before_any_trial(name: str) -> None:
    with pytest.raises(BackboneError, match="There is no backbone"):
        space_for(ASKED, Search((f"backbones=lite0,{name}",)), dataset())


def test_of_several_labels_only_heads_that_learn_them_are_searched() -> None:
    assert space_for(ASKED, Search(), dataset(several=True)).kinds == ("ridge", "logistic")
    with pytest.raises(RecipeError, match="Take ridge or logistic"):
        space_for(ASKED, Search(("head.kind=lda",)), dataset(several=True))
    with pytest.raises(RecipeError, match="one right answer"):
        space_for(ASKED, Search(objective="accuracy"), dataset(several=True))


def test_a_head_that_compares_all_with_all_is_left_out_of_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KernelRidge, "most_examples", 20)
    assert "kernel_ridge" not in space_for(ASKED, Search(), dataset()).kinds
    with pytest.raises(DataError, match="at most 20"):
        space_for(ASKED, Search(("head.kind=kernel_ridge",)), dataset())


def test_views_are_searched_only_on_request(tmp_path: Path) -> None:
    fixed = replace(ASKED, views="mirrored")
    space = space_for(fixed, Search(), dataset())
    assert "views" not in space.axes
    assert {recipe_of(fixed, space, values).views for values in first_points(space)} == {"mirrored"}
    write_json(tmp_path / "space.json", {"views": ["plain", "both"]})
    for asked in ("views=plain,both", str(tmp_path / "space.json")):
        space = space_for(fixed, Search((asked,)), dataset())
        assert list(space.axes)[:4] == ["depths", "scaling", "views", "head.kind"]
        assert space.axes["views"] == Choice(("plain", "both"))
        point = space.rules_of_thumb()[0]
        assert point["views"] == "plain"
        assert recipe_of(fixed, space, {**point, "views": "both"}).views == "both"


def test_what_the_recipe_settles_is_searched_where_the_space_names_it() -> None:
    space = space_for(replace(ASKED, depths="last"), Search(("depths=all,grid",)), dataset())
    assert space.axes["depths"] == Choice(("all", "grid"))
    with pytest.raises(RecipeError, match="Did you mean all"):
        space_for(replace(ASKED, depths="last"), Search(("depths=last,al",)), dataset())


def test_who_asks_for_a_setting_means_the_heads_that_have_it() -> None:
    space = space_for(ASKED, Search(("head.lr=1e-4..1e-1:log", "head.optimizer=sgd,adamw")), dataset())
    assert space.kinds == (*KINDS, "trained_linear")
    assert space.axes["head.trained_linear.learning_rate"] == Range(1e-4, 1e-1, log=True)
    assert space_for(ASKED, Search(("head.penalty=0.1,1",)), dataset()).kinds == KINDS
    with pytest.raises(RecipeError, match=r"Add head\.kind=trained_linear"):
        space_for(replace(ASKED, head=Ridge()), Search(("head.optimizer=sgd,adamw",)), dataset())
