"""What a quantisation is fitted to, and what it cannot be fitted to."""

import logging

import numpy as np
import openvino
import pytest
from openvino import opset8 as op

from regraft.backbones.calibration_images import MADE_EVERY, calibration_images
from regraft.backbones.quantise import quantise
from regraft.core.errors import BackboneError


def test_pictures_are_the_same_every_time_and_other_ones_for_another_purpose() -> None:
    first, second = calibration_images(9, 48), calibration_images(9, 48)
    assert (first.shape, first.dtype) == ((9, 48, 48, 3), np.uint8)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(calibration_images(5, 48), first[:5])
    others = calibration_images(9, 48, purpose="check")
    assert not any((one == other).all() for one in first for other in others)


def test_pictures_are_neither_alike_nor_all_of_a_kind() -> None:
    pictures = calibration_images(32, 48).astype(float)
    means = pictures.mean((1, 2))
    assert means.std(0).min() > 20  # light and colour vary from one to another
    assert np.ptp(pictures) > 250
    neighbours = np.abs(np.diff(pictures, axis=2)).mean((1, 2, 3))
    drawn = np.arange(32) % MADE_EVERY == 0
    assert neighbours[~drawn].max() > 4 * neighbours[~drawn].min()  # from close by and from far


def test_asking_for_pictures_leaves_other_random_numbers_alone() -> None:
    np.random.seed(3)
    expected = np.random.random()
    np.random.seed(3)
    calibration_images(2, 32)
    assert np.random.random() == expected


def test_a_network_that_cannot_be_quantised_is_explained(capfd: pytest.CaptureFixture[str]) -> None:
    images = op.parameter([-1, 8, 8, 4], np.uint8)  # four channels: pictures do not fit
    rows = op.reduce_mean(op.convert(images, np.float32), np.array([1, 2]))
    weights = op.constant(np.ones((4, 2), np.float32))
    network = openvino.Model([op.matmul(rows, weights, False, False).output(0)], [images])
    before = logging.root.manager.disable
    with pytest.raises(BackboneError, match=r"cannot be quantised .*Leave ':int8' away"):
        quantise(network, 8)
    assert logging.root.manager.disable == before
    assert capfd.readouterr().out == ""
