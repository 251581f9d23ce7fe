"""The Hub dialog: nothing leaves the machine unasked, and a model is checked before it comes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QLineEdit, QProgressBar
from pytestqt.qtbot import QtBot

from app.checkpoints import hub
from app.checkpoints.preflight_report import Preflight, RoleVocabulary, TokenDifference, Verdict
from app.engine.commands import Check, Load
from app.engine.events import Checked, Failed
from app.errors import CheckpointError, HubError, NotDownloadedError
from app.ui.models.download_bar import DownloadBar
from app.ui.models.hub_dialog import HubDialog
from app.ui.state.session import Session
from tests.ui.conftest import FakeBridge, invent_preflight
from tests.ui.fake_hub import FakeHub, Transfer

QWEN = "Qwen/Qwen2.5-0.5B"


@pytest.fixture
def dialog(qtbot: QtBot, loaded_session: Session, fake_hub: FakeHub) -> Iterator[HubDialog]:
    fake_hub.add(QWEN)
    fake_hub.add(f"{QWEN}-Instruct")
    fake_hub.add("meta-llama/Llama-2-7b-hf", 13_500_000_000, gated=True)
    fake_hub.cache("HuggingFaceTB/SmolLM2-135M")
    loaded_session.machine_memory = 24_000_000_000
    dialog = HubDialog(loaded_session, 1)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.open()
    qtbot.waitUntil(lambda: dialog.results.rowCount() == 1)
    yield dialog
    dialog.close()
    loaded_session.downloads.close()
    assert loaded_session.downloads.join(60)


def search(qtbot: QtBot, dialog: HubDialog, text: str) -> None:
    dialog.text.clear()
    qtbot.keyClicks(dialog.text, text)
    qtbot.keyClick(dialog.text, Qt.Key.Key_Return)


def choose(qtbot: QtBot, dialog: HubDialog, name: str) -> None:
    """Type the id of a model and wait for what the Hub says about it."""
    search(qtbot, dialog, name)
    qtbot.waitUntil(lambda: "licence" in dialog.facts.message)


def click(qtbot: QtBot, button: QAbstractButton) -> None:
    assert button.isVisible()
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def asked_check(qtbot: QtBot, bridge: FakeBridge) -> Check:
    """The question to the engine, once the tokenizer has come."""
    qtbot.waitUntil(lambda: any(isinstance(command, Check) for command in bridge.commands))
    command = bridge.last(Check)
    assert isinstance(command, Check)
    return command


def transfer(qtbot: QtBot, fake_hub: FakeHub) -> Transfer:
    qtbot.waitUntil(lambda: bool(fake_hub.transfers) and fake_hub.transfers[-1].began.is_set())
    return fake_hub.transfers[-1]


def different(preflight: Preflight, place: int) -> Preflight:
    """The same, but the vocabulary of one role does not fit."""
    roles = list(preflight.vocabulary.roles)
    examples = (TokenDifference(9, "foo", "bar"),)
    roles[place] = RoleVocabulary(
        roles[place].role, Verdict.DIFFERENT, 100, 128, different=60, differences=examples
    )
    return replace(preflight, vocabulary=replace(preflight.vocabulary, roles=tuple(roles)))


@pytest.mark.slow
def test_opening_and_typing_ask_nothing_of_the_network(
    qtbot: QtBot, dialog: HubDialog, fake_hub: FakeHub
) -> None:
    qtbot.keyClicks(dialog.text, QWEN)
    qtbot.waitUntil(lambda: "1 model downloaded (500 MB)" in dialog.message.message)
    qtbot.wait(400)  # longer than any pause after which something might be asked
    assert fake_hub.online == []


def test_what_is_too_large_is_named_in_the_list_at_the_model_and_on_the_button(
    qtbot: QtBot, dialog: HubDialog, fake_hub: FakeHub
) -> None:
    fake_hub.add("owner/large", 164_900_000_000)
    search(qtbot, dialog, "large")
    qtbot.waitUntil(lambda: "1 model found" in dialog.message.message)
    model = dialog.results
    row = [model.data(model.index(0, column)) for column in range(3)]
    assert row == ["owner/large", "164.9 GB", "⚠ too large here"]
    dialog.table.selectRow(0)
    qtbot.waitUntil(lambda: "licence" in dialog.facts.message)
    assert "the weights take about 164.9 GB, and its memory has 24.0 GB" in dialog.facts.message
    assert dialog.action.text() == "Download 164.9 GB anyway"
    choose(qtbot, dialog, QWEN)
    qtbot.waitUntil(lambda: dialog.action.text() == "Download 988 MB")
    assert "too large" not in dialog.facts.message.lower()


def test_a_search_lists_downloads_likes_access_and_what_is_here(
    qtbot: QtBot, dialog: HubDialog, fake_hub: FakeHub
) -> None:
    search(qtbot, dialog, "llama")
    qtbot.waitUntil(lambda: "1 model found" in dialog.message.message)
    model = dialog.results
    row = [model.data(model.index(0, column)) for column in range(model.columnCount())]
    assert row == [
        "meta-llama/Llama-2-7b-hf",
        "13.5 GB",
        "fits here",
        "1,234,567",
        "89",
        "gated",
        "",
    ]
    assert fake_hub.online == [("search", "llama")]
    fake_hub.add("HuggingFaceTB/SmolLM2-135M")
    search(qtbot, dialog, "smol")
    qtbot.waitUntil(lambda: model.data(model.index(0, 6)) == "500 MB")


@pytest.mark.slow
def test_a_result_that_stays_chosen_is_looked_up(
    qtbot: QtBot, dialog: HubDialog, fake_hub: FakeHub
) -> None:
    search(qtbot, dialog, "qwen")
    qtbot.waitUntil(lambda: dialog.results.rowCount() == 2)
    qtbot.keyClick(dialog.text, Qt.Key.Key_Down)
    assert dialog.table.hasFocus()
    qtbot.keyClick(dialog.table, Qt.Key.Key_Down)  # passes over the first
    qtbot.waitUntil(lambda: "licence apache-2.0" in dialog.facts.message)
    described = [about for name, about in fake_hub.online if name == "describe"]
    assert described == [f"{QWEN}-Instruct"]
    assert "988 MB" in dialog.facts.message
    assert "40.0 GB free" in dialog.facts.message
    assert dialog.action.text() == "Download 988 MB"


@pytest.mark.slow
def test_download_checks_first_then_comes_and_is_used(
    qtbot: QtBot, dialog: HubDialog, fake_hub: FakeHub, bridge: FakeBridge, session: Session
) -> None:
    choose(qtbot, dialog, QWEN)
    click(qtbot, dialog.action)
    check = asked_check(qtbot, bridge)
    assert check.recipe.checkpoints()[1].source == f"hub:{QWEN}"
    assert fake_hub.online[-1] == ("fetch_metadata", QWEN)
    assert not dialog.action.isEnabled()
    bridge.events.emit([Checked(check.id, invent_preflight(check.recipe))])
    moving = transfer(qtbot, fake_hub)
    moving.report(247_000_000, 988_000_000)
    bar = dialog.findChild(DownloadBar)
    qtbot.waitUntil(lambda: "247 MB of 988 MB" in bar.text)
    progress = bar.findChild(QProgressBar)
    assert progress.value() / progress.maximum() == 0.25
    assert session.recipe.checkpoints()[1].source != f"hub:{QWEN}"
    moving.finish()
    qtbot.waitUntil(lambda: session.recipe.checkpoints()[1].source == f"hub:{QWEN}")
    assert "downloaded and used as: Expert “Qwen2.5-0.5B”" in dialog.message.message
    assert not bar.isVisible()
    command = bridge.last(Load)
    assert isinstance(command, Load)
    assert command.recipe.checkpoints()[1].source == f"hub:{QWEN}"


def test_a_vocabulary_that_does_not_fit_is_told_before_the_download(
    qtbot: QtBot, dialog: HubDialog, fake_hub: FakeHub, bridge: FakeBridge
) -> None:
    choose(qtbot, dialog, QWEN)
    click(qtbot, dialog.action)
    check = asked_check(qtbot, bridge)
    bridge.events.emit([Checked(check.id, different(invent_preflight(check.recipe), 1))])
    assert (
        "60 of 100 tokens differ; id 9 is “foo” in the base and “bar” in this model"
        in dialog.message.message
    )
    assert fake_hub.transfers == []
    assert dialog.action.text() == "Download anyway"
    click(qtbot, dialog.action)  # perhaps the other roles are to be changed next
    transfer(qtbot, fake_hub)


def test_an_unusable_model_is_told_before_the_download(
    qtbot: QtBot, dialog: HubDialog, fake_hub: FakeHub, bridge: FakeBridge
) -> None:
    choose(qtbot, dialog, QWEN)
    click(qtbot, dialog.action)
    check = asked_check(qtbot, bridge)
    error = CheckpointError("The model can read text but not continue it")
    bridge.events.emit([Failed(check.id, error)])
    assert "not continue it" in dialog.message.message
    assert fake_hub.transfers == []


def test_another_role_that_is_not_here_does_not_hold_the_download_up(
    qtbot: QtBot, dialog: HubDialog, fake_hub: FakeHub, bridge: FakeBridge
) -> None:
    choose(qtbot, dialog, QWEN)
    click(qtbot, dialog.action)
    check = asked_check(qtbot, bridge)
    bridge.events.emit([Failed(check.id, NotDownloadedError("hub:other/base"))])
    assert "other/base is not on this machine yet" in dialog.message.message
    transfer(qtbot, fake_hub)


def test_check_alone_downloads_no_weights_and_can_be_stopped(
    qtbot: QtBot, dialog: HubDialog, fake_hub: FakeHub, bridge: FakeBridge
) -> None:
    choose(qtbot, dialog, QWEN)
    click(qtbot, dialog.check)
    asked_check(qtbot, bridge)
    click(qtbot, dialog.cancel_check)
    assert dialog.action.isEnabled()
    bridge.check(kind=Check)  # too late
    assert dialog.message.message == ""
    click(qtbot, dialog.check)
    qtbot.waitUntil(lambda: len([c for c in bridge.commands if isinstance(c, Check)]) == 2)
    bridge.check(kind=Check)
    assert dialog.message.message == "The vocabularies match: 100 tokens."
    assert fake_hub.transfers == []


def test_cancel_and_retry(
    qtbot: QtBot, dialog: HubDialog, fake_hub: FakeHub, bridge: FakeBridge, session: Session
) -> None:
    choose(qtbot, dialog, QWEN)
    click(qtbot, dialog.action)
    asked_check(qtbot, bridge)
    bridge.check(kind=Check)
    first = transfer(qtbot, fake_hub)
    bar = dialog.findChild(DownloadBar)
    click(qtbot, bar.cancel)
    qtbot.waitUntil(lambda: first.cancelled)
    assert not bar.isVisible()
    assert dialog.action.isEnabled()
    click(qtbot, dialog.action)
    qtbot.waitUntil(lambda: len([c for c in bridge.commands if isinstance(c, Check)]) == 2)
    bridge.check(kind=Check)
    qtbot.waitUntil(lambda: len(fake_hub.transfers) == 2)
    fake_hub.transfers[1].finish(HubError("The connection to the Hub was lost"))
    qtbot.waitUntil(lambda: "connection to the Hub was lost" in bar.text)
    click(qtbot, bar.retry)
    qtbot.waitUntil(lambda: len(fake_hub.transfers) == 3)
    fake_hub.transfers[2].finish()
    qtbot.waitUntil(lambda: session.recipe.checkpoints()[1].source == f"hub:{QWEN}")


def test_a_gated_model_shows_the_link_and_the_step(
    qtbot: QtBot, dialog: HubDialog, fake_hub: FakeHub
) -> None:
    choose(qtbot, dialog, "meta-llama/Llama-2-7b-hf")
    link = "https://huggingface.co/meta-llama/Llama-2-7b-hf"
    assert "accept its terms" in dialog.facts.message
    assert f'<a href="{link}">' in dialog.facts.text()
    error = HubError("It is gated", next_step=f"Open {link}, accept its terms, then log in.")
    fake_hub.errors["fetch_metadata"] = error
    click(qtbot, dialog.action)
    qtbot.waitUntil(lambda: str(error) in dialog.message.message)
    assert f'<a href="{link}">{link}</a>,' in dialog.message.text()
    assert dialog.action.text() == "Download 13.5 GB"  # to be tried again once agreed


def test_offline_lists_what_is_here_and_that_can_be_used(
    qtbot: QtBot, dialog: HubDialog, fake_hub: FakeHub, session: Session
) -> None:
    fake_hub.errors["search"] = hub.UnreachableError("The Hub cannot be reached")
    search(qtbot, dialog, "qwen")
    qtbot.waitUntil(lambda: "cannot be reached" in dialog.message.message)
    assert "The list shows the downloaded models" in dialog.message.message
    dialog.table.selectRow(0)
    assert dialog.action.text() == "Use"
    click(qtbot, dialog.action)
    assert session.recipe.checkpoints()[1].source == "hub:HuggingFaceTB/SmolLM2-135M"
    assert not dialog.isVisible()
    assert [name for name, _ in fake_hub.online] == ["search"]


def test_the_revision_is_part_of_what_is_chosen(
    qtbot: QtBot, dialog: HubDialog, fake_hub: FakeHub, bridge: FakeBridge, session: Session
) -> None:
    choose(qtbot, dialog, QWEN)
    dialog.revision.clear()
    qtbot.keyClicks(dialog.revision, "v1.0")
    assert dialog.action.text() == "Look up"  # what was said was said of another revision
    qtbot.keyClick(dialog.revision, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: dialog.action.text() == "Download 988 MB")
    click(qtbot, dialog.action)
    asked_check(qtbot, bridge)
    bridge.check(kind=Check)
    transfer(qtbot, fake_hub).finish()
    qtbot.waitUntil(lambda: session.recipe.checkpoints()[1].source == f"hub:{QWEN}@v1.0")


@pytest.mark.parametrize("text", ["a/b/c", "owner/..", "owner/name@a b"])
def test_what_cannot_be_a_name_is_refused_without_asking(
    qtbot: QtBot, dialog: HubDialog, fake_hub: FakeHub, text: str
) -> None:
    search(qtbot, dialog, text)
    assert "is not the name of a model" in dialog.message.message
    assert fake_hub.online == []


def test_too_little_disk_is_told_when_it_is_looked_up(
    qtbot: QtBot, dialog: HubDialog, fake_hub: FakeHub
) -> None:
    fake_hub.disk = 500_000_000
    choose(qtbot, dialog, QWEN)
    assert dialog.message.message == "The download needs 988 MB of disk space; 500 MB are free."


def test_while_a_run_is_on_nothing_is_put_into_the_recipe(
    qtbot: QtBot, dialog: HubDialog, fake_hub: FakeHub, bridge: FakeBridge, session: Session
) -> None:
    choose(qtbot, dialog, QWEN)
    click(qtbot, dialog.action)
    asked_check(qtbot, bridge)
    bridge.check(kind=Check)
    moving = transfer(qtbot, fake_hub)
    session.runs.generate("Once upon a time")
    moving.finish()
    qtbot.waitUntil(lambda: "after the run has ended" in dialog.message.message)
    qtbot.waitUntil(lambda: dialog.action.text() == "Use")
    assert not dialog.action.isEnabled()
    bridge.finish_run()
    click(qtbot, dialog.action)
    assert session.recipe.checkpoints()[1].source == f"hub:{QWEN}"


def test_closing_leaves_the_download_going_and_the_recipe_alone(
    qtbot: QtBot, dialog: HubDialog, fake_hub: FakeHub, bridge: FakeBridge, session: Session
) -> None:
    choose(qtbot, dialog, QWEN)
    click(qtbot, dialog.action)
    asked_check(qtbot, bridge)
    bridge.check(kind=Check)
    moving = transfer(qtbot, fake_hub)
    click(qtbot, dialog.close_button)
    with qtbot.waitSignal(session.downloads.finished):
        moving.finish()
    assert session.recipe.checkpoints()[1].source != f"hub:{QWEN}"


def test_every_control_has_a_name_and_the_tab_key_reaches_it(
    qtbot: QtBot, dialog: HubDialog
) -> None:
    choose(qtbot, dialog, QWEN)
    controls = [dialog.text, dialog.table, dialog.role, dialog.revision]
    assert all(control.accessibleName() for control in controls)
    dialog.text.setFocus()
    reached = set()
    for _ in range(20):
        reached.add(dialog.focusWidget())
        qtbot.keyClick(dialog.focusWidget(), Qt.Key.Key_Tab)
    assert {*controls, dialog.search, dialog.check, dialog.action, dialog.close_button} <= reached
    edits = [edit for edit in dialog.findChildren(QLineEdit) if edit.isVisible()]
    for edit in edits:  # Enter belongs to the field, not to a button
        assert not any(button.isDefault() for button in dialog.findChildren(type(dialog.action)))
        assert edit.isEnabled()
