import pytest

from regraft.data.readers.times import as_number, read_time


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("17", 17.0),
        (" -2.5 ", -2.5),
        ("20240131", 20240131.0),
        ("1970-01-02", 86400.0),
        ("1970-01-01T00:01:00", 60.0),
        ("1970-01-01T01:00:00+01:00", 0.0),
        ("1970-01-01 00:00:01Z", 1.0),
        ("nan", None),
        ("inf", None),
        ("31.01.2024", None),
        ("", None),
    ],
)
def test_times(text: str, time: float | None) -> None:
    assert read_time(text) == time


def test_numbers() -> None:
    assert [as_number(text) for text in ("1e3", "0x1", "1_0", "-inf")] == [1000.0, None, 10.0, None]
