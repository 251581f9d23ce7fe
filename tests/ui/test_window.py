"""Tests of the real window with a real engine and tiny models, by mouse and keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QLabel, QToolButton
from pytestqt.qtbot import QtBot

from app.checkpoints.spec import Recipe
from app.decoding.decode import decode
from app.decoding.types import FinishReason
from app.engine import engine
from app.settings import Settings
from app.ui.bridge import Bridge
from app.ui.inspector.candidate_model import CandidateModel
from app.ui.main_window import MainWindow
from app.ui.problem_banner import ProblemBanner
from app.ui.state.session import LoadState, Session
from app.ui.widgets.alpha_slider import AlphaSlider
from tests import tiny

LONG = 10 * tiny.CONTEXT
CONTROL = Qt.KeyboardModifier.ControlModifier


class Window:
    """The window with access to its parts."""

    def __init__(self, recipe: Recipe, memory: Path, qtbot: QtBot) -> None:
        self.bridge = Bridge()
        self.session = Session(self.bridge, recipe, Settings())
        settings = QSettings(str(memory), QSettings.Format.IniFormat)
        self.window = MainWindow(self.session, settings)
        qtbot.addWidget(self.window)
        self.qtbot = qtbot
        self.window.show()
        self.window.add_plot()
        self.bridge.start()
        self.session.load()

    def button(self, text: str) -> QToolButton:
        return next(b for b in self.window.findChildren(QToolButton) if b.text() == text)

    def action(self, text: str) -> QAction:
        return next(
            a for a in self.window.findChildren(QAction) if a.text().replace("&", "") == text
        )

    def click(self, text: str) -> None:
        self.qtbot.mouseClick(self.button(text), Qt.MouseButton.LeftButton)

    def wait_for(self, condition: object) -> None:
        self.qtbot.waitUntil(condition, timeout=60_000)

    def wait_until_ended(self) -> None:
        self.wait_for(
            lambda: self.session.runs.current is not None and not self.session.runs.running
        )

    def wait_for_tokens(self, count: int) -> None:
        self.wait_for(
            lambda: self.session.runs.current and len(self.session.runs.current.tokens) >= count
        )


@pytest.fixture
def window(tiny_recipe: Recipe, tmp_path: Path, qtbot: QtBot) -> Iterator[Window]:
    opened = Window(tiny_recipe, tmp_path / "window.ini", qtbot)
    yield opened
    opened.window.close()
    opened.bridge.close()
    assert opened.bridge.join(60)


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the end-of-text token, which random models may generate at once."""

    def decode_on(*args: Any, **options: Any) -> Any:
        return decode(*args, **{**options, "eos_ids": ()})

    monkeypatch.setattr(engine, "decode", decode_on)


def make_long(window: Window) -> None:
    """Let runs continue until they are stopped or the context is full."""
    sampling = replace(window.session.recipe.sampling, max_new_tokens=LONG, temperature=2.0)
    window.session.set_sampling(sampling)


@pytest.mark.slow
def test_generate_streams_text_into_every_view(window: Window) -> None:
    window.click("Generate")  # before the models are loaded: the run waits
    assert not window.button("Generate").isEnabled()
    assert window.button("Stop").isEnabled()
    window.wait_until_ended()
    run = window.session.runs.current
    assert run is not None
    assert run.finish_reason in (FinishReason.LENGTH, FinishReason.CONTEXT, FinishReason.EOS)
    assert window.session.load_state is LoadState.LOADED
    shown = window.window.transcript.text.toPlainText()
    assert shown.startswith("the king")
    assert window.button("Generate").isEnabled()
    labels = [label.text() for label in window.window.statusBar().findChildren(QLabel)]
    assert f"{len(run.tokens)} tokens" in labels
    assert "cpu · float32" in labels


@pytest.mark.slow
def test_generating_again_gives_another_text_unless_the_seed_is_pinned(window: Window) -> None:
    window.session.set_sampling(replace(window.session.recipe.sampling, temperature=2.0))
    window.session.set_seed(None)
    texts = []
    for press in ("Generate", "Generate"):
        window.click(press)
        window.wait_until_ended()
        texts.append(window.session.runs.current.token_ids)
    assert texts[0] != texts[1]
    window.session.set_seed(window.session.runs.current.recipe.sampling.seed)
    window.click("Generate")
    window.wait_until_ended()
    assert window.session.runs.current.token_ids == texts[1]
    window.qtbot.keyClick(window.window, Qt.Key.Key_R, CONTROL | Qt.KeyboardModifier.ShiftModifier)
    window.wait_until_ended()
    assert window.session.runs.current.token_ids != texts[1]


@pytest.mark.slow
def test_the_text_equals_that_of_the_command_line(
    window: Window, tiny_recipe: Recipe, capsys: pytest.CaptureFixture[str], llama: tiny.Family
) -> None:
    from app.__main__ import main

    window.click("Generate")
    window.wait_until_ended()
    roles = {"base": llama.base, "expert": llama.expert, "antiexpert": llama.antiexpert}
    options = [part for role, folder in roles.items() for part in (f"--{role}", str(folder))]
    options += ["--dtype", "float32"]
    options += ["--max-new-tokens", str(tiny_recipe.sampling.max_new_tokens)]
    assert main(["generate", "the king", *options]) == 0
    assert window.session.runs.current is not None
    assert capsys.readouterr().out == window.session.runs.current.text + "\n"


