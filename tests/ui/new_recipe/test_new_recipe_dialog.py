"""The New recipe assistant with real models on a disk, by mouse and keyboard."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, QSettings, Qt, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QPushButton
from pytestqt.qtbot import QtBot
from tokenizers import Tokenizer

from app.checkpoints.spec import CHAT, PLAIN, Recipe
from app.engine.commands import Check
from app.settings import Settings
from app.ui.main_window import MainWindow
from app.ui.new_recipe.new_recipe_dialog import NewRecipeDialog, show_new_recipe
from app.ui.recipe.candidate_list import CandidateList
from app.ui.recipe.recipe_delegate import CAPTION_ROLE
from app.ui.state.session import LoadState, Session
from tests import tiny
from tests.checkpoints.formats.test_adapters import train
from tests.ui.conftest import EngineBridge, FakeBridge, invent_preflight

pytestmark = [
    pytest.mark.window,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing.:FutureWarning"),  # PEFT's
]

TEMPLATE = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
BASE, SMALL, CHATTY, FOREIGN = "Big-1B", "Big-0.1B", "Big-0.1B-Instruct", "Other-1B-Instruct"
ADAPTER = "pirate"


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a large base, a small pair, and a model of another family."""
    root = tmp_path_factory.mktemp("family")

    def save(name: str, layers: int, tokenizer: Tokenizer, template: str = "") -> None:
        config = tiny.ARCHITECTURES["llama"](tiny.VOCABULARY)
        config.num_hidden_layers = layers
        folder = tiny.save(tiny.random_model(config, len(name)), root / name, tokenizer)
        if template:
            (folder / "chat_template.jinja").write_text(template)

    save(BASE, 3, tiny.make_tokenizer())
    save(SMALL, 2, tiny.make_tokenizer())
    save(CHATTY, 2, tiny.make_tokenizer(), TEMPLATE)
    save(FOREIGN, 2, tiny.make_metaspace_tokenizer())
    train(root / BASE, root / ADAPTER)
    return root


@pytest.fixture(autouse=True)
def no_folder_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def engine(qapp: object) -> EngineBridge:
    return EngineBridge()


@pytest.fixture
def real_session(engine: EngineBridge, recipe: Recipe, family: Path) -> Iterator[Session]:
    """A session with a real engine, whose model folder is the family."""
    settings = Settings(model_folder=str(family), prove_models=False)
    session = Session(engine, recipe, settings)  # type: ignore[arg-type]
    session.load()
    engine.ready()
    engine.work()
    yield session
    session.local_models.close()
    assert session.local_models.join(60)


@pytest.fixture
def window(real_session: Session, tmp_path: Path, qtbot: QtBot) -> MainWindow:
    store = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    window = MainWindow(real_session, store)
    qtbot.addWidget(window)
    window.show()
    with qtbot.waitActive(window):
        window.activateWindow()
    return window


