"""The options of one role: nothing before OK, one step to undo, and a template only by choice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app import extras
from app.checkpoints.spec import CHAT, PLAIN, PromptFormat
from app.engine.commands import Check, Load
from app.ui.recipe.prompt_dialogs import show_role_options
from app.ui.recipe.prompt_fields import FOLLOWS
from app.ui.recipe.prompt_preview import PromptPreview
from app.ui.recipe.role_options import RoleOptions
from app.ui.state.session import Session
from tests.ui.conftest import FakeBridge, invent_preflight

OK, APPLY = QDialogButtonBox.StandardButton.Ok, QDialogButtonBox.StandardButton.Apply


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    return window


@pytest.fixture
def options(loaded_session: Session, window: QWidget, bridge: FakeBridge) -> RoleOptions:
    return show_role_options(loaded_session, 1, window)


def pick(options: RoleOptions, format_: str) -> None:
    options.prompt.kind.setCurrentIndex(options.prompt.kind.findData(format_))


def button(options: RoleOptions, kind: QDialogButtonBox.StandardButton) -> QPushButton:
    return options.findChild(QDialogButtonBox).button(kind)


def words(options: RoleOptions) -> str:
    return "\n".join(label.text() for label in options.findChildren(QLabel) if label.isVisible())


def test_nothing_changes_before_ok(options: RoleOptions, session: Session) -> None:
    before = session.recipe
    options.quantization.setCurrentIndex(options.quantization.findData("nf4"))
    options.offload.setChecked(True)
    assert session.recipe == before
    options.reject()
    assert session.recipe == before


def test_everything_is_one_step_to_undo(
    options: RoleOptions, session: Session, bridge: FakeBridge
) -> None:
    before = session.recipe
    options.dtype.setCurrentIndex(options.dtype.findData("float16"))
    options.device.setCurrentIndex(options.device.findData("cpu"))
    options.quantization.setCurrentIndex(options.quantization.findData("int8"))
    options.offload.setChecked(True)
    pick(options, CHAT)
    options.prompt.system.setPlainText("Be brief.")
    button(options, OK).click()
    expert = session.recipe.pairs[0].expert
    assert expert == replace(
        before.pairs[0].expert,
        dtype="float16",
        device="cpu",
        quantization="int8",
        offload=True,
        prompt=CHAT,
        system="Be brief.",
    )
    assert bridge.last(Load).recipe.pairs[0].expert == expert
    session.undo_stack.undo()
    assert session.recipe == before


def test_the_engine_is_a_choice_for_gguf_files(
    options: RoleOptions, session: Session, bridge: FakeBridge
) -> None:
    engine = options.engine
    assert not any(control.isVisible() for control in engine.controls)
    spec = replace(session.recipe.pairs[0].expert, source="gguf:/models/a.gguf", gpu_layers=7)
    session.set_spec(1, spec)
    assert engine.engine.isVisible()
    engine.engine.setCurrentIndex(engine.engine.findData("llama.cpp"))
    assert engine.layers.currentText() == "a number"
    assert engine.layer_count.isVisible()
    assert {label.buddy() for label in options.findChildren(QLabel)} >= set(engine.controls)
    assert engine.layer_count.value() == 7
    engine.layer_count.setValue(12)
    assert options.spec().gpu_layers == 12
    assert [control.isVisible() for control in engine.controls] == [True] * 3
    assert not options.dtype.isVisible()
    engine.layers.setCurrentIndex(engine.layers.findData("0"))
    assert not engine.layer_count.isVisible()
    engine.kv_cache.setCurrentIndex(engine.kv_cache.findData("q8_0"))
    options.apply()
    changed = replace(spec, engine="llama.cpp", gpu_layers=0, kv_cache="q8_0")
    assert session.recipe.pairs[0].expert == changed
    engine.engine.setCurrentIndex(engine.engine.findData("transformers"))
    assert [control.isVisible() for control in engine.controls] == [True, False, False]
    assert options.dtype.isVisible()


def test_without_llama_cpp_a_line_says_what_it_would_bring(
    options: RoleOptions, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(extras._MODULES, "llama", "a_module_that_is_nowhere")
    hint = "With llama.cpp this file would stay quantized"
    assert hint not in words(options)
    spec = replace(session.recipe.pairs[0].expert, source="gguf:/models/a.gguf")
    session.set_spec(1, spec)
    assert hint in words(options)
    assert "tuneshift[llama]" in words(options)
    engine = options.engine
    assert [control.isVisible() for control in engine.controls] == [True, False, False]
    engine.engine.setCurrentIndex(engine.engine.findData("transformers"))
    assert hint not in words(options)


def test_it_says_what_auto_means_for_a_gguf_file(
    options: RoleOptions, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(extras._MODULES, "llama", "json")  # a module that is there
    spec = replace(session.recipe.pairs[0].expert, source="gguf:/models/a.gguf")
    session.set_spec(1, spec)
    assert "llama.cpp reads this file." in words(options)
    options.quantization.setCurrentIndex(options.quantization.findData("nf4"))
    assert "transformers reads this file, because" in words(options)
    assert not options.engine.kv_cache.isVisible()
    options.engine.engine.setCurrentIndex(options.engine.engine.findData("transformers"))
    assert "reads this file" not in words(options)


def test_devices_are_those_of_the_machine_and_the_one_that_is_set(
    session: Session, bridge: FakeBridge, window: QWidget
) -> None:
    bridge.ready()
    session.set_spec(0, replace(session.recipe.base, device="cuda:3"))
    options = show_role_options(session, 0, window)
    devices = [options.device.itemData(index) for index in range(options.device.count())]
    assert devices == ["auto", "cpu", "cuda:3"]
    assert options.device.currentData() == "cuda:3"


def test_a_file_for_llama_cpp_is_given_one_of_its_own_devices(
    session: Session, bridge: FakeBridge, window: QWidget
) -> None:
    bridge.ready("cuda:0", "vulkan:0", "vulkan:1")
    spec = replace(session.recipe.base, source="gguf:/models/a.gguf", engine="llama.cpp")
    session.set_spec(0, spec)
    options = show_role_options(session, 0, window)
    assert options.device.isVisible()
    items = {
        options.device.itemData(index): options.device.model().item(index).isEnabled()  # type: ignore[attr-defined]
        for index in range(options.device.count())
    }
    assert items == {
        "auto": True, "cuda:0": False, "vulkan:0": True, "vulkan:1": True, "cpu": True,
    }  # fmt: skip
    options.device.setCurrentIndex(options.device.findData("vulkan:1"))
    options.apply()
    assert session.recipe.base == replace(spec, device="vulkan:1")
    options.engine.engine.setCurrentIndex(options.engine.engine.findData("transformers"))
    assert options.device.model().item(1).isEnabled()  # type: ignore[attr-defined]
    assert not options.device.model().item(2).isEnabled()  # type: ignore[attr-defined]


def test_a_template_needs_a_place_for_the_prompt(options: RoleOptions, session: Session) -> None:
    pick(options, "own")
    assert options.prompt.template.isVisible()
    assert button(options, OK).isEnabled()
    options.prompt.template.setPlainText("{system} without")
    assert not button(options, OK).isEnabled()
    assert "{prompt}" in words(options)
    options.prompt.template.setPlainText("Q: {prompt}\nA:")
    options.prompt.system.setPlainText("lost")
    assert not button(options, APPLY).isEnabled()
    options.prompt.system.clear()
    button(options, APPLY).click()
    assert session.recipe.pairs[0].expert.prompt == "Q: {prompt}\nA:"
    assert options.isVisible()


def test_plain_text_has_no_system_prompt(options: RoleOptions, session: Session) -> None:
    pick(options, CHAT)
    options.prompt.system.setPlainText("Be brief.")
    pick(options, PLAIN)
    assert not options.prompt.system.isVisible()
    assert options.spec().system == ""


@pytest.mark.parametrize("chat", [True, False])
def test_a_chat_template_is_offered_and_never_imposed(
    session: Session, bridge: FakeBridge, window: QWidget, chat: bool
) -> None:
    session.load()
    bridge.ready()
    options = show_role_options(session, 1, window)
    bridge.check(invent_preflight(session.recipe, chat=chat))
    assert options.prompt.kind.currentData() == FOLLOWS
    item = options.prompt.kind.model().item(options.prompt.kind.findData(CHAT))  # type: ignore[attr-defined]
    assert item.isEnabled() is chat
    assert ("chat template" in words(options)) is chat


def test_a_role_follows_the_recipe_unless_it_has_its_own(
    options: RoleOptions, session: Session
) -> None:
    assert options.prompt.kind.currentData() == FOLLOWS
    assert "plain text" in words(options)
    session.set_formats(session.recipe.with_format(PromptFormat(CHAT, "Be brief.")))
    assert options.prompt.kind.currentData() == FOLLOWS
    assert "chat template with a system prompt" in words(options)
    pick(options, PLAIN)
    button(options, APPLY).click()
    assert session.recipe.pairs[0].expert.prompt_format == PromptFormat()
    pick(options, FOLLOWS)
    button(options, APPLY).click()
    assert session.recipe.pairs[0].expert.prompt_format == PromptFormat(CHAT, "Be brief.")


def test_it_follows_undo_and_closes_when_its_pair_is_gone(
    options: RoleOptions, session: Session
) -> None:
    session.set_spec(1, replace(session.recipe.pairs[0].expert, dtype="float32"))
    assert options.dtype.currentData() == "float32"
    options.quantization.setCurrentIndex(1)
    session.set_alpha(0, 3.0)
    assert options.quantization.currentIndex() == 1  # what is not applied yet stays
    session.undo_stack.undo()
    session.undo_stack.undo()
    assert options.dtype.currentData() == "auto"
    session.remove_pair(0)
    assert not options.isVisible()


def test_it_waits_for_the_run(options: RoleOptions, session: Session, bridge: FakeBridge) -> None:
    session.runs.generate("Once")
    assert not button(options, OK).isEnabled()
    assert "run" in words(options)
    bridge.finish_run()
    assert button(options, OK).isEnabled()


def test_it_is_open_once_for_each_role(
    options: RoleOptions, session: Session, window: QWidget
) -> None:
    assert show_role_options(session, 1, window) is options
    assert show_role_options(session, 2, window) is not options


def test_preview_shows_the_role(
    options: RoleOptions, session: Session, window: QWidget, bridge: FakeBridge
) -> None:
    next(b for b in options.findChildren(QPushButton) if "preview" in b.text()).click()
    preview = window.findChild(PromptPreview)
    assert preview.isVisible()
    assert preview.roles.currentItem().text() == "expert “Shakespeare”"
    assert bridge.last(Check)


def test_keys_alone_reach_everything(qtbot: QtBot, options: RoleOptions) -> None:
    pick(options, "own")
    options.activateWindow()
    options.dtype.setFocus()
    reached = set()
    for _ in range(20):
        focus = QApplication.focusWidget()
        assert focus is not None
        reached.add(focus)
        qtbot.keyClick(focus, Qt.Key.Key_Tab)
    fields = {options.dtype, options.device, options.quantization, options.offload}
    fields |= {
        options.prompt.kind,
        options.prompt.template,
        options.prompt.system,
        button(options, OK),
    }
    assert fields <= reached
    assert all(field.accessibleName() for field in fields if not isinstance(field, QPushButton))
