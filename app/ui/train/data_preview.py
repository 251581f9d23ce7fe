"""What a training will read: the data in figures, warnings, and the first examples."""

from __future__ import annotations

import html

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QTextBrowser, QWidget

from app.training.preparing.prepared_training import DataSummary, ExamplePreview, Preparation
from app.ui.theme import SPACE, blend, current_theme
from app.ui.train.train_words import warning_words
from app.wording import visible

_SHOWN_BEFORE, _SHOWN_AFTER = 80, 160
"""How many tokens of an example are shown before what is learned, and of what is learned."""

_PALE, _PALER = 0.72, 0.84
"""How much of the background the two colours of learned tokens have."""


class DataPreview(QTextBrowser):
    """Shows the data of a preparation; tokens that are trained on have a tint."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._prepared: Preparation | None = None
        self._text = ""
        self.setOpenLinks(False)
        self.setFrameShape(QTextBrowser.Shape.NoFrame)
        self.document().setDocumentMargin(SPACE + 4)
        self.setAccessibleName(self.tr("What the small model will read"))

    def show_text(self, text: str) -> None:
        """Show a message instead of data."""
        self._show(None, text)

    def show_preparation(self, prepared: Preparation) -> None:
        """Show the data of a preparation."""
        self._show(prepared, "")

    def _show(self, prepared: Preparation | None, text: str) -> None:
        if (prepared, text) != (self._prepared, self._text) or not self.toPlainText():
            self._prepared, self._text = prepared, text
            self._draw()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._draw()

    def _draw(self) -> None:
        theme = current_theme()
        prepared = self._prepared
        if prepared is None:
            said = html.escape(self._text).replace("\n", "<br>")
            self.setHtml(f'<p style="color:{theme.muted}">{said}</p>')
            return
        parts = [f"<p>{html.escape(line)}</p>" for line in self._figures(prepared.summary)]
        parts += [
            f'<p style="color:{theme.danger}">⚠ {html.escape(warning_words(warning))}</p>'
            for warning in prepared.summary.warnings
        ]
        about = self.tr(
            "The first examples as the small model reads them. It learns the tinted tokens; what "
            "stands before them is only read. Every token has a shade of its own."
        )
        parts.append(f'<p style="color:{theme.muted}">{html.escape(about)}</p>')
        parts += map(self._example, prepared.previews)
        self.setHtml("".join(parts))

    def _figures(self, data: DataSummary) -> list[str]:
        left_out = data.repeated + data.similar
        documents = (
            self.tr("{0} documents in one file: {2} are trained on, {3} are held out.")
            if data.files == 1
            else self.tr("{0} documents in {1} files: {2} are trained on, {3} are held out.")
        )
        lines = [
            documents.format(
                f"{data.documents:,}",
                f"{data.files:,}",
                f"{data.training:,}",
                f"{data.held_out:,}",
            ),
            self.tr("{0} examples with {1} tokens; half have at most {2}, the longest {3}.").format(
                f"{data.examples:,}",
                f"{data.tokens:,}",
                f"{data.median:,}",
                f"{data.longest:,}",
            ),
        ]
        if left_out:
            lines.append(
                self.tr(
                    "{0} repeated documents and {1} near-duplicates of held-out ones are left out."
                ).format(f"{data.repeated:,}", f"{data.similar:,}")
            )
        return lines

    def _example(self, example: ExamplePreview) -> str:
        theme = current_theme()
        first = example.first_learned
        before = visible("".join(example.tokens[:first][-_SHOWN_BEFORE:]))
        shades = [blend(theme.more, theme.surface, share).name() for share in (_PALE, _PALER)]
        learned = "".join(
            f'<span style="background-color:{shades[place % 2]}">{_token(token)}</span>'
            for place, token in enumerate(example.tokens[first:][:_SHOWN_AFTER])
        )
        more = " …" if len(example.tokens) - first > _SHOWN_AFTER else ""
        skipped = "… " if first > _SHOWN_BEFORE else ""
        return (
            f"<h4>{html.escape(example.document)}</h4>"
            f'<p style="white-space:pre-wrap"><span style="color:{theme.muted}">{skipped}'
            f"{html.escape(before)}</span>{learned}{more}</p>"
        )


def _token(text: str) -> str:
    shown = html.escape(visible(text))
    return f"{shown}<br>" if text.endswith("\n") else shown
