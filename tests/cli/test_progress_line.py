"""The progress line, on a terminal and elsewhere."""

from __future__ import annotations

import io

import pytest

from app.cli.progress_line import ProgressLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    return terminal


def test_the_line_is_drawn_when_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    line = ProgressLine()
    for text in ("a", "a", "b", "b"):
        line.show(text)
    line.clear()
    line.clear()
    assert terminal.getvalue() == "\r\033[Ka\r\033[Kb\r\033[K"


def test_nothing_is_drawn_where_it_cannot_be_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    ProgressLine(quiet=True).show("a")
    monkeypatch.setenv("TERM", "dumb")
    ProgressLine().show("a")
    monkeypatch.setattr("sys.stderr", io.StringIO())
    ProgressLine().show("a")
    assert terminal.getvalue() == ""