@pytest.fixture
def dialog(window: MainWindow, qtbot: QtBot) -> NewRecipeDialog:
    """The assistant as Ctrl+N opens it, after its search."""
    qtbot.keyClick(window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    dialog = opened(window, qtbot)
    with qtbot.waitActive(dialog):
        dialog.activateWindow()
    return dialog


def opened(window: MainWindow, qtbot: QtBot) -> NewRecipeDialog:
    found = [item for item in window.findChildren(NewRecipeDialog) if item.isVisible()]
    assert len(found) == 1
    session = window._session
    qtbot.waitUntil(lambda: not session.local_models.searching, timeout=60_000)
    return found[0]


def checked(dialog: NewRecipeDialog, engine: EngineBridge, qtbot: QtBot) -> str:
    """The line of the check after the engine has answered."""

    def ended() -> bool:
        engine.work()
        return not dialog.check_line.message.startswith("Checking")

    qtbot.waitUntil(ended, timeout=60_000)
    return dialog.check_line.message


def titles(candidates: CandidateList) -> list[str]:
    model = candidates.model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def chosen(candidates: CandidateList) -> str | None:
    title: str | None = candidates.currentIndex().data()
    return title


def click(candidates: CandidateList, title: str, qtbot: QtBot) -> None:
    index = candidates.model().index(titles(candidates).index(title), 0)
    place = candidates.visualRect(index).center()
    qtbot.mouseClick(candidates.viewport(), Qt.MouseButton.LeftButton, pos=place)


def sources(recipe: Recipe) -> list[str]:
    return [spec.source.rpartition("/")[2] for spec in recipe.checkpoints()]


def test_three_keys_make_a_recipe_that_is_loaded(
    dialog: NewRecipeDialog,
    window: MainWindow,
    real_session: Session,
    engine: EngineBridge,
    qtbot: QtBot,
) -> None:
    before = real_session.recipe
    assert [chosen(part) for part in (dialog.base, dialog.expert, dialog.antiexpert)] == [
        BASE,
        CHATTY,
        SMALL,
    ]
    assert titles(dialog.expert) == [
        *(CHATTY, f"{ADAPTER} (LoRA)", SMALL),
        *("Do not go with this base", FOREIGN),
    ]
    assert "320 tokens" in checked(dialog, engine, qtbot)
    assert "free on cpu" in dialog.check_line.message
    qtbot.keyClick(dialog.base, Qt.Key.Key_Return)
    assert not dialog.isVisible()
    recipe = real_session.recipe
    assert sources(recipe) == [BASE, CHATTY, SMALL]
    assert (recipe.name, recipe.pairs[0].name) == (f"{BASE} + {CHATTY}", CHATTY)
    assert [spec.prompt for spec in recipe.checkpoints()] == [PLAIN, CHAT, PLAIN]
    engine.work()
    assert real_session.load_state is LoadState.LOADED
    assert real_session.problem is None
    assert real_session.mode.chat
    assert window.focusWidget() is window.chat.entry  # a message can be typed at once
    assert real_session.undo_stack.count() == 1
    real_session.undo_stack.undo()
    assert real_session.recipe == before


def test_the_keyboard_alone(
    dialog: NewRecipeDialog, real_session: Session, engine: EngineBridge, qtbot: QtBot
) -> None:
    seen = []
    first = QApplication.focusWidget()
    while (focus := QApplication.focusWidget()) and (focus is not first or not seen):
        seen.append(focus)
        assert len(seen) < 20
        qtbot.keyClick(focus, Qt.Key.Key_Tab)
    assert seen == [
        *(dialog.base, dialog.expert, dialog.antiexpert),
        *(dialog.name, dialog.pair_name, dialog.format),
        *(dialog.folder, dialog.make_expert),
        *(dialog.cancel_button, dialog.create_button),
    ]
    qtbot.keyClick(dialog.base, Qt.Key.Key_Down)
    assert chosen(dialog.base) == SMALL
    qtbot.keyClick(dialog.expert, Qt.Key.Key_Down)
    assert chosen(dialog.expert) == f"{ADAPTER} (LoRA)"
    dialog.name.setFocus()
    qtbot.keyClick(dialog.name, Qt.Key.Key_End)
    qtbot.keyClicks(dialog.name, " of mine")
    qtbot.keyClick(dialog.create_button, Qt.Key.Key_Space)
    assert sources(real_session.recipe) == [SMALL, ADAPTER, BASE]
    assert real_session.recipe.name == f"{SMALL} + {ADAPTER} of mine"


def test_what_is_shown_is_what_is_created_whatever_was_chosen_before(
    dialog: NewRecipeDialog, real_session: Session, qtbot: QtBot
) -> None:
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Down):
        qtbot.keyClick(dialog.expert, key)
    shown = [chosen(part) for part in (dialog.base, dialog.expert, dialog.antiexpert)]
    assert shown == [BASE, f"{ADAPTER} (LoRA)", BASE]
    for part in (dialog.base, dialog.expert, dialog.antiexpert):
        assert len(part.selectedIndexes()) == 1
    qtbot.keyClick(dialog.expert, Qt.Key.Key_Return)
    assert sources(real_session.recipe) == [BASE, ADAPTER, BASE]
    assert real_session.recipe.prompt == PLAIN


