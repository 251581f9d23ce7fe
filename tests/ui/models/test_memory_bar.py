"""The memory of a recipe: a bar to scale, its caption, and changes with one click."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.checkpoints.preflight_report import DeviceMemory, MemoryChange, MemoryEstimate, MemoryPart
from app.engine.commands import Load
from app.engine.events import Failed
from app.errors import CheckpointError
from app.ui.models.memory_bar import MemoryBar
from app.ui.models.memory_dialog import MemoryDialog, Swatch, show_memory
from app.ui.state.memory_use import MemoryUse
from app.ui.state.session import Session
from app.ui.status_bar import StatusBar
from app.ui.theme import current_theme
from tests.ui.conftest import FakeBridge, invent_preflight


@pytest.fixture
def bar(qtbot: QtBot, session: Session, bridge: FakeBridge) -> MemoryBar:
    bar = MemoryBar(session)
    qtbot.addWidget(bar)
    bar.resize(250, bar.sizeHint().height())
    bar.show()
    session.load()
    bridge.ready()
    return bar


@pytest.fixture
def dialog(bar: MemoryBar, session: Session, bridge: FakeBridge) -> MemoryDialog:
    """What is said of a recipe that does not fit, with two ways to make it smaller."""
    checked = bridge.last(Load).recipe  # type: ignore[attr-defined]
    expert = replace(checked.pairs[0].expert, quantization="nf4")
    changes = (
        MemoryChange(
            "NF4 for the pair Shakespeare", checked.with_role(1, expert), 30_000_000, True
        ),
        MemoryChange("A context of 256 tokens", replace(checked, context=256), 60_000_000, False),
    )
    bridge.check(invent_preflight(checked, fits=False, changes=changes))
    bar.click()
    return bar.findChild(MemoryDialog)


def use_buttons(dialog: MemoryDialog) -> list[QPushButton]:
    return [b for b in dialog.findChildren(QPushButton) if b.text() == "Apply" and b.isVisible()]


def words(dialog: MemoryDialog) -> list[str]:
    return [label.text() for label in dialog.findChildren(QLabel) if label.isVisible()]


def test_the_dialog_says_what_earlier_texts_may_take(
    bar: MemoryBar, session: Session, bridge: FakeBridge
) -> None:
    found = invent_preflight(session.recipe)
    (device,) = found.memory.devices
    memory = replace(found.memory, devices=(replace(device, earlier_texts=1_500_000_000),))
    bridge.check(replace(found, memory=memory))
    bar.click()
    shown = words(bar.findChild(MemoryDialog))
    place = shown.index("KV caches of earlier texts, of what is left: at most")
    assert shown[place + 1] == "1.5 GB"


def test_the_caption_says_what_is_known(
    bar: MemoryBar, session: Session, bridge: FakeBridge
) -> None:
    assert bar.captions == ["Memory: being estimated …"]
    bridge.check()
    assert bar.captions == ["Memory: 65 MB of 8.0 GB free"]
    assert bar.accessibleName() == "Memory: 65 MB of 8.0 GB free"
    assert "expert “Shakespeare” 10 MB" in bar.accessibleDescription()
    assert "cache: 4.0 MB" in bar.toolTip()
    bridge.check(invent_preflight(session.recipe, fits=False))
    assert bar.captions == ["Memory: ⚠ needs 70 MB, 32 MB free"]
    session.set_source(0, "folder:/nowhere")
    bridge.events.emit([Failed(bridge.last(Load).id, CheckpointError("missing"))])
    assert bar.captions == ["Memory: cannot be estimated"]


def test_every_device_has_a_bar(bar: MemoryBar, session: Session, bridge: FakeBridge) -> None:
    low = bar.sizeHint().height()
    found = invent_preflight(session.recipe)
    cpu = found.memory.devices[0]
    gpu = DeviceMemory("cuda:0", (MemoryPart("base", "weights", 3 * 10**9),), 4 * 10**9, 10**10, 0)
    bridge.check(replace(found, memory=MemoryEstimate(512, (gpu, cpu))))
    assert bar.captions == ["cuda:0: 3.0 GB of 10.0 GB free", "cpu: 65 MB of 8.0 GB free"]
    assert bar.sizeHint().height() > 1.8 * low - 8
    assert bar.accessibleName().startswith("Memory: cuda:0")


def test_the_bar_is_to_scale_and_in_the_pairs_colours(
    bar: MemoryBar, session: Session, bridge: FakeBridge
) -> None:
    bridge.check(invent_preflight(session.recipe, fits=False))
    assert session.preflight is not None
    device = session.preflight.memory.devices[0]
    segments = bar.segments(device)
    assert [s.share * device.peak for s in segments] == pytest.approx(
        [p.size for p in device.parts]
    )
    theme = current_theme()
    assert segments[1].color == theme.pair_color(0)
    assert segments[3].color == theme.pair_color(1)
    colors = [segment.color.name() for segment in segments]
    assert len(set(colors)) == len(colors)
    image = bar.grab().toImage()
    middle = 2 + 6
    left = 2 + (bar.width() - 4) * 25 / 70  # in the first expert's stretch, from 20 to 30 of 70
    assert image.pixelColor(round(left), middle) == theme.pair_color(0)


def test_weights_that_roles_share_have_the_first_ones_colour(
    bar: MemoryBar, session: Session, bridge: FakeBridge
) -> None:
    found = invent_preflight(session.recipe)
    label = "anti-expert “Shakespeare” and anti-expert “Arithmetic”"
    device = DeviceMemory("cpu", (MemoryPart(label, "weights", 100),), 100, 100, 100)
    bridge.check(found)
    color = bar.segments(device)[0].color
    of_its_own = bar.segments(replace(device, parts=(MemoryPart(label[:25], "weights", 100),)))
    assert color == of_its_own[0].color


def test_the_parts_are_listed(dialog: MemoryDialog) -> None:
    shown = words(dialog)
    assert "⚠ cpu: 70 MB needed at peak, 32 MB free" in shown
    assert shown[shown.index("base") + 1] == "20 MB"
    assert "NF4 for the pair Shakespeare: 30 MB, fits" in shown
    assert "A context of 256 tokens: 60 MB, still too large" in shown
    assert len(dialog.findChildren(Swatch)) == 7


def test_it_grows_with_what_is_known(bar: MemoryBar, session: Session, bridge: FakeBridge) -> None:
    dialog = show_memory(session, bar)
    assert any("being estimated" in text for text in words(dialog))
    bridge.check()
    assert "cpu: 65 MB of 8.0 GB free" in words(dialog)
    assert dialog.height() >= dialog.sizeHint().height()
    assert dialog.width() >= dialog.sizeHint().width()


def test_a_change_is_one_click_and_one_step_to_undo(
    dialog: MemoryDialog, session: Session, bridge: FakeBridge
) -> None:
    before = session.recipe
    use_buttons(dialog)[0].click()
    assert session.recipe.pairs[0].expert.quantization == "nf4"
    assert bridge.last(Load).recipe.pairs[0].expert.quantization == "nf4"  # type: ignore[attr-defined]
    bridge.check()
    assert use_buttons(dialog) == []
    assert "cpu: 65 MB of 8.0 GB free" in words(dialog)
    session.undo_stack.undo()
    assert session.recipe == before


def test_a_person_can_override(dialog: MemoryDialog, session: Session, bridge: FakeBridge) -> None:
    anyway = next(b for b in dialog.findChildren(QPushButton) if b.text() == "Load anyway")
    assert anyway.isVisible()
    anyway.click()
    load = bridge.last(Load)
    assert load.although_full  # type: ignore[attr-defined]
    bridge.check()
    assert not anyway.isVisible()


def test_the_context_is_taken_when_it_is_typed_in_full(
    qtbot: QtBot, dialog: MemoryDialog, session: Session, bridge: FakeBridge
) -> None:
    loads = len(bridge.commands)
    dialog.context.setFocus()
    dialog.context.selectAll()
    qtbot.keyClicks(dialog.context, "2048")
    assert len(bridge.commands) == loads
    qtbot.keyClick(dialog.context, Qt.Key.Key_Return)
    assert session.recipe.context == 2048
    assert dialog.isVisible()
    session.undo_stack.undo()
    assert session.recipe.context == 0
    assert dialog.context.value() == 0


def test_changes_wait_for_the_run(
    dialog: MemoryDialog, session: Session, bridge: FakeBridge
) -> None:
    session.runs.generate("Once")
    assert not any(button.isEnabled() for button in use_buttons(dialog))
    assert not dialog.context.isEnabled()
    bridge.finish_run()
    assert all(button.isEnabled() for button in use_buttons(dialog))


def test_keys_open_it_and_the_focus_survives_a_change(
    qtbot: QtBot, bar: MemoryBar, dialog: MemoryDialog, session: Session, bridge: FakeBridge
) -> None:
    dialog.close()
    bar.setFocus()
    qtbot.keyClick(bar, Qt.Key.Key_Space)
    again = next(d for d in bar.findChildren(MemoryDialog) if d.isVisible())
    button = use_buttons(again)[0]
    assert button.accessibleName() == "Apply: NF4 for the pair Shakespeare"
    again.activateWindow()
    button.setFocus()
    qtbot.keyClick(button, Qt.Key.Key_Space)
    bridge.check()
    focus = again.focusWidget()
    assert isinstance(focus, QPushButton)
    assert focus.text() == "Close"


def test_what_the_loaded_models_take_is_one_figure_in_all_views(
    bar: MemoryBar, session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    taken = 300_000_000
    session.memory_use = MemoryUse(session, lambda: taken)
    status, own_bar = StatusBar(session), MemoryBar(session)
    qtbot.addWidget(status)
    qtbot.addWidget(own_bar)
    session.load()
    bridge.ready()
    bridge.check()
    dialog = MemoryDialog(session)
    qtbot.addWidget(dialog)
    dialog.show()

    def shown() -> set[str]:
        status_text = status._memory.text()
        return {
            *own_bar.captions,
            *([status_text] if status_text else []),
            *(
                w
                for w in words(dialog)
                if "in use" in w or "used" in w or w in ("200 MB", "350 MB")
            ),
        }

    assert shown() == {"Memory: 65 MB of 8.0 GB free"}, "nothing is loaded"
    taken = 500_000_000
    bridge.finish_load()
    expected = {"in use now, measured", "200 MB", "Uses 200 MB, needs 65 MB of 8.0 GB"}
    assert expected <= shown()
    assert any(word.startswith("of it packed copies") for word in words(dialog))
    taken = 650_000_000
    session.memory_use.refresh()
    assert "350 MB" in shown()
    assert "Uses 350 MB, needs 65 MB of 8.0 GB" in shown()
    assert "300 MB" in status._memory.toolTip()
    session.set_source(0, "builtin:demo/arithmetic")  # another recipe: nothing stays
    assert not any("350" in each or "in use" in each or "Uses" in each for each in shown())
    taken = 500_000_000
    bridge.check()
    bridge.finish_load()
    assert "Uses 200 MB, needs 65 MB of 8.0 GB" in shown()
