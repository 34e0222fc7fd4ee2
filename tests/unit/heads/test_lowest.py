"""Which loss of a valley is the lowest, without looking at all of them."""

import numpy as np
import pytest

from regraft.heads.selection import lowest


@pytest.mark.parametrize("count", [1, 2, 5, 6, 7, 13, 25])
def test_every_place_is_found(count):
    for place in range(count):
        losses = np.abs(np.arange(count) - place) * np.where(np.arange(count) < place, 3.0, 0.1)
        looked_at = []

        def losses_of(asked, losses=losses, looked_at=looked_at):
            looked_at.extend(asked)
            return losses[asked]

        assert lowest(count, losses_of) == place
        assert len(looked_at) == len(set(looked_at)) <= -(-count // 6) + 6


def test_of_equal_losses_the_first():
    assert lowest(25, lambda asked: [0.0] * len(asked)) == 0
    assert lowest(13, lambda asked: [float(at < 6) for at in asked]) == 6
