"""How much of the features' covariance is that of the class means."""

from regraft.transferability.axes import Axes
from regraft.transferability.score import Measured, Sample, order_free


@order_free
def measure(sample: Sample) -> Measured:
    """tr(cov(f)^-1 cov(E[f | y])), with the covariance shrunken towards a sphere.

    It lies between 0 and k - 1; without shrinkage it is the number of classes told apart along independent
    directions, and no invertible affine map of the features changes it.

    Source: Bao et al. 2019, 10.1109/ICIP.2019.8803726; shrunken as of Ibrahim et al. 2021, 2110.06893, by
        Ledoit & Wolf 2004, 10.1016/S0047-259X(03)00096-4.
    Differs: both covariances divide by n.
    Cost: beside the decomposition, r k multiplications: cov(f) is diagonal in the axes.
    """
    return Measured(h_score(sample.axes, ledoit_wolf(sample.axes)))


def h_score(axes: Axes, shrinkage: float) -> float:
    """The H-score under (1 - shrinkage) cov(f) + shrinkage tr(cov(f)) / d, and a between part to match."""
    sphere = axes.variances.sum() / axes.width
    shrunk = (1 - shrinkage) * axes.variances + shrinkage * sphere
    between = (1 - shrinkage) * (axes.shares @ axes.means**2)
    return float((between / shrunk).sum())


def ledoit_wolf(axes: Axes) -> float:
    """The shrinkage under which a covariance is closest to the true one, estimated from the sample.

    It needs the covariance's eigenvalues and the lengths of the centred rows only.
    """
    count, width, variances = len(axes.labels), axes.width, axes.variances
    squares = float(variances @ variances)
    distance = squares - variances.sum() ** 2 / width
    noise = (float(((axes.coordinates**2).sum(axis=1) ** 2).mean()) - squares) / count
    # A single feature, or a covariance that is a sphere already, is its own target.
    return float(min(max(noise, 0.0), distance) / distance) if distance > 0 else 0.0
