import json

from regraft.core.cores import usable_cores
from regraft.pipeline.machine import machine, memory_bytes, versions


def test_a_report_can_say_what_it_was_measured_on() -> None:
    found = machine()
    assert set(found) == {"cpu", "cores", "memory_gb", "system"}
    assert found["cores"] == usable_cores() >= 1
    assert memory_bytes() > 1e8
    assert versions()["regraft"][0].isdigit()
    assert versions()["numpy"][0].isdigit()
    json.dumps(found | versions(), allow_nan=False)
