"""The list of runs: found, opened, named, tagged, deleted and had back, exported."""

from __future__ import annotations

import csv
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QLocale, QSettings, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.attribution.measures import Measure, Unit
from app.attribution.plot_measure import PlotMeasure
from app.attribution.tint_scale import Tint, TintScale
from app.history.records import RunKind
from app.ui.history.exporting import copy_shown, export, formats
from app.ui.history.history_dialog import HistoryDialog
from app.ui.history.run_table import KIND, MOMENT, TAGS, TITLE, TOKENS, RunTable
from app.ui.main_window import MainWindow
from app.ui.state.records.history_search import FoundRuns
from app.ui.state.session import Session
from app.ui.widgets.saved_bar import SavedBar
from tests.ui.conftest import FakeBridge
from tests.ui.history.conftest import settle, settle_background
from tests.ui.recording import open_run, settle_reading
from tests.ui.state.records.test_run_history import generate, runs
from tests.ui.watchdog import listening


@pytest.fixture
def dialog(kept: Session, bridge: FakeBridge, qtbot: QtBot) -> Iterator[HistoryDialog]:
    """Over three runs: Apple, Banana and, the newest, Cherry."""
    for count, prompt in enumerate(("Apple", "Banana", "Cherry"), 2):
        generate(kept, bridge, prompt, count)
    runs(kept)
    dialog = HistoryDialog(kept)
    qtbot.addWidget(dialog)
    dialog.show()
    settle(dialog)
    yield dialog
    dialog.close()


def titles(dialog: HistoryDialog) -> list[str]:
    settle(dialog)
    model = dialog.runs
    return [str(model.index(row, TITLE).data()) for row in range(model.rowCount())]


def search(dialog: HistoryDialog, words: str) -> None:
    dialog.search.setText(words)
    dialog._search_timer.timeout.emit()
    settle(dialog)


def choose(dialog: HistoryDialog, title: str) -> None:
    dialog.table.selectRow(titles(dialog).index(title))


def test_the_newest_is_first_and_chosen(dialog: HistoryDialog) -> None:
    assert titles(dialog) == ["Cherry", "Banana", "Apple"]
    assert [dialog.runs.index(row, TOKENS).data() for row in range(3)] == ["4", "3", "2"]
    assert [run.prompt for run in dialog.chosen()] == ["Cherry"]
    assert dialog.details.text.toPlainText().startswith("Cherry ")
    assert "4 tokens" in dialog.details.facts.text()


def test_search_star_and_tags_narrow_the_list(dialog: HistoryDialog) -> None:
    search(dialog, "banana")
    assert titles(dialog) == ["Banana"]
    dialog.star.trigger()
    search(dialog, "")
    assert titles(dialog) == ["Cherry", "★ Banana", "Apple"]
    dialog.starred.click()
    assert titles(dialog) == ["★ Banana"]
    dialog.starred.click()
    choose(dialog, "Apple")
    dialog.details.tags.setText("fruit, green")
    dialog.details.tags.setModified(True)
    dialog.details.tags.editingFinished.emit()
    settle(dialog)
    assert dialog.runs.index(2, TAGS).data() == "fruit, green"
    dialog.tag.setCurrentIndex(dialog.tag.findData("green"))
    assert titles(dialog) == ["Apple"]
    search(dialog, "cherry")
    assert titles(dialog) == []
    assert dialog._empty.text() == "No run matches the search."


def test_a_title_is_edited_in_the_table(dialog: HistoryDialog, kept: Session) -> None:
    choose(dialog, "Cherry")
    dialog.rename.trigger()
    index = dialog.runs.index(0, TITLE)
    assert index.data(Qt.ItemDataRole.EditRole) == "Cherry"
    assert dialog.runs.setData(index, "Pie")
    assert titles(dialog) == ["Pie", "Banana", "Apple"]
    run = kept.runs.current
    assert run is not None
    assert run.name == "Pie"


def test_delete_and_undo(dialog: HistoryDialog, kept: Session) -> None:
    dialog.table.selectAll()
    dialog.delete.trigger()
    assert titles(dialog) == []
    assert dialog._empty.text() == "Every run is saved here."
    assert dialog.message.text() or dialog.message.toolTip()
    assert dialog.undo_button.isVisible()
    dialog.undo.trigger()
    assert titles(dialog) == ["Cherry", "Banana", "Apple"]
    assert not dialog.undo_button.isVisible()
    choose(dialog, "Banana")
    dialog.delete.trigger()
    settle(dialog)
    assert [run.prompt for run in dialog.chosen()] == ["Apple"]
    dialog.undo_button.click()
    settle(dialog)
    assert [run.prompt for run in dialog.chosen()] == ["Banana"]


