"""A base behind an endpoint in the window: chosen, named, and with what its server told."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from threading import Event

import pytest
from PySide6.QtWidgets import QApplication, QComboBox, QDialogButtonBox, QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.attribution.attribution import attribute
from app.checkpoints.endpoint_address import DEFAULT_LOGPROBS
from app.checkpoints.endpoints.connection_check import CheckedConnection
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.checkpoints.status import RoleInForce
from app.decoding.remote import EndpointUsage, UnmatchedToken
from app.decoding.types import FinishReason
from app.engine.commands import Generate, Load
from app.engine.events import Loaded, RunFinished, RunStats, TokenDecoded
from app.ui.inspector.inspector import Inspector
from app.ui.models.endpoint_dialog import EndpointDialog
from app.ui.recipe.prompt_dialogs import show_role_options
from app.ui.recipe.role_caption import in_force
from app.ui.recipe.role_picker import RolePicker
from app.ui.state.session import Session
from app.ui.status_bar import StatusBar
from app.ui.widgets.message_label import MessageLabel
from tests import tiny
from tests.engine.tuned_server import TunedServer
from tests.ui.conftest import WORDS, FakeBridge, invent_step

URL = "http://gpu:8000/v1"
ENDPOINT = CheckpointSpec(f"endpoint:{URL}", model="m", top_logprobs=20)


@pytest.fixture
def dialog(loaded_session: Session, qtbot: QtBot) -> EndpointDialog:
    made = EndpointDialog(loaded_session)
    qtbot.addWidget(made)
    made.show()
    return made


def can_be_taken(dialog: EndpointDialog) -> bool:
    buttons = dialog.findChild(QDialogButtonBox)
    return buttons.button(QDialogButtonBox.StandardButton.Ok).isEnabled()


def words(widget: QWidget) -> str:
    labels = [label for label in widget.findChildren(QLabel) if label.isVisible()]
    return "\n".join(label.text() for label in labels)


def test_an_endpoint_becomes_the_base_in_one_step(dialog: EndpointDialog, session: Session) -> None:
    before = session.recipe
    assert not can_be_taken(dialog)
    dialog.address.setText(f" {URL}/ ")
    dialog.model.setText("m")
    dialog.count.setValue(20)
    assert can_be_taken(dialog)
    assert "keyring set tuneshift gpu:8000" in words(dialog)
    dialog.accept()
    assert session.recipe == replace(before, base=ENDPOINT, name="Untitled")
    session.undo_stack.undo()
    assert session.recipe == before


def test_what_is_no_address_is_said(dialog: EndpointDialog) -> None:
    for wrong in ("gpu:8000", "http://user:secret@gpu/v1"):
        dialog.address.setText(wrong)
        assert not can_be_taken(dialog)
    assert "Keys are never kept in recipes" in words(dialog)


def test_it_shows_the_endpoint_that_there_is(session: Session, qtbot: QtBot) -> None:
    session.set_spec(0, replace(ENDPOINT, top_logprobs=-1))
    made = EndpointDialog(session)
    qtbot.addWidget(made)
    assert (made.address.text(), made.model.text()) == (URL, "m")
    assert made.all.isChecked()
    assert not made.count.isEnabled()
    made.all.setChecked(False)
    assert made.spec() == replace(ENDPOINT, top_logprobs=DEFAULT_LOGPROBS)


def test_a_server_that_tunes_needs_no_number_of_logprobs(
    loaded_session: Session, qtbot: QtBot
) -> None:
    made = EndpointDialog(loaded_session, tuned=True)
    qtbot.addWidget(made)
    made.address.setText(URL)
    assert not made.count.isEnabled()
    assert not made.all.isEnabled()
    made.accept()
    assert loaded_session.recipe.base == CheckpointSpec(f"endpoint:{URL}", tuned=True)
    again = EndpointDialog(loaded_session)
    qtbot.addWidget(again)
    assert again.tuned.isChecked()


def choices(picker: RolePicker) -> list[str]:
    box = picker.findChild(QComboBox)
    return [box.itemText(index) for index in range(box.count())]


def test_only_the_base_is_offered_an_endpoint(session: Session, qtbot: QtBot) -> None:
    session.set_spec(0, ENDPOINT)
    pickers = [RolePicker(session, place, "role") for place in range(3)]
    for picker in pickers:
        qtbot.addWidget(picker)
    base, expert, antiexpert = map(choices, pickers)
    assert "gpu:8000" in base
    assert {"API endpoint …", "Tuned on a server …"} <= set(base)
    for others in (expert, antiexpert):
        assert not {"gpu:8000", "API endpoint …", "Tuned on a server …"} & set(others)
        assert len(others) > 4


def test_another_base_forgets_the_settings_of_the_endpoint(
    session: Session, recipe: Recipe
) -> None:
    session.set_spec(0, ENDPOINT)
    session.set_source(0, recipe.base.source)
    assert session.recipe.base == recipe.base


def test_a_persona_is_of_the_small_model(session: Session, recipe: Recipe) -> None:
    session.set_spec(0, ENDPOINT)
    session.add_persona(False)
    assert session.recipe.pairs[-1].antiexpert == recipe.pairs[0].antiexpert


def test_options_of_an_endpoint_are_its_prompt_alone(session: Session, qtbot: QtBot) -> None:
    session.set_spec(0, ENDPOINT)
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    options = show_role_options(session, 0, window)
    assert options.prompt.kind.isVisible()
    assert not any(
        control.isVisible()
        for control in (options.dtype, options.device, options.quantization, options.offload)
    )


def test_a_role_is_named_with_its_host() -> None:
    role = RoleInForce("base", ENDPOINT.source, "", "gpu:8000", 0, False, model="m")
    assert in_force(role) == "m at gpu:8000"
    assert in_force(replace(role, model="")) == "gpu:8000"
    served = RoleInForce("expert Style", "folder:/expert", "", "gpu:8000", 0, False)
    assert in_force(served) == "at gpu:8000"


@pytest.mark.parametrize(("mass", "said"), [(0.98, "coverage 98%"), (0.5, "⚠ coverage 50%")])
def test_coverage_and_traffic_are_shown(
    session: Session, bridge: FakeBridge, qtbot: QtBot, mass: float, said: str
) -> None:
    session.set_spec(0, ENDPOINT)
    session.load()
    bridge.ready()
    load = bridge.last(Load)
    roles = [
        RoleInForce(role, spec.source, "", "gpu:8000" if spec.is_endpoint else "cpu", 0, False)
        for role, spec in session.recipe.roles()
    ]
    bridge.events.emit([Loaded(load.id, session.recipe, tuple(roles), WORDS, 1)])
    line = StatusBar(session)
    inspector = Inspector(session)
    for widget in (line, inspector):
        qtbot.addWidget(widget)
        widget.show()
    session.runs.generate("Once")
    bridge.start_run()
    run = bridge.last(Generate).id
    step = invent_step(0, (1.0, 0.4), 0)
    explained = attribute(step.logits, step.alphas, step.token_id)
    bridge.events.emit([TokenDecoded(run, step, replace(explained, coverage=mass))])
    traffic = EndpointUsage(7, 1234, 7, 1, 2, (UnmatchedToken(" zz", "absent", 3),))
    stats = RunStats(1, 0.01, 100.0, 1, endpoint_usage=traffic)
    bridge.events.emit([RunFinished(run, FinishReason.LENGTH, stats)])
    (label,) = (item for item in line.findChildren(QLabel) if "coverage" in item.text())
    assert label.text() == f"{said} · sent 1,234, received 7 tokens"
    assert ("request more" in label.toolTip()) == (mass < 0.9)
    assert all(part in label.toolTip() for part in ("1,234", "“ zz”", "Requests: 7"))
    session.selection.select(0)
    assert f"The server returned tokens with {mass:.1%} of the base's probability" in words(
        inspector
    )
    shown = [item.text() for item in line.findChildren(QLabel)]
    assert "gpu:8000" in shown


@pytest.fixture
def served(llama: tiny.Family) -> Iterator[TunedServer]:
    server = TunedServer(llama)
    yield server
    server.close()


def checked(dialog: EndpointDialog, qtbot: QtBot) -> str:
    row = dialog.connection
    row.button.click()
    assert row.progress.isVisible()
    assert "Cancel" in row.button.text()
    qtbot.waitUntil(lambda: not row.progress.isVisible())
    return row.outcome.message


def dialog_for(session: Session, qtbot: QtBot, recipe: Recipe) -> EndpointDialog:
    session.open_recipe(recipe)
    made = EndpointDialog(session)
    qtbot.addWidget(made)
    made.show()
    return made


def test_a_connection_to_a_server_that_tunes_is_checked(
    session: Session, qtbot: QtBot, served: TunedServer
) -> None:
    dialog = dialog_for(session, qtbot, served.recipe)
    said = checked(dialog, qtbot)
    assert said == (
        "The server answers: model “served”, context of 64 tokens, "
        "tunes with the pairs of the recipe: “Style”."
    )
    assert dialog.isVisible()  # and the recipe is as it was
    dialog.model.setText("another")
    assert not dialog.connection.outcome.isVisible()  # what was found is of another setting
    assert "has no model “another”" in checked(dialog, qtbot)
    dialog.model.setText("")
    served.tunes = False
    assert "does not say what pairs do" in checked(dialog, qtbot)
    served.status = 401
    assert "requires a key" in checked(dialog, qtbot)


def test_a_check_of_a_connection_is_cancelled_by_its_button_and_with_the_dialog(
    session: Session, qtbot: QtBot, served: TunedServer
) -> None:
    """The server takes the connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        base = replace(ENDPOINT, source=f"endpoint:http://127.0.0.1:{silent.getsockname()[1]}/v1")
        dialog = dialog_for(session, qtbot, replace(served.recipe, base=base))
        row = dialog.connection
        row.button.click()
        assert row.progress.isVisible()
        row.button.click()
        assert not row.progress.isVisible()
        assert not row.outcome.isVisible()
        row.button.click()
        dialog.reject()


