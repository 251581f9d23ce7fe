"""An answer as formatted text, from its Markdown; nothing in it is interpreted or fetched."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QByteArray, QEvent, QUrl, Signal
from PySide6.QtGui import (
    QColor,
    QDesktopServices,
    QFocusEvent,
    QGuiApplication,
    QMouseEvent,
    QResizeEvent,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextFragment,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QFrame, QTextBrowser, QWidget

from app.ui.theme import SPACE, current_theme

_COPY = "copy"
"""Scheme of the links that copy a code block."""
_Feature = QTextDocument.MarkdownFeature


class RenderedAnswer(QTextBrowser):
    """Markdown as formatted text, as high as it needs, with a link that copies each code block.

    HTML in the text is shown as it is written, and pictures as their addresses.
    """

    chosen = Signal()
    """The answer was clicked or got the focus."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._markdown = ""
        self.codes: list[str] = []
        """The texts of the code blocks."""
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setProperty("role", "rendered")
        self.setOpenLinks(False)
        self.setUndoRedoEnabled(False)
        self.setTabChangesFocus(True)
        self.document().setDocumentMargin(0)
        self.setAccessibleName(self.tr("Answer"))
        self.anchorClicked.connect(self._follow)

    def show_markdown(self, text: str) -> None:
        """Show ``text``, formatted."""
        if text != self._markdown:
            self._markdown = text
            self._render()

    def _render(self) -> None:
        features = _Feature.MarkdownDialectGitHub | _Feature.MarkdownNoHTML
        self.document().setMarkdown(self._markdown, features)
        whole = QTextCursor(self.document())
        whole.beginEditBlock()  # one layout for all changes
        self._replace_pictures()
        self._finish_codes()
        whole.endEditBlock()
        self._fit()

    def loadResource(self, type_: int, url: QUrl | str) -> object:  # noqa: N802 — Qt's name
        """Nothing: a text of a model must not make the program read a file or ask a server."""
        return QByteArray(b"-")

    def _replace_pictures(self) -> None:
        """Show the address of each picture in its place."""
        pictures = [
            (fragment.position(), fragment.length(), fragment.charFormat().toImageFormat().name())
            for block in self._blocks()
            for fragment in _fragments(block)
            if fragment.charFormat().isImageFormat()
        ]
        for position, length, address in reversed(pictures):
            cursor = QTextCursor(self.document())
            cursor.setPosition(position)
            cursor.setPosition(position + length, QTextCursor.MoveMode.KeepAnchor)
            cursor.insertText(f"![]({address})", QTextCharFormat())

    def _finish_codes(self) -> None:
        """Give code blocks a background and a link that copies them."""
        theme = current_theme()
        groups: list[list[QTextBlock]] = []
        for block in self._blocks():
            if not block.blockFormat().hasProperty(QTextFormat.Property.BlockCodeLanguage):
                continue
            if groups and groups[-1][-1].blockNumber() == block.blockNumber() - 1:
                groups[-1].append(block)
            else:
                groups.append([block])
        self.codes = ["\n".join(block.text() for block in group) for group in groups]
        background = QTextBlockFormat()
        background.setBackground(QColor(theme.hover))
        link = QTextCharFormat()
        link.setAnchor(True)
        link.setForeground(QColor(theme.accent))
        link.setFont(QApplication.font())
        for number, group in reversed(list(enumerate(groups))):
            for block in group:
                QTextCursor(block).mergeBlockFormat(background)
            cursor = QTextCursor(group[-1])
            cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock)
            below = QTextBlockFormat()
            below.setBottomMargin(SPACE)
            cursor.insertBlock(below, QTextCharFormat())
            link.setAnchorHref(f"{_COPY}:{number}")
            cursor.insertText(self.tr("Copy code"), link)

    def _blocks(self) -> Iterator[QTextBlock]:
        block = self.document().firstBlock()
        while block.isValid():
            yield block
            block = block.next()

    def _follow(self, url: QUrl) -> None:
        """Copy a code block, or open a link of the web in the browser."""
        if url.scheme() == _COPY:
            QGuiApplication.clipboard().setText(self.codes[int(url.path())])
        elif url.scheme() in ("http", "https"):
            QDesktopServices.openUrl(url)

    # Height

    def _fit(self) -> None:
        self.document().setTextWidth(self.viewport().width())
        height = round(self.document().size().height()) + 2
        if height != self.height():
            self.setFixedHeight(height)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 — Qt's name
        super().resizeEvent(event)
        self._fit()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 — Qt's name
        event.ignore()  # the conversation scrolls, not its answers

    # Choosing the answer

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 — Qt's name
        self.chosen.emit()
        super().mousePressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 — Qt's name
        super().focusInEvent(event)
        self.chosen.emit()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        shown_by = (QEvent.Type.PaletteChange, QEvent.Type.FontChange)
        if event.type() in shown_by and self._markdown:
            self._render()


def _fragments(block: QTextBlock) -> Iterator[QTextFragment]:
    parts = block.begin()
    while not parts.atEnd():
        yield parts.fragment()
        parts += 1
