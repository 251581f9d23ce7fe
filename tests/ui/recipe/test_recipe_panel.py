"""The left-hand column: recipes, checkpoints of roles, pairs, and what loading shows."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QApplication,
    QComboBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QScrollBar,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.checkpoints.recipes.recipe_file import find_recipe, read_recipe, write_recipe
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.checkpoints.status import LoadProgress, RoleInForce
from app.engine.commands import Load
from app.engine.events import Failed, Loaded, Loading
from app.errors import CheckpointError, NotDownloadedError
from app.settings import Settings
from app.ui.recipe.pair_card import PairCard
from app.ui.recipe.recipe_column import RecipeColumn
from app.ui.recipe.recipe_panel import RecipePanel
from app.ui.recipe.recipe_picker import RecipePicker
from app.ui.recipe.role_caption import details
from app.ui.recipe.role_options import RoleOptions
from app.ui.recipe.role_picker import RolePicker
from app.ui.state.session import LoadState, Session
from app.ui.theme import DARK, LIGHT, palette, stylesheet
from app.ui.widgets.alpha_slider import AlphaSlider
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.form_controls import ChoiceBox, NumberBox
from app.ui.widgets.tab_order import tab_stops
from app.ui.words.source_titles import describe_source, titles_of
from tests import tiny, tiny_gguf
from tests.ui.conftest import FakeBridge, invent_preflight


@pytest.fixture
def panel(qtbot: QtBot, session: Session) -> RecipePanel:
    panel = RecipePanel(session)
    qtbot.addWidget(panel)
    panel.resize(276, 620)
    with qtbot.waitExposed(panel):
        panel.show()
    return panel


def cards(panel: RecipePanel) -> list[PairCard]:
    return [card for card in panel.findChildren(PairCard) if not card.isHidden()]


def roles(panel: RecipePanel) -> list[RolePicker]:
    return [role for role in panel.findChildren(RolePicker) if role.isVisible()]


def captions(panel: RecipePanel) -> list[str]:
    return [role.findChild(ElidedLabel).full_text for role in roles(panel)]


def pick(choice: QComboBox, text: str) -> None:
    """Choose an item as the pop-up does."""
    index = choice.findText(text)
    assert index >= 0, [choice.itemText(i) for i in range(choice.count())]
    choice.setCurrentIndex(index)
    choice.activated.emit(index)


def last_load(bridge: FakeBridge) -> Load:
    command = bridge.last(Load)
    assert isinstance(command, Load)
    return command


def add_button(panel: RecipePanel) -> QPushButton:
    return next(b for b in panel.findChildren(QPushButton) if "Add" in b.text())


def choose_to_add(panel: RecipePanel, text: str) -> None:
    """Choose an entry of the menu of the button that adds pairs."""
    menu = add_button(panel).menu()
    next(action for action in menu.actions() if text in action.text()).trigger()


# Pairs


def test_pairs_are_added_removed_and_undone(panel: RecipePanel, session: Session) -> None:
    first = cards(panel)[0]
    choose_to_add(panel, "Expert pair")
    assert len(session.recipe.pairs) == len(cards(panel)) == 3
    assert isinstance(QApplication.focusWidget(), QLineEdit)
    assert QApplication.focusWidget().selectedText() == "Pair 3"
    session.undo_stack.undo()
    assert len(cards(panel)) == 2
    session.remove_pair(0)
    assert len(cards(panel)) == 1
    assert cards(panel)[0] is first
    assert first.findChild(NumberBox).value() == 0.4
    session.undo_stack.undo()
    assert [c.findChild(NumberBox).value() for c in cards(panel)] == [1.0, 0.4]


def test_a_persona_is_one_click_and_its_text_is_typed_at_once(
    qtbot: QtBot, panel: RecipePanel, session: Session, bridge: FakeBridge
) -> None:
    session.load()
    bridge.ready()
    bridge.check(invent_preflight(session.recipe, chat=True))
    choose_to_add(panel, "Persona")
    pair = session.recipe.pairs[-1]
    assert len(cards(panel)) == 3
    assert pair.antiexpert == session.recipe.base
    assert pair.expert == replace(session.recipe.base, prompt="chat", system=pair.expert.system)
    options = panel.window().findChild(RoleOptions)
    focus = options.focusWidget()
    assert focus is options.prompt.system
    qtbot.keyClicks(focus, "Be a poet.")
    options.accept()
    assert session.recipe.pairs[-1].expert.system == "Be a poet."
    session.undo_stack.undo()
    session.undo_stack.undo()
    assert len(session.recipe.pairs) == 2


def test_options_open_beside_the_choice(panel: RecipePanel, session: Session) -> None:
    role = roles(panel)[1]
    button = role.findChild(QToolButton)
    assert button.accessibleName() == "Options of expert of Shakespeare"
    session.set_spec(1, replace(session.recipe.pairs[0].expert, prompt="chat", system="Be brief."))
    assert "chat template" in button.toolTip()
    assert "Be brief." in button.toolTip()
    button.click()
    assert panel.window().findChild(RoleOptions).isVisible()


def test_alpha_rebuilds_nothing_and_keeps_the_focus(
    qtbot: QtBot, panel: RecipePanel, session: Session
) -> None:
    before = panel.findChildren(QWidget)
    slider = cards(panel)[1].findChild(AlphaSlider)
    slider.setFocus()
    for _ in range(5):
        qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert session.recipe.alphas[1] == 0.65
    assert panel.findChildren(QWidget) == before
    assert QApplication.focusWidget() is slider


def test_adding_waits_for_the_run(panel: RecipePanel, loaded_session: Session) -> None:
    loaded_session.runs.generate("Once")
    assert not add_button(panel).isEnabled()
    assert "run" in add_button(panel).toolTip()
    assert not panel.findChild(RecipePicker).findChild(ChoiceBox).isEnabled()


# Checkpoints


def test_picking_a_checkpoint_loads_it(
    panel: RecipePanel, session: Session, bridge: FakeBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    pick(roles(panel)[1].findChild(ChoiceBox), "Arithmetic")
    assert session.recipe.pairs[0].expert.source == "builtin:demo/arithmetic"
    assert last_load(bridge).recipe == session.recipe


def test_folder_dialog_starts_in_the_model_folder(
    qtbot: QtBot, panel: RecipePanel, session: Session, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    session.set_settings(Settings(model_folder=str(tmp_path)))
    choice = roles(panel)[0].findChild(ChoiceBox)
    pick(choice, "Folder …")
    assert choice.currentText() == "Base"
    dialog = roles(panel)[0].findChild(QFileDialog)
    assert dialog.isVisible()
    assert Path(dialog.directory().path()) == tmp_path
    dialog.fileSelected.emit(str(tmp_path / "mine"))
    dialog.close()
    assert session.recipe.base.source == f"folder:{tmp_path / 'mine'}"
    assert choice.currentText() == "mine"
    assert choice.toolTip() == str(tmp_path / "mine")


def drop(widget: QWidget, path: Path) -> bool:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    action = Qt.DropAction.CopyAction
    enter = QDragEnterEvent(QPoint(5, 5), action, data, buttons, keys)
    enter.setAccepted(False)
    QApplication.sendEvent(widget, enter)
    if enter.isAccepted():
        QApplication.sendEvent(widget, QDropEvent(QPointF(5, 5), action, data, buttons, keys))
    return enter.isAccepted()


def test_a_dropped_folder_is_used(panel: RecipePanel, session: Session, tmp_path: Path) -> None:
    (tmp_path / "file.txt").touch()
    assert not drop(roles(panel)[2], tmp_path / "file.txt")
    assert drop(roles(panel)[2], tmp_path)
    assert session.recipe.pairs[0].antiexpert.source == f"folder:{tmp_path}"


def test_a_dropped_gguf_file_is_used(panel: RecipePanel, session: Session, tmp_path: Path) -> None:
    (tmp_path / "small.gguf").touch()
    assert drop(roles(panel)[0], tmp_path / "small.gguf")
    assert session.recipe.base.source == f"gguf:{tmp_path / 'small.gguf'}"
    assert roles(panel)[0].findChild(ChoiceBox).currentText() == "small (GGUF)"


def test_an_adapter_in_gguf_format_dropped_on_an_expert_is_an_adapter(
    panel: RecipePanel, session: Session, tmp_path: Path
) -> None:
    lora = tmp_path / "style.gguf"
    tiny_gguf.write_adapter(lora, tiny.make_model("llama", 1), seed=1)
    assert drop(roles(panel)[1], lora)
    assert session.recipe.pairs[0].expert.source == f"adapter:{lora}"
    assert roles(panel)[1].findChild(ChoiceBox).currentText() == "style (LoRA)"


def test_an_adapter_dropped_on_an_expert_lies_over_its_antiexpert(
    panel: RecipePanel, session: Session, tmp_path: Path
) -> None:
    lora = tmp_path / "lora"
    lora.mkdir()
    (lora / "adapter_config.json").touch()
    assert drop(roles(panel)[1], lora)
    expert = session.recipe.pairs[0].expert
    assert (expert.source, expert.over) == (f"adapter:{lora}", "builtin:demo/antiexpert")
    titles = [
        [choice.itemText(index) for index in range(choice.count())]
        for choice in (role.findChild(ChoiceBox) for role in roles(panel)[:4])
    ]
    assert ["lora (LoRA)" in of_role for of_role in titles] == [False, True, False, True]
    for way in ("LoRA adapter in a folder …", "LoRA adapter in a GGUF file …"):
        assert [way in of_role for of_role in titles] == [False, True, False, True]


def test_every_way_to_choose_opens_its_dialog(
    panel: RecipePanel, session: Session, tmp_path: Path
) -> None:
    session.set_settings(Settings(model_folder=str(tmp_path)))
    role = roles(panel)[1]
    choice = role.findChild(ChoiceBox)
    for text, chosen, source in (
        ("GGUF file …", tmp_path / "a.gguf", "gguf"),
        ("LoRA adapter in a folder …", tmp_path / "lora", "adapter"),
        ("LoRA adapter in a GGUF file …", tmp_path / "lora.gguf", "adapter"),
    ):
        pick(choice, text)
        dialog = next(d for d in role.findChildren(QFileDialog) if d.isVisible())
        assert Path(dialog.directory().path()) == tmp_path
        chosen.touch()
        dialog.fileSelected.emit(str(chosen))
        dialog.close()
        assert session.recipe.pairs[0].expert.source == f"{source}:{chosen}"


def test_the_hub_is_asked_for_the_role(
    panel: RecipePanel, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[object, int]] = []

    class Dialog:
        def __init__(self, of: Session, place: int, parent: QWidget) -> None:
            self._asked = (of, place)

        def open(self) -> None:
            opened.append(self._asked)

    monkeypatch.setattr("app.ui.models.hub_dialog.HubDialog", Dialog)
    choice = roles(panel)[3].findChild(ChoiceBox)
    pick(choice, "From the Hub …")
    assert opened == [(session, 3)]
    assert choice.currentText() == "Arithmetic"


def test_nothing_can_be_dropped_while_running(
    panel: RecipePanel, loaded_session: Session, tmp_path: Path
) -> None:
    loaded_session.runs.generate("Once")
    assert not drop(roles(panel)[2], tmp_path)


def test_a_source_is_described_without_internal_ids() -> None:
    assert describe_source("builtin:demo/base") == "Base, shipped with Tuneshift"
    assert describe_source("hub:owner/model") == "owner/model"
    assert describe_source("gguf:/models/a.gguf") == "/models/a.gguf"
    assert describe_source("adapter:hub:owner/lora") == "owner/lora"


def test_folders_of_the_same_name_are_told_apart() -> None:
    sources = ["builtin:demo/base", "folder:/a/one/model", "folder:/a/two/model"]
    assert titles_of(sources) == ["Base", "one/model", "two/model"]


def test_every_kind_of_source_has_a_title() -> None:
    sources = [
        "hub:Qwen/Qwen2.5-0.5B",
        "hub:Qwen/Qwen2.5-1.5B@main",
        "gguf:/models/small.Q8_0.gguf",
        "adapter:/loras/pirate",
        "adapter:hub:someone/poet",
        "adapter:/experts/dickens/adapter",  # as a training makes it
    ]
    assert titles_of(sources) == [
        "Qwen2.5-0.5B",
        "Qwen2.5-1.5B@main",
        "small.Q8_0 (GGUF)",
        "pirate (LoRA)",
        "poet (LoRA)",
        "dickens (LoRA)",
    ]


# The state of loading


def test_load_states_are_shown(panel: RecipePanel, session: Session, bridge: FakeBridge) -> None:
    session.load()
    assert set(captions(panel)) == {"Starting PyTorch …"}
    bridge.ready()
    assert set(captions(panel)) == {"waiting"}
    load = last_load(bridge)
    names = [name for name, _ in load.recipe.roles()]
    bridge.events.emit(
        [
            Loading(load.id, LoadProgress(names[0], 16_000_000, 16_000_000)),
            Loading(load.id, LoadProgress(names[1], 3_000_000, 12_000_000)),
        ]
    )
    assert captions(panel)[:3] == ["read, 16 MB", "loading 3 of 12 MB", "waiting"]
    bars = [role.findChild(QProgressBar) for role in roles(panel)]
    assert [bar.isVisible() for bar in bars] == [False, True, False, False, False]
    assert bars[1].value() / bars[1].maximum() == pytest.approx(0.25, abs=0.01)


def test_progress_updates_only_what_shows_it_once_for_each_frame(
    panel: RecipePanel, session: Session, bridge: FakeBridge
) -> None:
    """Other views would be laid out anew, many times in a second, for what they do not show."""
    session.load()
    bridge.ready()
    load = last_load(bridge)
    changed, progressed = [], []
    session.load_changed.connect(lambda: changed.append(True))
    session.load_progressed.connect(lambda: progressed.append(True))
    name = load.recipe.roles()[0][0]
    frame = [
        Loading(load.id, LoadProgress(name, done * 1_000_000, 12_000_000)) for done in (1, 2, 3)
    ]
    bridge.events.emit(frame)
    assert captions(panel)[0] == "loading 3 of 12 MB"
    assert (len(changed), len(progressed)) == (0, 1)


def test_what_is_in_force_is_shown(
    panel: RecipePanel, session: Session, bridge: FakeBridge
) -> None:
    session.load()
    bridge.ready()
    load = last_load(bridge)
    in_force = tuple(
        RoleInForce(role, spec.source, "bfloat16", "cpu", 6_800_000 * 10**place, place == 2)
        for place, (role, spec) in enumerate(load.recipe.roles())
    )
    bridge.events.emit([Loaded(load.id, load.recipe, in_force, (), 0)])
    assert captions(panel)[:4] == [
        "6.8 M · bfloat16 · cpu",
        "68.0 M · bfloat16 · cpu",
        "680.0 M · bfloat16 · cpu · shared",
        "6.8 B · bfloat16 · cpu",
    ]


def test_the_time_left_and_a_conversion_are_said(
    panel: RecipePanel, session: Session, bridge: FakeBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("app.ui.state.session.time.monotonic", lambda: now[0])
    session.load()
    bridge.ready()
    load = last_load(bridge)
    for seconds, done in ((0, 0), (4, 10_000_000)):
        now[0] = 100.0 + seconds
        progress = LoadProgress("base", done, 40_000_000, converting=seconds == 0)
        bridge.events.emit([Loading(load.id, progress)])
        kind, rest = ("loading", "10 of 40 MB · 12 s") if seconds else ("converting", "0 of 40 MB")
        assert captions(panel)[0] == f"{kind} {rest}"


def test_loading_can_be_cancelled(qtbot: QtBot, session: Session, bridge: FakeBridge) -> None:
    column = RecipeColumn(session)
    qtbot.addWidget(column)
    column.resize(276, 620)
    column.show()
    cancel = next(b for b in column.findChildren(QPushButton) if b.text() == "Cancel")
    assert not cancel.isVisible()
    session.load()
    bridge.ready()
    assert cancel.isVisible()
    assert cancel.accessibleName() == "Cancel loading"
    cancel.click()
    load = last_load(bridge)
    assert load.cancellation.requested()
    bridge.events.emit([Failed(load.id, None)])
    assert not cancel.isVisible()
    assert session.load_state is LoadState.UNLOADED


def test_options_in_force_are_shown(
    panel: RecipePanel, session: Session, bridge: FakeBridge
) -> None:
    session.load()
    bridge.ready()
    load = last_load(bridge)
    in_force = [
        RoleInForce(role, spec.source, "bfloat16", "cuda:0", 7_600_000_000, False)
        for role, spec in load.recipe.roles()
    ]
    in_force[0] = replace(in_force[0], quantization="nf4", offloaded=0.25, hardware="Card")
    in_force[1] = replace(in_force[1], shared=True, over="folder:/small")
    bridge.events.emit([Loaded(load.id, load.recipe, tuple(in_force), (), 0)])
    assert captions(panel)[:2] == [
        "7.6 B · bfloat16 · cuda:0 · NF4 · 25% offloaded",
        "7.6 B · bfloat16 · cuda:0 · LoRA · shared",
    ]
    assert details(session, 0).splitlines()[1:] == ["Card"]
    assert len(details(session, 1).splitlines()) == 1


def test_a_model_that_is_not_here_yet_is_said_at_its_role(
    panel: RecipePanel, session: Session, bridge: FakeBridge
) -> None:
    bridge.ready()
    session.set_source(2, "hub:someone/small")
    error = NotDownloadedError("hub:someone/small")
    bridge.events.emit([Failed(last_load(bridge).id, error, "")])
    assert captions(panel)[2] == "⚠ not downloaded yet"
    assert captions(panel)[0] == "not loaded"


def test_a_failed_load_says_which_role_is_at_fault(
    panel: RecipePanel, session: Session, bridge: FakeBridge, tmp_path: Path
) -> None:
    missing = tmp_path / "missing"
    bridge.ready()
    session.set_source(0, f"folder:{missing}")
    error = CheckpointError(f"There is no folder {missing}")
    bridge.events.emit([Failed(last_load(bridge).id, error, "")])
    caption = roles(panel)[0].findChild(ElidedLabel)
    assert caption.full_text == f"⚠ There is no folder {missing}"
    assert caption.toolTip() == f"There is no folder {missing}"
    assert caption.property("role") == "error"
    session.undo_stack.undo()
    assert caption.property("role") == "caption"
    assert caption.full_text == "waiting"


def test_a_long_caption_is_shortened_to_what_can_be_seen(qtbot: QtBot) -> None:
    label = ElidedLabel()
    qtbot.addWidget(label)
    label.setContentsMargins(9, 0, 0, 0)
    label.resize(120, 20)
    label.show_text("There is no folder " + "x" * 80)
    shown = label.fontMetrics().horizontalAdvance(label.text())
    assert 60 < shown <= 111
    assert label.toolTip() == label.full_text
    label.show_text("short")
    assert label.text() == "short"
    assert not label.toolTip()


# Recipes


def test_builtin_recipe_is_named_and_marked_when_edited(qtbot: QtBot, bridge: FakeBridge) -> None:
    demo = find_recipe("demo")
    session = Session(bridge, demo, Settings())  # type: ignore[arg-type]
    picker = RecipePicker(session)
    qtbot.addWidget(picker)
    choice = picker.findChild(ChoiceBox)
    assert choice.currentText() == demo.name
    session.set_alpha(0, 2.5)
    assert choice.currentText() == f"{demo.name} — edited"
    pick(choice, demo.name)
    assert session.recipe == demo
    assert choice.currentText() == demo.name


def test_recipe_files_are_opened_and_saved(
    panel: RecipePanel, session: Session, recipe: Recipe, tmp_path: Path
) -> None:
    picker = panel.findChild(RecipePicker)
    choice = picker.findChild(ChoiceBox)
    write_recipe(replace(recipe, name="Mine"), tmp_path / "mine.toml")
    picker.open_file(str(tmp_path / "mine.toml"))
    assert choice.currentText() == session.recipe.name == "Mine"
    session.set_alpha(0, 2.0)
    assert choice.currentText() == "Mine — edited"
    picker.save_file(str(tmp_path / "a.b.toml"))
    assert choice.currentText() == "Mine"
    assert read_recipe(tmp_path / "a.b.toml").alphas == (2.0, 0.4)
    assert session.original_alpha(0) == 2.0


def test_undoing_an_opened_recipe_brings_its_reset_values_back(session: Session) -> None:
    session.open_recipe(find_recipe("demo"))
    session.undo_stack.undo()
    assert not session.edited
    assert session.original_alpha(1) == 0.4
    session.undo_stack.redo()
    assert not session.edited
    assert session.original_alpha(1) == find_recipe("demo").alphas[1] != 0.4


def test_a_changed_builtin_recipe_is_saved_under_the_name_of_its_file(
    panel: RecipePanel, session: Session, tmp_path: Path
) -> None:
    session.open_recipe(find_recipe("demo"))
    session.set_alpha(0, 2.0)
    panel.findChild(RecipePicker).save_file(str(tmp_path / "louder.tuneshift.toml"))
    assert panel.findChild(RecipePicker).findChild(ChoiceBox).currentText() == "louder"
    assert read_recipe(tmp_path / "louder.tuneshift.toml").name == "louder"


def test_a_broken_recipe_is_reported_and_changes_nothing(
    panel: RecipePanel, session: Session, recipe: Recipe, tmp_path: Path
) -> None:
    (tmp_path / "broken.toml").write_text("format = 1\nname = 3\n")
    picker = panel.findChild(RecipePicker)
    picker.open_file(str(tmp_path / "broken.toml"))
    assert session.recipe == recipe
    assert session.problem is not None
    assert "broken.toml" in str(session.problem.error)
    picker.save_file(str(tmp_path / "no" / "folder.toml"))
    assert "cannot be saved" in str(session.problem.error)
    assert session.recipe == recipe


# Looks and keyboard


def test_every_control_has_a_name_and_a_place_in_the_tab_order(panel: RecipePanel) -> None:
    kinds = (QAbstractButton, QAbstractSlider, QComboBox, NumberBox, QLineEdit, QPlainTextEdit)
    controls = [
        widget
        for widget in panel.findChildren(QWidget)
        if isinstance(widget, kinds)
        and not isinstance(widget, QScrollBar)
        and not isinstance(widget.parent(), NumberBox)
        and not widget.objectName().startswith("qt_")
    ]
    names = [
        widget.accessibleName() or getattr(widget, "text", lambda: "")() for widget in controls
    ]
    assert all(names)
    assert len(set(names)) == len(names)
    assert {"Recipe", "Base", "α of Shakespeare", "expert of Arithmetic"} <= set(names)
    assert all(w.focusPolicy() & Qt.FocusPolicy.TabFocus for w in controls)


def test_tab_goes_down_the_column(panel: RecipePanel, session: Session) -> None:
    session.add_pair()  # its card is made after what is below it
    QApplication.processEvents()
    stops = tab_stops(panel)
    assert len(stops) > 14
    tops = [stop.mapTo(panel.widget(), stop.rect().center()).y() for stop in stops]
    assert all(later >= earlier - 2 for earlier, later in itertools.pairwise(tops))
    assert tops[-1] > tops[0] + 200


@pytest.mark.parametrize("width", [240, 276])
def test_nothing_is_wider_than_the_column(panel: RecipePanel, session: Session, width: int) -> None:
    long = "folder:/" + "/".join(["a-very-long-folder-name"] * 8)
    pair = session.recipe.pairs[0]
    wide = replace(pair, name="A name " * 12, expert=CheckpointSpec(long))
    recipe = replace(session.recipe, base=CheckpointSpec(long), pairs=(wide,) * 6)
    session.open_recipe(recipe)
    panel.resize(width, 620)
    QApplication.processEvents()
    page = panel.widget()
    assert page.width() == panel.viewport().width()
    for widget in page.findChildren(QWidget):
        if widget.isVisible() and not isinstance(widget, QLabel):
            right = widget.mapTo(page, QPoint(widget.width(), 0)).x()
            assert right <= page.width(), widget


@pytest.mark.slow
def test_a_change_of_theme_repaints_the_cards(qapp: QApplication, panel: RecipePanel) -> None:
    card = cards(panel)[0]
    try:
        for theme in (LIGHT, DARK):
            qapp.setPalette(palette(theme))
            qapp.setStyleSheet(stylesheet(theme))
            qapp.processEvents()
            image = card.grab().toImage()
            middle = image.height() // 2
            assert image.pixelColor(1, middle) == theme.pair_color(0)
            assert image.pixelColor(8, middle).name() == theme.surface
    finally:
        qapp.setStyleSheet("")
        qapp.setPalette(palette(LIGHT))
