import pytest

from regraft.backbones import Backbone, Card, Stage
from regraft.core.errors import RecipeError
from regraft.pipeline.ranking.limits import Limits, is_permissive

CARD = Card(
    name="lite0",
    architecture="x",
    sha256="0" * 64,
    licence="CC-BY-NC-4.0",
    pretrained_on="nothing",
    image_px=224,
    crop_fraction=1.0,
    interpolation="bicubic",
    mean=(0.0, 0.0, 0.0),
    std=(1.0, 1.0, 1.0),
    stages=(Stage("head", 3, is_map=False),),
    parameters=5_000_000,
    multiply_adds=0,
)
BACKBONE = Backbone(CARD, "openvino", 0.0, lambda images: images, size_bytes=20_000_000)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(), ""),
        (Limits(max_latency_ms=30), ""),
        (Limits(max_latency_ms=10), "25.0 ms for one image, more than 10"),
        (Limits(max_size_mb=19.9), "20.0 MB, more than 19.9"),
        (Limits(max_params=4.5), "5.0 million parameters, more than 4.5"),
        (Limits(licence="permissive"), "the licence of its weights is CC-BY-NC-4.0"),
    ],
)
def test_each_limit_says_what_it_refuses(limits, said):
    assert limits.refuse(BACKBONE, 25.0) == said


def test_all_that_is_broken_is_said():
    said = Limits(max_latency_ms=1, max_params=1, licence="permissive").refuse(BACKBONE, 2.0)
    assert said.count(";") == 2


@pytest.mark.parametrize(
    ("licence", "permissive"),
    [
        ("apache-2.0", True),
        ("MIT", True),
        ("BSD-3-Clause", True),
        ("CC-BY-4.0", True),
        ("cc-by-nc-4.0", False),
        ("CC-BY-NC-SA-4.0", False),
        ("other", False),
        ("DINOv3 License", False),
        ("mit-like, but for research only", False),
        ("not stated", False),
        ("", False),
    ],
)
def test_which_licences_allow_any_use(licence, permissive):
    assert is_permissive(licence) is permissive


@pytest.mark.parametrize("wrong", [{"max_params": 0}, {"max_size_mb": -1}])
def test_limits_that_mean_nothing_are_refused(wrong):
    with pytest.raises(RecipeError, match=next(iter(wrong))):
        Limits(**wrong)
