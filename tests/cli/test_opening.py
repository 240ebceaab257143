import io
import sys
from pathlib import Path

import pytest

from fillbook.cli import opening
from fillbook.cli.choices import Choices


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_nothing_is_shown_where_nobody_watches(trades: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, answer = opening.answered([str(trades)], Choices(), keys=["n_fills"])
    assert data.fills.height == 2
    assert answer.metrics["n_fills"].value == 2
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("patience_s", "is_shown"), [(0.0, True), (3600.0, False)])
def test_a_bar_is_shown_when_it_takes_long(
    monkeypatch: pytest.MonkeyPatch,
    patience_s: float,
    is_shown: bool,
) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(opening, "_PATIENCE_S", patience_s)
    monkeypatch.setenv("TERM", "xterm")
    with opening.progress() as said:
        said("reading", 0.5)
        if is_shown:
            _wait_until(screen)
    monkeypatch.undo()
    assert ("reading" in screen.getvalue()) is is_shown


def _wait_until(screen: Terminal) -> None:
    import time

    until = time.monotonic() + 5.0
    while "reading" not in screen.getvalue() and time.monotonic() < until:
        time.sleep(0.02)
