"""Recipes as a person handles them: choosing, copying, saving, dropping and finding them again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, QSettings, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QComboBox, QFileDialog, QMenu, QWidget
from pytestqt.qtbot import QtBot

from app.checkpoints.recipes.recipe_file import (
    builtin_recipes,
    find_recipe,
    read_recipe,
    write_recipe,
)
from app.checkpoints.spec import Recipe
from app.settings import recipe_folder, state_folder
from app.ui.main_window import MainWindow
from app.ui.recipe import recipe_files
from app.ui.recipe.recipe_delegate import CAPTION_ROLE
from app.ui.recipe.recipe_library import RecipeLibrary, show_library
from app.ui.recipe.recipe_picker import RecipePicker
from app.ui.state.session import Session
from tests.ui.conftest import FakeBridge


@pytest.fixture(autouse=True)
def empty_folders() -> Iterator[None]:
    yield
    for path in (*recipe_folder().glob("*"), state_folder() / "recent-recipes.toml"):
        path.unlink(missing_ok=True)


@pytest.fixture
def saved(recipe: Recipe, tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    write_recipe(replace(recipe, name="Mine", description="Two at once"), path)
    return path


@pytest.fixture
def library(qtbot: QtBot, loaded_session: Session) -> RecipeLibrary:
    library = RecipeLibrary(loaded_session)
    qtbot.addWidget(library)
    library.show()
    return library


@pytest.fixture
def window(qtbot: QtBot, loaded_session: Session, tmp_path: Path) -> MainWindow:
    memory = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    window = MainWindow(loaded_session, memory)
    qtbot.addWidget(window)
    window.show()
    return window


def titles(library: RecipeLibrary) -> list[str]:
    model = library.list.model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def choose(library: RecipeLibrary, title: str) -> None:
    row = titles(library).index(title)
    library.list.setCurrentIndex(library.list.model().index(row, 0))


def drop(target: QWidget, *paths: Path) -> bool:
    """Drop files as a file manager does; whether they were let in."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    action, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    keys = Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(5, 5), action, data, button, keys)
    QApplication.sendEvent(target, enter)
    if enter.isAccepted():
        QApplication.sendEvent(target, QDropEvent(QPointF(5, 5), action, data, button, keys))
    return enter.isAccepted()


# The library


def test_shipped_recipes_say_size_untested_and_what_they_show(library: RecipeLibrary) -> None:
    recipes = [find_recipe(name) for name in builtin_recipes()]
    listed = titles(library)
    assert listed[0] == "Shipped with Tuneshift"
    assert listed[1 : len(recipes) + 1] == [recipe.name for recipe in recipes]
    model = library.list.model()
    for row, recipe in enumerate(recipes, start=1):
        caption = model.index(row, 0).data(CAPTION_ROLE)
        assert ("untested" in caption.split(" · ")) is recipe.untested
        assert caption.endswith(recipe.description)
        choose(library, recipe.name)
        for spec in recipe.checkpoints():
            name = spec.source.partition(":")[2]
            shown = name if spec.source.startswith("hub:") else name.rpartition("/")[2].capitalize()
            assert shown in library.details.message
        assert ("has not been tried" in library.details.message) is recipe.untested


def test_open_takes_the_chosen_recipe(
    qtbot: QtBot, library: RecipeLibrary, session: Session
) -> None:
    demo = find_recipe("demo")
    choose(library, demo.name)
    qtbot.keyClick(library.list, Qt.Key.Key_Return)
    assert session.recipe == demo
    assert not library.isVisible()


def test_what_was_filtered_is_opened_by_return(
    qtbot: QtBot, library: RecipeLibrary, session: Session
) -> None:
    qtbot.keyClicks(library.filter, "demo/shakespeare")
    qtbot.keyClick(library.filter, Qt.Key.Key_Return)
    assert session.recipe == find_recipe("demo")


def test_headings_cannot_be_chosen(qtbot: QtBot, library: RecipeLibrary) -> None:
    chosen = library.list.currentIndex().data()
    heading = library.list.visualRect(library.list.model().index(0, 0)).center()
    viewport = library.list.viewport()
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=heading)
    assert library.list.currentIndex().data() == chosen
    qtbot.keyClick(library.list, Qt.Key.Key_Home)
    assert library.list.currentIndex().data() == find_recipe("demo").name


def test_filter_by_model_keeps_the_heading(qtbot: QtBot, library: RecipeLibrary) -> None:
    qtbot.keyClicks(library.filter, "demo/shakespeare")
    assert titles(library) == ["Shipped with Tuneshift", find_recipe("demo").name]
    assert library.open_button.isEnabled()
    qtbot.keyClick(library.filter, Qt.Key.Key_Down)
    assert library.list.hasFocus()
    library.filter.setFocus()
    qtbot.keyClicks(library.filter, "nothing has this")
    assert titles(library) == []
    assert not library.open_button.isEnabled()