@pytest.mark.slow
def test_stop_keeps_the_tokens_so_far(window: Window, qtbot: QtBot, endless: None) -> None:
    make_long(window)
    window.click("Generate")
    window.wait_for_tokens(3)
    window.click("Stop")
    window.wait_until_ended()
    run = window.session.runs.current
    assert run is not None
    assert run.finish_reason is FinishReason.CANCELLED
    assert len(run.tokens) >= 3


@pytest.mark.slow
def test_shortcuts_generate_and_stop(window: Window, qtbot: QtBot, endless: None) -> None:
    make_long(window)
    window.window.activateWindow()
    window.window.prompt.focus()
    editor = QApplication.focusWidget()
    assert editor is not None
    qtbot.keyClick(editor, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert window.session.runs.running
    window.wait_for_tokens(1)
    qtbot.keyClick(editor, Qt.Key.Key_Escape)
    window.wait_until_ended()
    assert window.window.prompt.text == "the king"


@pytest.mark.slow
def test_a_moved_alpha_affects_the_active_run(window: Window, qtbot: QtBot, endless: None) -> None:
    make_long(window)
    window.click("Generate")
    window.wait_for_tokens(2)
    slider = window.window.findChildren(AlphaSlider)[0]
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    run = window.session.runs.current
    assert run is not None
    window.wait_for(lambda: not run.active or run.tokens[-1].alphas == (1.05,))
    window.session.runs.stop()
    window.wait_until_ended()
    alphas = [token.alphas for token in run.tokens]
    assert alphas == sorted(alphas)
    assert set(alphas) <= {(1.0,), (1.05,)}


@pytest.mark.slow
def test_all_views_share_the_selection(window: Window, qtbot: QtBot) -> None:
    window.click("Generate")
    window.wait_until_ended()
    qtbot.keyClick(window.window.transcript.text, Qt.Key.Key_End)
    run = window.session.runs.current
    assert run is not None
    assert window.session.selection.token == len(run.tokens) - 1
    model = window.window.findChild(CandidateModel)
    assert model is not None
    shown = [model.data(model.index(row, 0)) for row in range(model.rowCount())]
    assert any(run.label(run.tokens[-1].token_id).strip() in text for text in shown)
    window.action("Previous token").trigger()
    assert window.session.selection.token == len(run.tokens) - 2


@pytest.mark.slow
def test_a_missing_folder_is_reported_and_undo_restores_the_recipe(
    window: Window, tmp_path: Path
) -> None:
    window.wait_for(lambda: window.session.load_state is LoadState.LOADED)
    window.session.set_source(1, f"folder:{tmp_path / 'nowhere'}")
    window.wait_for(lambda: window.session.load_state is LoadState.FAILED)
    banner = window.window.findChild(ProblemBanner)
    assert banner is not None
    assert banner.isVisible()
    assert "nowhere" in banner.accessibleDescription()
    assert window.window.prompt.text == "the king"
    window.action("Undo choose checkpoint").trigger()
    window.wait_for(lambda: window.session.load_state is LoadState.LOADED)
    assert not banner.isVisible()


def test_an_empty_prompt_is_reported(window: Window) -> None:
    window.window.prompt.set_text("")
    window.click("Generate")
    assert window.session.runs.current is None
    assert window.session.problem is not None
    assert "empty" in str(window.session.problem.error)


@pytest.mark.slow
def test_a_prompt_longer_than_the_context_is_reported_and_kept(window: Window) -> None:
    prompt = "the king " * tiny.CONTEXT
    window.window.prompt.set_text(prompt)
    window.click("Generate")
    window.wait_for(lambda: window.session.problem is not None)
    assert "context" in str(window.session.problem.error)
    assert window.window.prompt.text == prompt
    window.window.prompt.set_text("the king")
    window.click("Generate")
    window.wait_until_ended()
    assert window.session.runs.current is not None
    assert window.session.runs.current.tokens


@pytest.mark.slow
def test_closing_during_a_run_ends_the_engine(window: Window, endless: None) -> None:
    make_long(window)
    window.click("Generate")
    window.wait_for_tokens(1)
    window.window.close()
    window.bridge.close()
    assert window.bridge.join(60)


@pytest.mark.slow
def test_closing_right_after_the_start_ends_the_engine(
    tiny_recipe: Recipe, tmp_path: Path, qtbot: QtBot
) -> None:
    opened = Window(tiny_recipe, tmp_path / "window.ini", qtbot)
    opened.window.close()
    opened.bridge.close()
    assert opened.bridge.join(60)


@pytest.mark.slow
def test_the_next_window_restores_the_saved_state(
    window: Window, tiny_recipe: Recipe, tmp_path: Path, qtbot: QtBot
) -> None:
    window.window.prompt.set_text("the queen")
    window.window.resize(900, 650)
    window.window.close()
    memory = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    again = MainWindow(Session(window.bridge, tiny_recipe, Settings()), memory)
    qtbot.addWidget(again)
    assert again.prompt.text == "the queen"
    assert again.size().height() == 650