def test_deletions_are_undone_one_after_another(dialog: HistoryDialog) -> None:
    for title in ("Banana", "Cherry"):
        choose(dialog, title)
        dialog.delete.trigger()
    assert titles(dialog) == ["Apple"]
    dialog.undo.trigger()
    assert titles(dialog) == ["Cherry", "Apple"]
    assert [run.prompt for run in dialog.chosen()] == ["Cherry"]
    assert "Banana" in (dialog.message.text() + dialog.message.toolTip())
    dialog.undo_button.click()
    settle(dialog)
    assert titles(dialog) == ["Cherry", "Banana", "Apple"]
    assert [run.prompt for run in dialog.chosen()] == ["Banana"]
    assert not dialog.undo_button.isVisible()


def test_opening_shows_the_run_and_running_again_makes_another(
    dialog: HistoryDialog, kept: Session, bridge: FakeBridge
) -> None:
    choose(dialog, "Apple")
    dialog.open_run.click()
    settle_reading(kept)
    run = kept.runs.current
    assert run is not None
    assert run.prompt == "Apple"
    dialog.run_again.click()
    settle_reading(kept)
    assert kept.runs.running
    assert not dialog.run_again.isEnabled()
    bridge.start_run()
    bridge.decode(2)
    bridge.finish_run()
    runs(kept)
    kept.history.changed.emit()
    rows = titles(dialog)
    assert rows[1:3] == ["Cherry", "Banana"]
    assert all(rows[row].startswith("Apple → ") for row in (0, 3))
    newest = kept.runs.current
    assert newest is not None
    assert newest.token_ids == run.token_ids
    assert [run.prompt for run in dialog.chosen()] == ["Apple"]
    assert dialog.table.currentIndex().row() == 3


def test_more_than_one_can_be_deleted_and_not_opened(dialog: HistoryDialog) -> None:
    dialog.table.selectAll()
    for button in (dialog.open_run, dialog.run_again, dialog.recipe):
        assert not button.isEnabled()
    assert dialog.delete.isEnabled()
    assert dialog.details.text.toPlainText() == ""


