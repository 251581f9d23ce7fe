"""Label for messages of several sentences, with selectable text and clickable links."""

from __future__ import annotations

import html
import re

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from app.ui.theme import set_role

_LINK = re.compile(r"https?://[^\s<>“”()]*[^\s<>“”().,;:]")


class MessageLabel(QLabel):
    """Label with word wrap, whose web addresses open the browser on click or Enter."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text = ""
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        self.setOpenExternalLinks(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    @property
    def message(self) -> str:
        """The text without markup."""
        return self._text

    def show_message(self, text: str, role: str = "caption") -> None:
        """Show plain ``text`` in the style of ``role``."""
        self._text = text
        linked = _LINK.sub(lambda found: f'<a href="{found[0]}">{found[0]}</a>', _escape(text))
        self.setText(linked)
        set_role(self, role)
        # Tab stops only at messages with links.
        stop = linked != _escape(text)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if stop else Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(text)


def _escape(text: str) -> str:
    return html.escape(text, quote=False).replace("\n", "<br>")
