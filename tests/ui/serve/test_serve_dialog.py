"""The dialog that switches the API on and off."""

from __future__ import annotations

import re
import shlex
import sys

import pytest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app.engine.worker import EngineThread
from app.server.access import Access
from app.server.listening import Service, listen
from app.ui.serve.serve_dialog import ServeDialog, show_serve_dialog
from app.ui.state.models.api_switch import ServeState
from app.ui.state.session import Session
from tests.ui.conftest import FakeBridge

PATIENCE_MS = 120_000


@pytest.fixture
def dialog(loaded_session: Session, bridge: FakeBridge, qtbot: QtBot) -> ServeDialog:
    """The dialog over an engine that is never started: nothing is asked of it here."""
    bridge.new_client = EngineThread(lambda: None).new_client  # type: ignore[attr-defined]
    loaded_session.serving.set_address("127.0.0.1", 0, "")
    made = ServeDialog(loaded_session)
    qtbot.addWidget(made, before_close_func=lambda _: stop(loaded_session))
    made.show()
    return made


def stop(session: Session) -> None:
    session.serving.close()
    assert session.serving.join(60)


def words(dialog: ServeDialog) -> str:
    return "\n".join(label.text() for label in dialog.findChildren(QLabel) if label.isVisible())


def wait_until(session: Session, state: ServeState, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: session.serving.state is state, timeout=PATIENCE_MS)


@pytest.mark.slow
def test_on_and_off(dialog: ServeDialog, loaded_session: Session, qtbot: QtBot) -> None:
    assert not dialog.copy_url.isEnabled()
    dialog.switch.click()
    assert not dialog.address.isEnabled()
    wait_until(loaded_session, ServeState.ON, qtbot)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1", dialog.url.text())
    assert "On: serving “Two styles”" in words(dialog)
    assert "Requests: 0 · completions: 0 · tokens: 0 · waiting: 0" in words(dialog)
    dialog.copy_url.click()
    assert QApplication.clipboard().text() == dialog.url.text()
    dialog.switch.click()
    wait_until(loaded_session, ServeState.OFF, qtbot)
    assert dialog.address.isEnabled()
    assert "Off." in words(dialog)


def test_the_examples_ask_the_address_and_show_no_key(
    dialog: ServeDialog, loaded_session: Session, qtbot: QtBot
) -> None:
    dialog.new_key.click()
    key = dialog.key.text()
    assert len(key) >= 20
    dialog.switch.click()
    wait_until(loaded_session, ServeState.ON, qtbot)
    for snippet in (dialog.curl, dialog.python):
        assert dialog.url.text() in snippet.toPlainText()
        assert "TUNESHIFT_KEY" in snippet.toPlainText()
        assert key not in snippet.toPlainText()
    command = shlex.split(dialog.curl.toPlainText())
    assert command[0] == "curl"
    assert command[1] == f"{dialog.url.text()}/chat/completions"
    compile(dialog.python.toPlainText(), "example", "exec")
    assert "[1.0, 0.4]" in dialog.python.toPlainText()
    loaded_session.set_alpha(0, 2.5)
    assert "[2.5, 0.4]" in dialog.python.toPlainText()
    dialog.snippets.setCurrentIndex(1)
    dialog.copy_snippet.click()
    assert QApplication.clipboard().text() == dialog.python.toPlainText()


@pytest.mark.parametrize("host", ["0.0.0.0", "gpu-box", "192.168.1.5", "::"])
def test_an_address_that_others_reach_needs_a_key(dialog: ServeDialog, host: str) -> None:
    dialog.address.setText(host)
    assert not dialog.switch.isEnabled()
    assert "set a key" in words(dialog)
    dialog.new_key.click()
    assert dialog.switch.isEnabled()
    dialog.key.setText("  ")
    assert not dialog.switch.isEnabled()
    dialog.address.setText("127.0.0.1")
    assert dialog.switch.isEnabled()
    dialog.address.setText(" ")
    assert not dialog.switch.isEnabled()


def test_a_taken_port_is_told(dialog: ServeDialog, loaded_session: Session, qtbot: QtBot) -> None:
    with listen(Service(Access("127.0.0.1"), 0)) as listener:
        dialog.port.setValue(listener.getsockname()[1])
        dialog.switch.click()
        wait_until(loaded_session, ServeState.OFF, qtbot)
    assert "another program uses the port" in words(dialog)
    assert "Choose another port." in words(dialog)


def test_what_is_not_installed_is_told(
    dialog: ServeDialog, loaded_session: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "app.server.uvicorn_server", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    dialog.switch.click()
    wait_until(loaded_session, ServeState.OFF, qtbot)
    assert "The server is not installed" in words(dialog)
    assert "tuneshift[serve]" in words(dialog)


def test_while_nothing_is_loaded_it_says_so(
    dialog: ServeDialog, loaded_session: Session, qtbot: QtBot
) -> None:
    dialog.switch.click()
    wait_until(loaded_session, ServeState.ON, qtbot)
    loaded_session.load()
    assert "no models are loaded" in words(dialog)


def test_there_is_one_dialog(dialog: ServeDialog, loaded_session: Session, qtbot: QtBot) -> None:
    first = show_serve_dialog(loaded_session, dialog)
    assert show_serve_dialog(loaded_session, dialog) is first
    first.close()