def test_every_format_can_be_exported(
    dialog: HistoryDialog, kept: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    run_id = dialog.chosen()[0].id
    for name, _ in formats():
        export(kept, [run_id], name, tmp_path / f"run.{name}")
    assert kept.history.background.join(60)
    for name, title in formats():
        assert (tmp_path / f"run.{name}").stat().st_size > 10, title
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")
    assert kept.problem is None
    with qtbot.waitSignal(kept.problem_changed):
        export(kept, [run_id], "html", tmp_path / "none" / "run.html")
    assert kept.problem is not None
    assert "cannot be written" in str(kept.problem.error)


def test_exports_show_the_measures_of_the_window(
    dialog: HistoryDialog, kept: Session, tmp_path: Path
) -> None:
    run_id = dialog.chosen()[0].id
    display = kept.display
    display.set_tint(Tint(Measure.KL))
    display.set_tint_scale(Measure.KL, TintScale(Unit.NATS, 0.25))
    display.set_plot_measures(PlotMeasure.ENTROPY, PlotMeasure.RANK)
    display.set_plot_unit(Unit.NATS)
    for name in ("html", "svg"):
        export(kept, [run_id], name, tmp_path / f"run.{name}")
    assert kept.history.background.join(60)
    page = (tmp_path / "run.html").read_text(encoding="utf-8")
    assert "0.25 nats" in page
    for text in (page, (tmp_path / "run.svg").read_text(encoding="utf-8")):
        assert "entropy, nats" in text
        assert ">rank</text>" in text


def test_the_tokens_of_several_runs_are_one_table(
    dialog: HistoryDialog, kept: Session, tmp_path: Path
) -> None:
    dialog.table.selectAll()
    assert dialog.export.isEnabled()
    offered = zip(formats(), dialog.export.menu().actions(), strict=True)
    assert {name for (name, _), action in offered if action.isEnabled()} == {"csv", "parquet"}
    ids = [run.id for run in dialog.chosen()]
    export(kept, ids, "csv", tmp_path / "tokens.csv")
    assert kept.history.background.join(60)
    with (tmp_path / "tokens.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    counts = [sum(row["run_id"] == run_id for row in rows) for run_id in ids]
    assert counts == [4, 3, 2]  # Cherry, Banana, Apple


def test_a_message_and_its_answer_stand_apart(dialog: HistoryDialog) -> None:
    run = replace(dialog.chosen()[0], opening="A fruit.")
    dialog.details.show_run(run)
    assert dialog.details.text.toPlainText() == "CherryA fruit."
    dialog.details.show_run(replace(run, is_answer=True))
    assert dialog.details.text.toPlainText() == "Cherry\n\nA fruit."


def test_rows_of_one_prompt_say_what_each_is(dialog: HistoryDialog) -> None:
    run = dialog.chosen()[0]
    given = replace(run, opening="given words", kind=RunKind.SCORED)
    alone = [
        replace(run, opening=text, kind=RunKind.ROLE, role=role, role_pair="poems" if role else "")
        for role, text in enumerate(("zero", "one", ""))
    ]
    alone[2] = replace(alone[2], tokens=0)
    named = replace(run, title="Pie")
    model = RunTable(lambda *_: None, dialog)
    model.show([given, *alone, named])
    rows = [model.index(row, TITLE) for row in range(model.rowCount())]
    assert [index.data() for index in rows] == [
        "Cherry → given words",
        "Cherry → zero",
        "Cherry → one",
        "Cherry",
        "Pie",
    ]
    assert [index.data(KIND) for index in rows] == [
        "scored text",
        "base alone",
        "expert poems alone",
        "anti-expert poems alone",
        "generated",
    ]
    dimmed = [index.data(Qt.ItemDataRole.ForegroundRole) is not None for index in rows]
    assert dimmed == [False, False, False, True, False]


def test_without_a_locale_dates_are_iso(dialog: HistoryDialog) -> None:
    before = QLocale()
    QLocale.setDefault(QLocale.c())
    try:
        shown = str(dialog.runs.index(0, MOMENT).data())
    finally:
        QLocale.setDefault(before)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", shown)


def test_the_export_asks_where(dialog: HistoryDialog) -> None:
    menu = dialog.export.menu()
    assert menu is not None
    menu.actions()[0].trigger()
    (asked,) = dialog.findChildren(QFileDialog)
    assert asked.acceptMode() is QFileDialog.AcceptMode.AcceptSave
    assert [Path(path).name for path in asked.selectedFiles()] == ["Cherry.html"]
    asked.close()


def test_the_selected_tokens_are_copied_as_a_table(dialog: HistoryDialog, kept: Session) -> None:
    kept.selection.select_range((1, 3))
    copy_shown(kept, "markdown")
    settle_background(kept)
    lines = QGuiApplication.clipboard().text().splitlines()
    assert [line.split("|")[1].strip() for line in lines] == ["#", "--:", "2", "3"]
    kept.selection.select_range(None)
    copy_shown(kept, "text")
    settle_background(kept)
    run = kept.runs.current
    assert run is not None
    assert QGuiApplication.clipboard().text() == run.text


def test_an_opened_run_brings_its_prompt_unless_one_was_typed(
    dialog: HistoryDialog, kept: Session, qtbot: QtBot, tmp_path: Path
) -> None:
    window = MainWindow(kept, QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat))
    qtbot.addWidget(window)
    for title in ("Apple", "Banana"):
        choose(dialog, title)
        dialog.open_run.click()
        settle_reading(kept)
        assert window.prompt.text == title
        assert kept.prompt == title
    window.prompt.set_text("My own")
    choose(dialog, "Cherry")
    dialog.open_run.click()
    settle_reading(kept)
    assert window.prompt.text == "My own"


def test_an_export_says_where_it_is(
    dialog: HistoryDialog, kept: Session, qtbot: QtBot, tmp_path: Path
) -> None:
    (run,) = dialog.chosen()
    with qtbot.waitSignal(kept.saved.changed):
        export(kept, [run.id], "text", tmp_path / "Cherry.txt")
    assert kept.saved.last == tmp_path / "Cherry.txt"
    (bar,) = dialog.findChildren(SavedBar)
    assert bar.isVisible()
    assert "Cherry.txt" in bar.text.full_text


@pytest.mark.parametrize("button", ["open_run", "run_again", "recipe"])
def test_what_the_window_shows_is_not_under_the_dialog(dialog: HistoryDialog, button: str) -> None:
    choose(dialog, "Apple")
    getattr(dialog, button).click()
    assert not dialog.isVisible()


class Connections:
    """Notes the threads that open a database."""

    def __init__(self) -> None:
        self.threads: list[str] = []

    def on_call(self, name: str) -> None:
        if name == "sqlite3.connect":
            self.threads.append(threading.current_thread().name)


def test_a_search_is_on_a_thread_of_its_own_and_the_next_key_cancels_it(
    dialog: HistoryDialog, kept: Session
) -> None:
    found: list[FoundRuns] = []
    kept.history.search.found.connect(found.append)
    seen = Connections()
    with listening(seen):
        for words in ("apple", "banana"):  # nothing is delivered between the two
            dialog.search.setText(words)
            dialog._search_timer.timeout.emit()
        settle(dialog)
    assert seen.threads
    assert set(seen.threads) == {"history search"}
    assert titles(dialog) == ["Banana"]
    assert {run.prompt for some in found for run in some.runs} == {"Banana"}
    assert [some.ended for some in found] == [False, True]


def test_an_export_and_a_copy_read_on_a_thread_of_their_own(
    dialog: HistoryDialog, kept: Session, tmp_path: Path
) -> None:
    seen = Connections()
    with listening(seen):
        export(kept, dialog.chosen()[0].id, "text", tmp_path / "run.txt")
        copy_shown(kept, "text")
        settle_background(kept)
    assert set(seen.threads) == {"export"}


def test_a_new_name_is_stored_by_the_writer(dialog: HistoryDialog, kept: Session) -> None:
    run = kept.runs.current
    assert run is not None
    kept.runs.rename(run, "Cake")
    assert [found.title for found in runs(kept)] == ["Cake", "", ""]
    QCoreApplication.sendPostedEvents()
    assert titles(dialog) == ["Cake", "Banana", "Apple"]


def shown_now(dialog: HistoryDialog) -> list[str]:
    """The titles without waiting for the writer or a search."""
    return [str(dialog.runs.index(row, TITLE).data()) for row in range(dialog.runs.rowCount())]


def test_an_edit_is_shown_at_once_and_stored_by_the_writer(
    dialog: HistoryDialog, kept: Session
) -> None:
    apple = next(run for run in dialog.runs.all() if run.prompt == "Apple")
    seen = Connections()
    with listening(seen):
        dialog.star.trigger()
        assert shown_now(dialog) == ["★ Cherry", "Banana", "Apple"]
        dialog.delete.trigger()
        assert shown_now(dialog) == ["Banana", "Apple"]
        dialog.undo.trigger()
        assert shown_now(dialog) == ["★ Cherry", "Banana", "Apple"]
        kept.history.edits.set_tags(apple.id, ["red ", ""])
        assert dialog.runs.index(2, TAGS).data() == "red"
        settle(dialog)
    assert set(seen.threads) == {"history", "history search"}
    assert titles(dialog) == ["★ Cherry", "Banana", "Apple"]
    assert [(run.starred, run.tags) for run in runs(kept)] == [
        (True, ()),
        (False, ()),
        (False, ("red",)),
    ]


def test_an_edit_that_fails_is_taken_back_with_an_error(
    dialog: HistoryDialog, kept: Session, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "history.sqlite3")) as file:
        file.executescript(
            "CREATE TRIGGER kept BEFORE UPDATE OF deleted, starred ON run "
            "BEGIN SELECT RAISE(ABORT, 'not today'); END"
        )
    dialog.delete.trigger()
    assert shown_now(dialog) == ["Banana", "Apple"]
    assert dialog.undo_button.isVisible()
    dialog.star.trigger()
    assert shown_now(dialog) == ["★ Banana", "Apple"]
    assert titles(dialog) == ["Cherry", "Banana", "Apple"]
    assert not dialog.undo_button.isVisible()
    assert kept.problem
    assert "not today" in kept.problem.error.evidence


def test_a_run_to_open_is_read_on_a_thread_of_its_own(
    dialog: HistoryDialog, kept: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.ui.state.runs.removed_runs.MOST", 1)  # not Apple
    apple = next(run for run in dialog.runs.all() if run.prompt == "Apple")
    for run in list(kept.runs.all):
        kept.runs.remove(run)
    seen = Connections()
    with listening(seen):
        kept.history.show(apple.id)
        kept.history.show(apple.id)  # before the first is read
        assert kept.runs.all == []
        settle_reading(kept)
    assert set(seen.threads) == {"history reading"}
    assert [run.prompt for run in kept.runs.all] == ["Apple"]
    assert kept.runs.current is kept.runs.all[0]


def test_a_run_that_cannot_be_read_is_reported(dialog: HistoryDialog, kept: Session) -> None:
    open_run(kept, "gone")
    assert kept.problem
    assert "gone" in str(kept.problem.error)
