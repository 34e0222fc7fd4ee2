import numpy as np
import pytest

from regraft.data.copies.order import last_uses, ordered


def most_at_once(pairs: list[tuple[int, int]], *, count: int) -> int:
    """How many pictures have been met and will be met again, at most."""
    last, met, most = last_uses(pairs, count=count), set(), 0
    for place, pair in enumerate(pairs):
        met |= set(pair)
        most = max(most, len(met))
        met -= {one for one in pair if last[one] == place}
    return most


def test_neighbours_on_a_line_come_one_after_the_other() -> None:
    random = np.random.default_rng(0)
    names = random.permutation(400)
    line = [(int(names[i]), int(names[i + step])) for step in (1, 2, 3) for i in range(400 - step)]
    random.shuffle(line)
    line = [(int(a), int(b)) for a, b in line]
    found = ordered(line, count=400)
    assert sorted(found) == sorted(line)
    assert most_at_once(found, count=400) < 40 < 300 < most_at_once(line, count=400)


@pytest.mark.parametrize("pairs", [[], [(0, 1)], [(0, 1), (2, 3), (4, 5)]])
def test_few_pairs_all_come(pairs: list[tuple[int, int]]) -> None:
    assert sorted(ordered(pairs, count=7)) == pairs


def test_the_order_is_always_the_same() -> None:
    random = np.random.default_rng(0)
    pairs = [(int(a), int(b)) for a, b in np.sort(random.integers(0, 50, (200, 2)), axis=1) if a < b]
    assert ordered(pairs, count=50) == ordered(pairs, count=50)


def test_last_uses() -> None:
    assert last_uses([(0, 2), (2, 3), (0, 3)], count=5).tolist() == [2, -1, 1, 2, -1]
    assert last_uses([], count=2).tolist() == [-1, -1]
