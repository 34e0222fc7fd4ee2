"""Whether two pictures show the same thing from the same spot: turned, mirrored, cut, scaled or shifted.

Points that stand out are found in both and paired by how their surroundings look. If one affine map carries
many of them onto their partners, the first picture is laid on the second by it, and what they share has to
be the same, in its light and shade and in its detail. Points alone would not do: repeated texture matches
itself all over.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from regraft.core.arrays import Array, Image

SIDE_PX = 160
MOST_POINTS = 120
LEAST_CONTRAST = 0.01
DISTINCT = 0.75**2
REPROJECTION_PX = 3.0
FEWEST_INLIERS = 6
FEWEST_PX = 24
SCALES = (0.4, 2.5)
LEAST_SHARED_FRACTION = 0.2
SAME_SHADE, SAME_DETAIL = 0.9, 0.75
LEAST_AGREEING_FRACTION = 0.85
"""Two white discs on black agree along their rims, and nowhere else. Where shade and detail agreed, cut or
turned copies had 0.93 and more (n = 144 pairs, 2026-11-23), half of the frames of a traffic sign's track less
than 0.69 (n = 59), and so had half of the pairs of different signs (n = 60)."""

AGREEING = 0.5
AROUND_PX = 4.0
BLUR_PX, DETAIL_PX = 1.5, 4.0
DARK = 8.0
RIM_PX = 5
WHOLLY_COVERED = 0.99

Grey = UInt8[Array, "_ _"]
Detail = Float[Array, "_ _"]
Points = Float[Array, "p 2"]
Descriptors = UInt8[Array, "p 128"]
Matrix = Float[Array, "2 3"]

# In OpenCV's order of [4 rows, 4 columns, 8 directions] a mirrored surrounding has its rows reversed and its
# directions running the other way round.
_MIRRORED = np.arange(128).reshape(4, 4, 8)[::-1][:, :, (-np.arange(8)) % 8].reshape(-1)


@dataclass(frozen=True, slots=True)
class Keypoints:
    """A picture in grey, its points as x and y, and their descriptors: some 40 kB."""

    grey: Grey
    points: Points
    descriptors: Descriptors


@dataclass(frozen=True, slots=True)
class Overlay:
    """How one picture lies on another.

    Args:
        matrix: from x and y of the first to those of the second.
        shade: correlation of what they share, slightly blurred.
        detail: correlation of its fine structure alone.
        agreeing_fraction: the part of it in which the fine structure around every pixel correlates.
        shared_fraction: how much they share of the one that shares less.
    """

    matrix: Matrix
    shade: float
    detail: float
    agreeing_fraction: float
    shared_fraction: float


def find_keypoints(image: Image) -> Keypoints:
    """The most prominent points of an image, of which the longer side becomes 160 pixels.

    An image of fewer than 24 pixels gets none: enlarged, handwritten digits of 8 by 8 match one another.

    Source: SIFT, Lowe 2004, 10.1023/B:VISI.0000029664.99615.94, in OpenCV's implementation.
    """
    grey = _to_grey(image)
    if min(image.shape[:2]) < FEWEST_PX:
        return Keypoints(grey, np.zeros((0, 2), np.float32), np.zeros((0, 128), np.uint8))
    detector = _cv2().SIFT_create(nfeatures=MOST_POINTS, contrastThreshold=LEAST_CONTRAST)
    found, descriptors = detector.detectAndCompute(grey, None)
    points = np.array([point.pt for point in found], np.float32).reshape(-1, 2)
    # OpenCV hands out whole numbers below 256 as floats.
    rows = np.zeros((0, 128)) if descriptors is None else descriptors
    return Keypoints(grey, points, np.asarray(rows, np.uint8))


def same_picture(one: Keypoints, other: Keypoints) -> Overlay | None:
    """How the first lies on the second where points say that both are one picture, or None."""
    first, second = _unit(one.descriptors), _unit(other.descriptors)
    for descriptors in (first, first[:, _MIRRORED]):
        matrix = _agreed(one.points, other.points, likeness=descriptors @ second.T)
        overlay = None if matrix is None else lay_over(one.grey, other.grey, matrix)
        if overlay and _is_same(overlay):
            return overlay
    return None


def _is_same(overlay: Overlay) -> bool:
    agrees = overlay.shade >= SAME_SHADE and overlay.detail >= SAME_DETAIL
    return agrees and overlay.agreeing_fraction >= LEAST_AGREEING_FRACTION


def lay_over(one: Grey, other: Grey, matrix: Matrix) -> Overlay | None:
    """Compare what two pictures share when the first is laid on the second; None if that is too little.

    Where either is nearly black nothing is compared: turned pictures have such corners.
    """
    scales = np.linalg.svd(matrix[:, :2], compute_uv=False)
    if not SCALES[0] <= scales[1] <= scales[0] <= SCALES[1]:
        return None
    cv2 = _cv2()
    size = other.shape[::-1]
    laid = cv2.warpAffine(np.float32(one), matrix, size, borderMode=cv2.BORDER_REPLICATE)
    shared = cv2.warpAffine(np.ones(one.shape, np.float32), matrix, size) > WHOLLY_COVERED
    covered = float(shared.sum())
    share = covered / max(other.size, one.size * abs(float(np.linalg.det(matrix[:, :2]))))
    shared &= (laid > DARK) & (other > DARK)
    if shared.mean() < LEAST_SHARED_FRACTION:
        return None
    # Away from the rim, which blurring mixes with what is not shared.
    inside = cv2.erode(shared.astype(np.uint8), np.ones((RIM_PX, RIM_PX), np.uint8)) > 0
    smooth = [cv2.GaussianBlur(picture, (0, 0), BLUR_PX) for picture in (laid, np.float32(other))]
    detail = [picture - cv2.GaussianBlur(picture, (0, 0), DETAIL_PX) for picture in smooth]
    shade, fine = (_correlation(first, second, inside) for first, second in (smooth, detail))
    return Overlay(matrix, shade, fine, _agreeing_fraction(detail[0], detail[1], inside), share)


def _to_grey(image: Image) -> Grey:
    cv2 = _cv2()
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    factor = SIDE_PX / max(grey.shape)
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    size = (max(1, round(grey.shape[1] * factor)), max(1, round(grey.shape[0] * factor)))
    return np.asarray(cv2.resize(grey, size, interpolation=method), np.uint8)


def _unit(descriptors: Descriptors) -> Float[Array, "p 128"]:
    rows = np.float32(descriptors)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), np.float32)


def _agreed(points: Points, others: Float[Array, "q 2"], *, likeness: Float[Array, "p q"]) -> Matrix | None:
    """The affine map that the paired points agree on, if many do; `likeness` is used up."""
    if min(likeness.shape) < FEWEST_INLIERS:
        return None
    partner = likeness.argmax(axis=1)
    everyone = np.arange(len(partner))
    is_mutual = likeness.argmax(axis=0)[partner] == everyone
    nearest = 2 - 2 * likeness[everyone, partner]
    likeness[everyone, partner] = -np.inf
    paired = is_mutual & (nearest < DISTINCT * (2 - 2 * likeness.max(axis=1)))
    if np.count_nonzero(paired) < FEWEST_INLIERS:
        return None
    cv2 = _cv2()
    cv2.setRNGSeed(0)
    ends = points[paired], others[partner[paired]]
    matrix, inliers = cv2.estimateAffine2D(*ends, ransacReprojThreshold=REPROJECTION_PX, maxIters=500)
    return matrix if matrix is not None and inliers.sum() >= FEWEST_INLIERS else None


def _agreeing_fraction(one: Detail, other: Detail, where: Array) -> float:
    """Of the pixels asked for, how many have surroundings that correlate."""
    cv2 = _cv2()
    both, first, second = (
        cv2.GaussianBlur(product, (0, 0), AROUND_PX) for product in (one * other, one * one, other * other)
    )
    local = both[where] / np.sqrt(first[where] * second[where] + 1e-6)
    return float((local > AGREEING).mean()) if local.size else 0.0


def _correlation(one: Detail, other: Detail, where: Array) -> float:
    if not where.any():
        return 0.0
    a, b = (picture[where] - picture[where].mean() for picture in (one, other))
    return float(a @ b / max(float(np.sqrt((a @ a) * (b @ b))), 1e-12))


@cache
def _cv2() -> Any:
    import cv2

    cv2.setNumThreads(1)  # Pictures are dealt to threads of our own.
    return cv2
