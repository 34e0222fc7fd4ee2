import io
import sys

import pytest

from regraft.core import progress as module
from regraft.core.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _work(total: int = 3) -> None:
    with progress("label", total) as advance:
        for _ in range(total):
            advance(1)


def test_nothing_is_written_where_no_one_watches(capfd: pytest.CaptureFixture[str], monkeypatch) -> None:
    monkeypatch.setattr(module, "APPEARS_AFTER_S", -1.0)
    _work()
    assert capfd.readouterr() == ("", "")


def test_short_work_stays_quiet_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    _work()
    assert terminal.getvalue() == ""


def test_long_work_shows_a_bar_and_never_touches_standard_output(monkeypatch, capsys) -> None:
    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(module, "APPEARS_AFTER_S", -1.0)
    _work()
    assert "label" in terminal.getvalue()
    assert "3/3" in terminal.getvalue()
    assert capsys.readouterr().out == ""


def test_no_units_is_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(module, "APPEARS_AFTER_S", -1.0)
    _work(0)
    assert terminal.getvalue() == ""


def test_the_bar_is_taken_down_when_the_work_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(module, "APPEARS_AFTER_S", -1.0)

    def work_that_fails() -> None:
        with progress("label", 2) as advance:
            advance(1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work_that_fails()
    assert terminal.getvalue().count("\x1b[?25l") == terminal.getvalue().count("\x1b[?25h") == 1  # the cursor
