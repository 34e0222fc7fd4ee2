"""Whether a whole picture is another, as it is, mirrored or turned by quarters: no points are needed."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from regraft.core.arrays import Array
from regraft.data.copies.keypoints import Keypoints, Matrix, Overlay, lay_over
from regraft.data.copies.thumbnails import Thumbnails, standardised

ALMOST_ALIKE = 0.7
"""Correlation of thumbnails laid the best of eight ways, from which the pictures themselves are compared."""

WHOLE_SHADE, WHOLE_DETAIL, WHOLE_AGREEING_FRACTION = 0.97, 0.85, 0.6
"""What a picture laid whole on another has to reach. Stricter than for a map found from points, which is
evidence itself: two portraits, or two handwritten ones, agree that well by chance."""

SURE_SHADE, SURE_DETAIL, SURE_AGREEING_FRACTION = 0.99, 0.97, 0.4
"""Who agrees that well may do so in fewer places, since smooth pictures have structure in few. Of 9,958
photographs, drawings, signs, cells and digits no two that differ do (2026-11-23). In fewer places still, a
straight edge through nothing agrees with any other."""

FIRST_MIRRORED_WAY = 4

Ways = Int[Array, " p"]


def best_ways(thumbnails: Thumbnails, pairs: Sequence[tuple[int, int]]) -> tuple[Ways, Float[Array, " p"]]:
    """For each pair the best of the eight `quarter_turns` of its first, and the correlation that it has."""
    first, second = np.array(pairs).T
    ones, others = standardised(thumbnails[first]), standardised(thumbnails[second])
    sides = (ones, ones[:, :, ::-1])
    turned = [np.rot90(side, turns, axes=(1, 2)) for side in sides for turns in range(4)]
    likeness = np.stack([(way * others).mean((1, 2)) for way in turned])
    return likeness.argmax(0), likeness.max(0)


def laid_whole(one: Keypoints, other: Keypoints, *, way: int) -> Overlay | None:
    """The first laid on the second in one of the eight ways, if they agree."""
    matrix = quarter_matrix(one.grey.shape, other.grey.shape, way=way)
    overlay = lay_over(one.grey, other.grey, matrix)
    return overlay if overlay and _is_one(overlay) else None


def _is_one(overlay: Overlay) -> bool:
    is_sure = overlay.shade >= SURE_SHADE and overlay.detail >= SURE_DETAIL
    agrees = overlay.shade >= WHOLE_SHADE and overlay.detail >= WHOLE_DETAIL
    fewest = SURE_AGREEING_FRACTION if is_sure else WHOLE_AGREEING_FRACTION
    return agrees and overlay.agreeing_fraction >= fewest


def quarter_matrix(shape: Sequence[int], onto: Sequence[int], *, way: int) -> Matrix:
    """The map of the whole of one picture onto the whole of another, in the way of `quarter_turns`."""
    height, width = shape
    to_unit = np.array([[1 / width, 0, 0.5 / width], [0, 1 / height, 0.5 / height], [0, 0, 1]])
    mirror = np.array([[-1, 0, 1], [0, 1, 0], [0, 0, 1]]) if way >= FIRST_MIRRORED_WAY else np.eye(3)
    quarter = np.array([[0, 1, 0], [-1, 0, 1], [0, 0, 1]])
    turn = np.linalg.matrix_power(quarter, way % FIRST_MIRRORED_WAY)
    from_unit = np.array([[onto[1], 0, -0.5], [0, onto[0], -0.5], [0, 0, 1]])
    return np.asarray((from_unit @ turn @ mirror @ to_unit)[:2])
