"""Tests of the API server in the real window, with requests of the openai client."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from openai import APIConnectionError, APIStatusError, OpenAI
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.checkpoints.spec import Recipe
from app.decoding.decode import decode
from app.decoding.decoded_text import DecodedText
from app.decoding.types import FinishReason
from app.engine import engine, parallel_runs
from app.settings import Settings
from app.ui.bridge import Bridge
from app.ui.main_window import MainWindow
from app.ui.state.models.api_switch import ServeState, Serving
from app.ui.state.session import LoadState, Session

PATIENCE = 120
PROMPT = "the king said"
SERVER = "server"


class Window:
    """The window with an API server on a free port, and a client."""

    def __init__(self, recipe: Recipe, folder: Path, qtbot: QtBot) -> None:
        self.bridge = Bridge()
        self.session = Session(self.bridge, recipe, Settings())
        self.memory = QSettings(str(folder / "window.ini"), QSettings.Format.IniFormat)
        self.window = MainWindow(self.session, self.memory)
        qtbot.addWidget(self.window)
        self._qtbot = qtbot
        self.window.show()
        self.bridge.start()
        self.session.load()
        self.serving: Serving = self.session.serving
        self._pool = ThreadPoolExecutor()

    def wait_for(self, condition: Callable[[], object]) -> None:
        self._qtbot.waitUntil(lambda: bool(condition()), timeout=PATIENCE * 1000)

    def serve(self) -> None:
        self.wait_for(lambda: self.session.load_state is LoadState.LOADED)
        self.serving.set_address("127.0.0.1", 0, "")
        self.serving.start()
        self.wait_for(lambda: self.serving.on)
        self.client = OpenAI(
            base_url=self.serving.url, api_key="none", max_retries=0, timeout=PATIENCE
        )

    def ask(self, **options: Any) -> Future[str]:
        """Request a completion on another thread, since the test runs the window's thread."""

        def complete() -> str:
            answer = self.client.completions.create(model="", prompt=PROMPT, **options)
            return str(answer.choices[0].text)

        return self._pool.submit(complete)

    def answer(self, asked: Future[str]) -> str:
        self.wait_for(asked.done)
        return asked.result()

    def models(self) -> list[str]:
        asked = self._pool.submit(lambda: [m.id for m in self.client.models.list().data])
        self.wait_for(asked.done)
        return asked.result()

    def close(self) -> None:
        self.window.close()
        self.bridge.close()
        assert self.bridge.join(PATIENCE)
        assert self.serving.join(PATIENCE)
        if hasattr(self, "client"):
            self.client.close()
        self._pool.shutdown()
        assert not [thread for thread in threading.enumerate() if thread.name == SERVER]


@pytest.fixture
def window(tiny_recipe: Recipe, tmp_path: Path, qtbot: QtBot) -> Iterator[Window]:
    recipe = replace(tiny_recipe, sampling=replace(tiny_recipe.sampling, temperature=0.0))
    opened = Window(recipe, tmp_path, qtbot)
    yield opened
    opened.close()


