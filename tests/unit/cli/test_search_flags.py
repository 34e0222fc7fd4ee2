import pytest
from cyclopts import App

from regraft.cli.search_flags import AS_USUAL, SearchFlags, search_from
from regraft.pipeline.tuning.asked import Search


def parsed(*words: str) -> Search:
    found = []
    app = App(result_action="return_value")

    @app.default
    def command(*, search: SearchFlags = AS_USUAL) -> None:
        found.append(search_from(search))

    app([*words], exit_on_error=False)
    return found[0]


def test_without_flags_a_search_is_as_usual() -> None:
    assert parsed() == Search()


def test_every_setting_has_a_flag() -> None:
    words = (
        "--space head.penalty=1..2 --space depths=all --sampler gp --pruner asha --objective accuracy "
        "--trials 7 --storage s.log"
    )
    assert parsed(*words.split()) == Search(
        ("head.penalty=1..2", "depths=all"), "gp", "asha", "accuracy", 7, "s.log"
    )


def test_unknown_names_are_refused() -> None:
    with pytest.raises(Exception, match="tpo"):
        parsed("--sampler", "tpo")


def test_a_score_is_weighed_against_costs_within_limits() -> None:
    words = "--objective loss,latency,size --max-latency-ms 5 --max-size-mb 20.5 --no-warm-start"
    wanted = Search(objective="loss,latency,size", max_latency_ms=5, max_size_mb=20.5, warm_start=False)
    assert parsed(*words.split()) == wanted