def test_a_name_that_is_deleted_is_proposed_again(
    dialog: NewRecipeDialog, real_session: Session, qtbot: QtBot
) -> None:
    dialog.name.setFocus()
    dialog.name.selectAll()
    qtbot.keyClick(dialog.name, Qt.Key.Key_Backspace)
    assert dialog.name.text() == ""
    qtbot.keyClick(dialog.name, Qt.Key.Key_Tab)
    assert dialog.name.text() == f"{BASE} + {CHATTY}"
    dialog.expert.setFocus()
    qtbot.keyClick(dialog.expert, Qt.Key.Key_Down)
    assert dialog.name.text() == f"{BASE} + {ADAPTER}"
    qtbot.keyClick(dialog.expert, Qt.Key.Key_Return)
    assert real_session.recipe.name == f"{BASE} + {ADAPTER}"


def test_escape_changes_nothing(
    dialog: NewRecipeDialog, real_session: Session, qtbot: QtBot
) -> None:
    before = real_session.recipe
    qtbot.keyClick(dialog.expert, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    assert real_session.recipe == before
    assert real_session.undo_stack.count() == 0


def test_a_model_of_another_family_says_why_it_does_not_go(
    dialog: NewRecipeDialog, engine: EngineBridge, qtbot: QtBot
) -> None:
    click(dialog.expert, FOREIGN, qtbot)
    assert dialog.check_line.message.startswith(f"{FOREIGN} does not go with this base: ")
    assert "no model here that could be its anti-expert" in dialog.check_line.message
    assert titles(dialog.antiexpert) == []
    assert not dialog.create_button.isEnabled()
    click(dialog.expert, CHATTY, qtbot)
    assert dialog.create_button.isEnabled()
    assert "320 tokens" in checked(dialog, engine, qtbot)


def test_a_base_of_another_tokenizer_has_experts_that_go_through_bytes(
    dialog: NewRecipeDialog, engine: EngineBridge, qtbot: QtBot
) -> None:
    click(dialog.base, FOREIGN, qtbot)
    assert titles(dialog.expert)[0] == "Another tokenizer, read by bytes"
    assert (chosen(dialog.expert), chosen(dialog.antiexpert)) == (CHATTY, SMALL)
    about = dialog.expert.currentIndex().data(CAPTION_ROLE)
    assert "another tokenizer: goes through bytes" in about
    assert re.search(r"through bytes: exactly \d+% of English", checked(dialog, engine, qtbot))
    assert dialog.create_button.isEnabled()


def test_the_prompt_format_is_proposed_and_shown(
    dialog: NewRecipeDialog, real_session: Session, qtbot: QtBot
) -> None:
    assert dialog.format.currentData() == CHAT
    assert dialog.format_line.message == (
        f"{BASE}, {SMALL}: no chat template, so a conversation is read as plain text, "
        "\n“User:↵Hello!↵↵Assistant:↵”"
    )
    qtbot.keyClick(dialog.format, Qt.Key.Key_Up)
    assert dialog.format.currentData() == PLAIN
    assert dialog.format_line.message.startswith("The chat templates are not used.")
    click(dialog.expert, SMALL, qtbot)
    assert not dialog.format.isEnabled()
    assert dialog.format_line.message.startswith("No model has a chat template.")
    qtbot.mouseClick(dialog.create_button, Qt.MouseButton.LeftButton)
    assert real_session.recipe.prompt == PLAIN


def test_models_that_the_engine_refuses_are_not_loaded(
    dialog: NewRecipeDialog, engine: EngineBridge, family: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    kept = tmp_path / "weights"
    shutil.move(family / SMALL / "model.safetensors", kept)
    try:
        assert "There are no weights" in checked(dialog, engine, qtbot)
        assert not dialog.create_button.isEnabled()
    finally:
        shutil.move(kept, family / SMALL / "model.safetensors")


def test_nothing_is_created_during_a_run(
    qtbot: QtBot, loaded_session: Session, bridge: FakeBridge
) -> None:
    dialog = NewRecipeDialog(loaded_session)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.look_in()
    qtbot.waitUntil(lambda: not loaded_session.local_models.searching, timeout=60_000)
    assert dialog.create_button.isEnabled()
    loaded_session.runs.generate("Once")
    assert not dialog.create_button.isEnabled()
    assert "during a run" in dialog.create_button.toolTip()
    before = loaded_session.recipe
    dialog.accept()
    assert loaded_session.recipe == before
    bridge.fail_run(None)
    assert dialog.create_button.isEnabled()
    loaded_session.local_models.close()


def test_what_does_not_fit_into_memory_is_said(
    qtbot: QtBot, loaded_session: Session, bridge: FakeBridge
) -> None:
    dialog = NewRecipeDialog(loaded_session)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.look_in()
    qtbot.waitUntil(
        lambda: any(isinstance(item, Check) for item in bridge.commands), timeout=60_000
    )
    asked = bridge.last(Check)
    assert isinstance(asked, Check)
    bridge.check(invent_preflight(asked.recipe, fits=False), Check)
    assert "The recipe needs" in dialog.check_line.message
    assert dialog.check_line.property("role") == "error"
    assert dialog.create_button.isEnabled()
    loaded_session.local_models.close()


def test_an_empty_disk_says_where_models_come_from(qtbot: QtBot, loaded_session: Session) -> None:
    dialog = NewRecipeDialog(loaded_session)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.look_in()
    assert dialog.stop_search.isVisible()
    assert dialog.search_line.message.startswith("Searching for models")
    qtbot.waitUntil(lambda: not loaded_session.local_models.searching, timeout=60_000)
    assert not dialog.stop_search.isVisible()
    assert dialog.search_line.message.startswith("No models of your own were found.")
    assert chosen(dialog.base) == "Base"
    assert chosen(dialog.antiexpert) == "Antiexpert"
    loaded_session.local_models.close()


def test_a_folder_that_is_looked_in_adds_its_models(
    qtbot: QtBot, loaded_session: Session, family: Path, tmp_path: Path
) -> None:
    dialog = NewRecipeDialog(loaded_session)
    qtbot.addWidget(dialog)
    dialog.show()

    def look_in(folder: Path) -> None:
        qtbot.mouseClick(dialog.folder, Qt.MouseButton.LeftButton)
        picker = dialog.findChildren(QFileDialog)[-1]
        picker.fileSelected.emit(str(folder))
        picker.close()
        qtbot.waitUntil(lambda: not loaded_session.local_models.searching, timeout=60_000)

    (tmp_path / "nothing").mkdir()
    look_in(tmp_path / "nothing")
    assert dialog.search_line.message.startswith(f"There is no model in {tmp_path / 'nothing'}")
    look_in(family)
    assert titles(dialog.base)[0] == BASE
    shown = [chosen(part) for part in (dialog.base, dialog.expert, dialog.antiexpert)]
    assert shown == [BASE, CHATTY, SMALL]  # not the shipped models that were proposed before
    assert dialog.search_line.message == ""
    loaded_session.local_models.close()


def drop(window: MainWindow, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    action, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    keys = Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(5, 5), action, data, button, keys)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(5, 5), action, data, button, keys))