class Gate:
    """Blocks the engine at its next token until the gate is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self._open = threading.Event(), threading.Event()
        attribute, text = engine.attribute_step, parallel_runs.DecodedText

        def hold(*arguments: Any, **options: Any) -> Any:
            self.reached.set()
            assert self._open.wait(PATIENCE)
            return attribute(*arguments, **options)

        def decode_on(*arguments: Any, **options: Any) -> Any:
            return decode(*arguments, **{**options, "eos_ids": ()})

        def text_that_goes_on(*arguments: Any, **options: Any) -> DecodedText:
            return text(*arguments, **{**options, "eos_ids": ()})

        for module in (engine, parallel_runs):
            monkeypatch.setattr(module, "attribute_step", hold)
        monkeypatch.setattr(engine, "decode", decode_on)  # random models may end at once
        monkeypatch.setattr(parallel_runs, "DecodedText", text_that_goes_on)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def gate(window: Window, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    made = Gate(monkeypatch)
    yield made
    made.open()


@pytest.mark.slow
def test_the_server_is_off_by_default(window: Window) -> None:
    window.wait_for(lambda: window.session.load_state is LoadState.LOADED)
    assert window.serving.state is ServeState.OFF
    assert not [thread for thread in threading.enumerate() if thread.name == SERVER]


@pytest.mark.slow
def test_clients_and_the_window_get_the_same_text_in_turn(window: Window) -> None:
    window.serve()
    asked = [window.ask() for _ in range(3)]
    window.session.runs.generate(PROMPT)
    run = window.session.runs.current
    assert run is not None
    window.wait_for(lambda: not run.active)
    texts = [window.answer(each) for each in asked]
    assert texts == [run.text] * 3
    window.wait_for(lambda: window.serving.figures.tokens == 3 * len(run.tokens))
    assert window.serving.figures.requests == 3
    assert window.serving.figures.waiting == 0


@pytest.mark.slow
def test_the_sliders_are_the_defaults_of_a_request(window: Window) -> None:
    window.serve()
    before = window.answer(window.ask())
    window.session.set_alpha(0, -3.0)
    after = window.answer(window.ask())
    window.session.runs.generate(PROMPT)
    run = window.session.runs.current
    assert run is not None
    window.wait_for(lambda: not run.active)
    assert after == run.text != before
    assert window.answer(window.ask(extra_body={"alphas": [1.0]})) == before


@pytest.mark.slow
def test_stop_does_not_affect_requests_of_clients(window: Window, gate: Gate) -> None:
    window.serve()
    asked = window.ask(max_tokens=20, user="somebody")
    window.wait_for(gate.reached.is_set)
    window.wait_for(lambda: window.serving.figures.client == "user somebody")
    window.session.runs.generate(PROMPT)
    assert "Waiting for a request of another program" in status(window)
    window.session.runs.stop()
    gate.open()
    run = window.session.runs.current
    assert run is not None
    window.wait_for(lambda: not run.active)
    assert run.finish_reason is FinishReason.CANCELLED
    assert len(window.answer(asked)) > 0
    window.wait_for(lambda: window.serving.figures.tokens == 20)


@pytest.mark.slow
def test_a_disconnected_client_does_not_affect_the_window(window: Window, gate: Gate) -> None:
    window.serve()
    window.session.set_sampling(replace(window.session.recipe.sampling, max_new_tokens=8))
    window.session.runs.generate(PROMPT)
    window.wait_for(gate.reached.is_set)
    window.client = window.client.with_options(timeout=0.2)
    asked = window.ask()
    window.wait_for(asked.done)
    assert isinstance(asked.exception(), APIConnectionError)
    gate.open()
    run = window.session.runs.current
    assert run is not None
    window.wait_for(lambda: not run.active)
    assert run.finish_reason is FinishReason.LENGTH


@pytest.mark.slow
def test_loading_another_recipe_fails_a_request_and_serves_the_new_recipe(
    window: Window, gate: Gate
) -> None:
    window.serve()
    assert window.models() == ["tiny"]
    asked = window.ask(max_tokens=40)
    window.wait_for(gate.reached.is_set)
    recipe = window.session.recipe
    pair = recipe.pairs[0]
    swapped = replace(pair, expert=pair.antiexpert, antiexpert=pair.expert)
    window.session.open_recipe(replace(recipe, name="Swapped", pairs=(swapped,)))
    window.wait_for(asked.done)
    error = asked.exception()
    assert isinstance(error, APIStatusError)
    assert error.code == "model_changed"
    gate.open()
    window.wait_for(lambda: window.session.load_state is LoadState.LOADED)
    window.wait_for(lambda: window.models() == ["swapped"])
    assert window.answer(window.ask())


@pytest.mark.slow
def test_stopping_frees_the_port_and_restarting_takes_it(window: Window) -> None:
    window.serve()
    port = int(window.serving.url.removesuffix("/v1").rpartition(":")[2])
    window.serving.stop()
    assert window.serving.state is ServeState.STOPPING
    window.wait_for(lambda: window.serving.state is ServeState.OFF)
    window.serving.set_address("127.0.0.1", port, "")
    window.serving.start()
    window.wait_for(lambda: window.serving.on)
    assert window.answer(window.ask())


@pytest.mark.slow
def test_the_window_closes_during_a_request(window: Window, gate: Gate) -> None:
    window.serve()
    asked = window.ask(max_tokens=40)
    window.wait_for(gate.reached.is_set)
    window.window.close()
    window.bridge.close()
    gate.open()
    window.wait_for(lambda: window.serving.join(0) and window.bridge.join(0))
    assert isinstance(asked.exception(PATIENCE), APIStatusError | APIConnectionError)


@pytest.mark.slow
def test_the_status_bar_shows_the_server_and_opens_the_dialog(window: Window) -> None:
    (indicator,) = [
        button
        for button in window.window.statusBar().findChildren(QPushButton)
        if type(button).__name__ == "ServeIndicator"
    ]
    assert not indicator.isVisible()
    window.serve()
    assert indicator.isVisible()
    assert indicator.text() == "API server"


def test_the_address_is_saved_but_not_the_key(window: Window, tiny_recipe: Recipe) -> None:
    window.serving.set_address("0.0.0.0", 9000, "secret-key")
    window.window.remember()
    assert "secret-key" not in Path(window.memory.fileName()).read_text()
    other = Session(Bridge(), tiny_recipe, Settings())
    other.serving.restore(window.memory)
    assert (other.serving.host, other.serving.port, other.serving.key) == ("0.0.0.0", 9000, "")
    assert other.serving.state is ServeState.OFF


def status(window: Window) -> str:
    return "\n".join(label.text() for label in window.window.statusBar().findChildren(QLabel))