def test_duplicate_makes_a_copy_of_ones_own_and_opens_it(
    qtbot: QtBot, library: RecipeLibrary, session: Session
) -> None:
    demo = find_recipe("demo")
    for name in (f"{demo.name} (copy)", f"{demo.name} (copy 2)"):
        choose(library, demo.name)
        qtbot.mouseClick(library.duplicate, Qt.MouseButton.LeftButton)
        assert session.recipe == replace(demo, name=name)
        assert not session.edited
        assert "Your recipes" in titles(library)
        assert name in titles(library)
    written = [read_recipe(path) for path in recipe_folder().glob("*.toml")]
    assert {recipe.name for recipe in written} == {f"{demo.name} (copy)", f"{demo.name} (copy 2)"}


@pytest.mark.parametrize(
    "name", ["../../evil", "/etc/evil", "..", "a\\..\\b", "a\0b", ".hidden", ""]
)
def test_a_name_out_of_somebody_elses_recipe_stays_in_the_folder(
    library: RecipeLibrary, session: Session, name: str
) -> None:
    recipe_files.duplicate(session, replace(find_recipe("demo"), name=name))
    (written,) = recipe_folder().iterdir()
    assert written.name.endswith(recipe_files.OWN_ENDING)
    assert not written.name.startswith(".")
    assert read_recipe(written).name.startswith(name)


def test_export_writes_the_chosen_recipe_and_leaves_the_open_one(
    qtbot: QtBot, library: RecipeLibrary, session: Session, tmp_path: Path
) -> None:
    before = session.recipe
    demo = find_recipe("demo")
    choose(library, demo.name)
    qtbot.mouseClick(library.export, Qt.MouseButton.LeftButton)
    chooser = library.findChild(QFileDialog)
    chooser.selectFile(str(tmp_path / "without-ending"))
    assert chooser.selectedFiles() == [str(tmp_path / f"without-ending{recipe_files.OWN_ENDING}")]
    chooser.fileSelected.emit(str(tmp_path / "exported.toml"))
    chooser.close()
    assert read_recipe(tmp_path / "exported.toml") == demo
    assert session.recipe == before


def test_a_file_that_cannot_be_read_says_why(
    qtbot: QtBot, session: Session, tmp_path: Path
) -> None:
    broken = recipe_folder() / "broken.toml"
    broken.write_text("format = 1\nname = 3\n")
    library = RecipeLibrary(session)
    qtbot.addWidget(library)
    choose(library, "broken.toml")
    assert "broken.toml" in library.details.message
    assert not library.open_button.isEnabled()


def test_while_a_run_is_on_the_recipe_cannot_be_changed(
    library: RecipeLibrary, session: Session, bridge: FakeBridge
) -> None:
    choose(library, find_recipe("demo").name)
    session.runs.generate("Once")
    assert not library.open_button.isEnabled()
    assert not library.duplicate.isEnabled()
    assert library.export.isEnabled()
    bridge.finish_run()
    assert library.open_button.isEnabled()


def test_there_is_one_library_for_each_window(window: MainWindow, session: Session) -> None:
    first = show_library(session, window)
    assert show_library(session, window) is first
    first.close()


# The picker


def pick(picker: RecipePicker, title: str) -> None:
    choice = picker.findChild(QComboBox)
    index = choice.findText(title)
    choice.setCurrentIndex(index)
    choice.activated.emit(index)


def test_the_library_says_which_recipes_fit_here(session: Session, qtbot: QtBot) -> None:
    session.machine_memory = 24_000_000_000
    library = RecipeLibrary(session)
    qtbot.addWidget(library)
    rows = [library._shown.index(row, 0) for row in range(library._shown.rowCount())]
    shown = {index.data(): str(index.data(CAPTION_ROLE)) for index in rows}
    assert shown["Llama 2 70B, chat by 7B"].startswith("164.9 GB · ⚠ too large here · ")
    sizes = {find_recipe(name).name: find_recipe(name).download_bytes for name in builtin_recipes()}
    for name, weights in sizes.items():
        assert ("fits here" in shown[name]) == (0 < weights <= 21_600_000_000)
        assert ("too large here" in shown[name]) == (weights > 21_600_000_000)
    library.filter.setText("Llama 2 70B")
    assert "the weights take about 164.9 GB, and its memory has 24.0 GB" in library.details.message
    library.filter.setText("SmolLM2")
    assert "Too large" not in library.details.message


def test_the_picker_lists_ones_own_recipes_and_opens_them(
    qtbot: QtBot, session: Session, recipe: Recipe
) -> None:
    mine = replace(recipe, name="Mine", description="Two at once", download_bytes=3_000_000_000)
    write_recipe(mine, recipe_folder() / "mine.toml")
    picker = RecipePicker(session)
    qtbot.addWidget(picker)
    choice = picker.findChild(QComboBox)
    assert choice.currentText() == "Two styles"
    caption = choice.itemData(choice.findText("Mine"), CAPTION_ROLE)
    assert caption == "3.0 GB · fits here · Two at once"
    pick(picker, "Mine")
    assert session.recipe == mine
    assert choice.findText("Two styles") < 0  # it was in no file