def test_the_answer_to_an_earlier_check_is_not_shown(
    session: Session, qtbot: QtBot, served: TunedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had come before the window could show it."""
    asked: list[Recipe] = []
    release = Event()

    def check(recipe: Recipe, cancelled: object) -> CheckedConnection:
        asked.append(recipe)
        if len(asked) > 1:
            assert release.wait(60)
        return CheckedConnection(recipe.base.model, None, None)

    monkeypatch.setattr("app.checkpoints.endpoints.connection_check.check_connection", check)
    dialog = dialog_for(session, qtbot, served.recipe)
    row = dialog.connection
    dialog.model.setText("old")
    row.button.click()
    assert row._background.join(60)  # its answer waits for the window
    dialog.model.setText("new")
    row.button.click()
    QApplication.processEvents()
    assert row.progress.isVisible()
    assert "old" not in row.outcome.message
    release.set()
    qtbot.waitUntil(lambda: not row.progress.isVisible())
    assert "model “new”" in row.outcome.message


@pytest.mark.parametrize("tuned", [False, True])
def test_all_fields_keep_their_height_when_messages_come(
    loaded_session: Session, qtbot: QtBot, tuned: bool
) -> None:
    made = EndpointDialog(loaded_session, tuned=tuned)
    qtbot.addWidget(made)
    made.resize(460, 10)
    with qtbot.waitExposed(made):
        made.show()
    made.address.setText("http://a-rather-long-name-of-a-machine.example.org:8000/v1")
    made.connection.outcome.setVisible(True)
    made.connection.outcome.show_message("The server answers: " + "a long sentence, " * 12)
    QApplication.processEvents()
    for field in (made.address, made.model, made.count, made.all, made.tuned):
        assert field.height() >= field.minimumSizeHint().height()
    for label in made.findChildren(MessageLabel):
        if label.isVisible():
            assert label.width() >= label.minimumSizeHint().width()
            assert label.height() >= label.heightForWidth(label.width())
    assert ("tuneshift vllm" in words(made)) == tuned
