"""Exports runs to files and copies their tokens to the clipboard."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSettings, QStandardPaths
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from app.atomic_files import write_file
from app.errors import HistoryError
from app.history.export.document import Document
from app.history.export.formats import ENDINGS, FORMATS, PNG
from app.history.export.json_file import write_tokens
from app.settings import state_folder
from app.ui.pictures import shift_png
from app.ui.state.session import Session
from app.ui.translation import translate
from app.ui.widgets.file_dialogs import ask_new_file, file_stem

_FOLDER = "export/folder"


def formats() -> tuple[tuple[str, str], ...]:
    """The export formats and their titles, the most useful first."""
    return (
        ("html", translate("Exporting", "Report to read in a browser (HTML)")),
        (PNG, translate("Exporting", "Plot as an image (PNG)")),
        ("svg", translate("Exporting", "Plot as vector graphics (SVG)")),
        ("csv", translate("Exporting", "Tokens as a table (CSV)")),
        ("candidates", translate("Exporting", "Candidates of all tokens as a table (CSV)")),
        ("json", translate("Exporting", "Everything as data (JSON)")),
        ("markdown", translate("Exporting", "Tokens as a Markdown table")),
        ("text", translate("Exporting", "Text only")),
        ("conversation", translate("Exporting", "Conversation (Markdown)")),
        ("messages", translate("Exporting", "Messages as data (JSON)")),
    )


def fill_menu(menu: QMenu, chosen: Callable[[str], None]) -> None:
    """Add an action for each format to ``menu``; ``chosen`` is called with the format's name."""
    for name, title in formats():
        menu.addAction(title.replace("&", "&&"), partial(chosen, name))


def ask_export(session: Session, run_id: str, name: str, parent: QWidget) -> None:
    """Ask for a file and export a run to it in the format ``name``."""
    ending = ENDINGS.get(name, name)
    memory = _memory()
    documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    folder = Path(str(memory.value(_FOLDER, documents)))
    try:
        title = session.history.summary(run_id).shown_title
    except HistoryError as error:
        session.report(error)
        return
    ask_new_file(
        parent,
        dict(formats())[name],
        folder / f"{file_stem(title, 'run')}.{ending}",
        f"*.{ending}",
        lambda path: export(session, run_id, name, Path(path)),
    )


def export(session: Session, run_id: str, name: str, path: Path) -> None:
    """Write a run to a file on a background thread, and report an error if that fails."""
    reader = session.history.reader
    failed = translate("Exporting", "The run cannot be written to {0}").format(path)

    def write() -> None:
        document = reader.document(run_id)
        content = shift_png(document) if name == PNG else FORMATS[name](document).encode("utf-8")
        try:
            write_file(path, content)
        except OSError as error:
            raise HistoryError(failed, evidence=error.strerror or str(error)) from error

    def written(_: None) -> None:
        _memory().setValue(_FOLDER, str(path.parent))
        session.saved.add(path)

    session.history.background.run(session, write, written, session.report)


def copy_shown(session: Session, name: str) -> None:
    """Copy the selected tokens of the shown run, or all of them, in the text format ``name``."""
    chosen = session.selection.range
    _copy_written(session, lambda whole: FORMATS[name](whole.part(*chosen) if chosen else whole))


def copy_tokens(session: Session, first: int, end: int) -> None:
    """Copy tokens of the shown run as JSON, with their numbers and candidates."""
    _copy_written(session, lambda whole: write_tokens(whole.part(first, end)))


def _copy_written(session: Session, write: Callable[[Document], str]) -> None:
    """Copy what ``write`` makes of the shown run, if the history has it."""
    run = session.runs.current
    run_id = session.history.id_of(run) if run else ""
    if run_id:
        reader = session.history.reader
        session.history.background.run(
            session,
            lambda: write(reader.document(run_id)),
            QGuiApplication.clipboard().setText,
            session.report,
        )


def ask_export_shown(session: Session, name: str, parent: QWidget) -> None:
    """Ask for a file and export the shown run to it in the format ``name``."""
    run = session.runs.current
    run_id = session.history.id_of(run) if run else ""
    if run_id:
        ask_export(session, run_id, name, parent)


def _memory() -> QSettings:
    return QSettings(str(state_folder() / "exports.ini"), QSettings.Format.IniFormat)