@pytest.mark.parametrize(
    ("dropped", "base", "expert"),
    [
        (CHATTY, BASE, CHATTY),
        (SMALL, SMALL, CHATTY),
        (ADAPTER, BASE, f"{ADAPTER} (LoRA)"),
        ("", BASE, CHATTY),
    ],
)
def test_a_model_dropped_on_the_window_opens_the_assistant(
    window: MainWindow,
    real_session: Session,
    qtbot: QtBot,
    family: Path,
    dropped: str,
    base: str,
    expert: str,
) -> None:
    real_session.settings = replace(real_session.settings, model_folder="")
    drop(window, family / dropped)
    dialog = opened(window, qtbot)
    assert (chosen(dialog.base), chosen(dialog.expert)) == (base, expert)
    assert real_session.problem is None


def test_the_menu_and_the_empty_text_open_one_assistant(
    window: MainWindow, real_session: Session, qtbot: QtBot
) -> None:
    action = next(a for a in window.findChildren(QAction) if a.text() == "&New recipe …")
    action.trigger()
    dialog = opened(window, qtbot)
    link = next(
        button
        for button in window.transcript.findChildren(QPushButton)
        if button.text().startswith("New recipe")
    )
    qtbot.mouseClick(link, Qt.MouseButton.LeftButton)
    assert opened(window, qtbot) is dialog
    assert show_new_recipe(real_session, window) is dialog
    dialog.close()
    real_session.runs.generate("the king")
    assert not action.isEnabled()
    assert not [item for item in window.findChildren(QDialog) if item.isVisible()]