def test_moving_alpha_reads_no_files(
    qtbot: QtBot, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    picker = RecipePicker(session)
    qtbot.addWidget(picker)
    monkeypatch.setattr(recipe_files, "own", lambda: pytest.fail("the folder was read"))
    for alpha in (0.1, 0.2, 0.3):
        session.set_alpha(0, alpha)
    assert picker.findChild(QComboBox).currentText() == "Two styles — edited"


def test_recent_files_are_those_opened_and_saved_the_latest_first(
    qtbot: QtBot, session: Session, saved: Path, tmp_path: Path
) -> None:
    picker = RecipePicker(session)
    qtbot.addWidget(picker)
    picker.open_file(str(saved))
    picker.save_file(str(tmp_path / "other.toml"))
    picker.open_file(str(saved))
    assert [entry.path for entry in recipe_files.recent()] == [saved, tmp_path / "other.toml"]
    (tmp_path / "other.toml").unlink()
    menu = next(m for m in picker.findChildren(QMenu) if m.title() == "Open recent")
    menu.aboutToShow.emit()
    assert [action.text() for action in menu.actions()] == ["Mine"]
    session.undo_stack.undo()
    menu.actions()[0].trigger()
    assert session.recipe == read_recipe(saved)


def test_a_damaged_list_of_recent_files_is_no_problem(saved: Path) -> None:
    (state_folder() / "recent-recipes.toml").write_text("recent = 3")
    assert recipe_files.recent() == []
    recipe_files.remember(saved)
    assert [entry.path for entry in recipe_files.recent()] == [saved]


def test_a_recipe_that_cannot_be_saved_is_told(session: Session, tmp_path: Path) -> None:
    recipe_files.save_file(session, tmp_path / "nowhere" / "a.toml")
    assert session.problem is not None
    assert "cannot be saved" in str(session.problem.error)


# Dropping


def test_a_recipe_dropped_on_the_window_is_opened(
    window: MainWindow, session: Session, saved: Path
) -> None:
    assert drop(window, saved)
    assert session.recipe == read_recipe(saved)
    assert session.problem is None


def test_several_files_and_other_files_are_refused_with_a_sentence(
    window: MainWindow, session: Session, saved: Path, tmp_path: Path
) -> None:
    before = session.recipe
    other = tmp_path / "model.bin"
    other.write_bytes(b"")
    for paths, sentence in (
        ((saved, other), "2 files were dropped. Drop one recipe or model at a time."),
        ((other,), "“model.bin” is neither a recipe nor a model."),
    ):
        assert drop(window, *paths)
        assert session.problem is not None
        assert sentence in str(session.problem.error)
    assert session.recipe == before


def test_a_broken_recipe_is_told_with_its_place(
    window: MainWindow, session: Session, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text('format = 1\nname = "x"\nbase = 3\n')
    drop(window, broken)
    assert session.problem is not None
    assert "broken.toml" in str(session.problem.error)


def test_nothing_is_opened_while_a_run_is_on(
    window: MainWindow, session: Session, saved: Path
) -> None:
    session.runs.generate("Once")
    before = session.recipe
    for path in (saved, saved.parent):
        session.clear_problem()
        drop(window, path)
        assert session.recipe == before
        assert session.problem is not None
        assert "cannot be changed during a run" in str(session.problem.error)


def test_the_prompt_takes_text_but_leaves_files_to_the_window(
    window: MainWindow, saved: Path
) -> None:
    editor = window.prompt.focusWidget() or window.focusWidget()
    assert editor is not None
    text, files = QMimeData(), QMimeData()
    text.setText("the king")
    files.setUrls([QUrl.fromLocalFile(str(saved))])
    assert editor.canInsertFromMimeData(text)
    assert not editor.canInsertFromMimeData(files)


def test_text_that_is_dragged_is_not_taken_for_a_file(window: MainWindow) -> None:
    data = QMimeData()
    data.setText("the king")
    enter = QDragEnterEvent(
        QPoint(5, 5),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(window, enter)
    assert not enter.isAccepted()


def test_saving_suggests_a_name_and_a_shipped_recipe_is_saved_as_a_copy(
    library: RecipeLibrary, session: Session
) -> None:
    session.open_recipe(find_recipe(builtin_recipes()[0]))
    shipped = session.recipe.name
    recipe_files.ask_save(session, library)
    chooser = library.findChild(QFileDialog)
    (suggested,) = chooser.selectedFiles()
    assert Path(suggested).name == f"Demo-two-styles-copy{recipe_files.OWN_ENDING}"
    recipe_files.save_file(session, Path(suggested))
    assert session.recipe.name == f"{shipped} (copy)"
    assert session.saved.last == Path(suggested)
    chooser.close()
