import numpy as np
import PIL.Image
import pytest
import timm.data

from regraft.core.errors import RecipeError
from regraft.data import View

SIZES = [(640, 427), (427, 640), (256, 256), (257, 300), (255, 1001), (100, 37), (33, 35), (300, 256), (1, 1)]


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear", "nearest"])
@pytest.mark.parametrize(("image_px", "crop_fraction"), [(224, 0.875), (224, 1.0), (95, 0.9), (48, 0.95)])
def test_pixels_are_exactly_those_of_timm(photo, image_px, crop_fraction, interpolation):
    reference = timm.data.create_transform(
        (3, image_px, image_px), crop_pct=crop_fraction, interpolation=interpolation, normalize=False
    )
    view = View(image_px, crop_fraction, interpolation)
    for size in SIZES:
        image = photo.resize(size)
        expected = np.asarray(reference(image)).transpose(1, 2, 0)
        np.testing.assert_array_equal(view(np.asarray(image)), expected, err_msg=str(size))


def test_no_resize_where_none_is_needed(photo, monkeypatch):
    image = np.asarray(photo.resize((300, 256)))
    monkeypatch.setattr(PIL.Image, "fromarray", None)
    seen = View(224, 0.875)(image)
    np.testing.assert_array_equal(seen, image[16:240, 38:262])
    assert seen.flags.c_contiguous


def test_decoding_keeps_more_than_the_resize_needs():
    view = View(224, 0.875)
    assert view.resize_px == 256
    assert view.decode_px == 384


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 1.0), "image_px is 0"),
        ((224, 0.0), "crop_fraction is 0"),
        ((224, 1.01), "crop_fraction is 1.01"),
        ((224, 1.0, "bicubik"), "Did you mean bicubic"),
    ],
)
def test_senseless_views_are_refused(arguments, message):
    with pytest.raises(RecipeError, match=message):
        View(*arguments)
