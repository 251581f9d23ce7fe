"""Exports runs to files and copies their tokens to the clipboard."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSettings, QStandardPaths
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from app.atomic_files import write_file
from app.attribution.tint_scale import USUAL
from app.errors import HistoryError
from app.history.export.document import Document
from app.history.export.formats import (
    ENDINGS,
    FORMATS,
    OF_MANY,
    PNG,
    check_format,
    exported_pieces,
)
from app.history.export.json_file import write_tokens
from app.history.export.parquet_file import PARQUET
from app.history.export.shown_measures import ShownMeasures
from app.settings import state_folder
from app.ui.pictures import shift_png
from app.ui.state.display import Display
from app.ui.state.records.exports import Export
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
        (PARQUET, translate("Exporting", "Tokens as a table (Parquet)")),
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


def enable_formats(menu: QMenu, runs: int) -> None:
    """Let a menu of :func:`fill_menu` offer the formats that take as many runs."""
    for (name, _), action in zip(formats(), menu.actions(), strict=True):
        action.setEnabled(runs == 1 or (runs > 1 and name in OF_MANY))


def ask_export(session: Session, run_ids: Sequence[str], name: str, parent: QWidget) -> None:
    """Ask for a file and export runs to it in the format ``name``."""
    ending = ENDINGS.get(name, name)
    memory = _memory()
    documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    folder = Path(str(memory.value(_FOLDER, documents)))
    try:
        check_format(name)
        title = session.history.summary(run_ids[0]).shown_title
    except HistoryError as error:
        session.report(error)
        return
    ask_new_file(
        parent,
        dict(formats())[name],
        folder / f"{file_stem(title, 'run')}.{ending}",
        f"*.{ending}",
        lambda path: export(session, run_ids, name, Path(path)),
    )


def export(session: Session, run_ids: Sequence[str], name: str, path: Path) -> None:
    """Write runs to a file in the background, and report an error if that fails."""
    reader, shown = session.history.reader, _shown(session.display)
    failed = translate("Exporting", "The export cannot be written to {0}").format(path)
    next_step = translate("Exporting", "Choose another folder, or make room on its disk.")

    def write(progress: Export) -> None:
        progress.check()
        tokens_only = name in OF_MANY
        read = reader.documents(run_ids, tokens_only=tokens_only, watch=progress.watch)
        progress.total = sum(len(document.tokens) for document in read)
        documents = [replace(document, shown=shown) for document in read]
        png = name == PNG
        content = [shift_png(documents[0])] if png else exported_pieces(documents, name)
        try:
            write_file(path, _watched(content, progress))
        except OSError as error:
            raise HistoryError(
                failed, evidence=error.strerror or str(error), next_step=next_step
            ) from error

    def written() -> None:
        _memory().setValue(_FOLDER, str(path.parent))
        session.saved.add(path)

    session.history.exports.begin(path, write, written, session.report)


def _watched(pieces: Iterable[bytes], progress: Export) -> Iterator[bytes]:
    """The pieces of a file, between which its export can be cancelled, and after the last."""
    for piece in pieces:
        progress.check()
        yield piece
    progress.check()


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
        ask_export(session, [run_id], name, parent)


def _shown(display: Display) -> ShownMeasures:
    """The tint and the measures of the plot in the window, which exports show as well."""
    scale = display.tint_scales.get(display.tint.measure, USUAL)
    return ShownMeasures(
        display.tint, scale, display.plot_measures, display.plot_unit, display.hidden
    )


def _memory() -> QSettings:
    return QSettings(str(state_folder() / "exports.ini"), QSettings.Format.IniFormat)
