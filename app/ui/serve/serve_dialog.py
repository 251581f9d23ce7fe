"""The dialog of the API server: starts and stops it, shows example code and requests."""

from __future__ import annotations

import secrets

from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.server.access import is_loopback
from app.ui.serve.snippets import curl_snippet, python_snippet
from app.ui.state.models.api_switch import ServeState
from app.ui.state.session import Session
from app.ui.theme import SPACE, set_role
from app.ui.widgets.dialogs import show_once
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.form_controls import NumberBox
from app.ui.widgets.message_label import MessageLabel

_WIDTH, _HEIGHT, _PORT_WIDTH = 600, 520, 84
_SNIPPET_LINES = 8
_KEY_BYTES = 24


def show_serve_dialog(session: Session, parent: QWidget) -> ServeDialog:
    """Show the window's one dialog of the API server."""
    return show_once(parent, ServeDialog, "serve", lambda window: ServeDialog(session, window))


class ServeDialog(QDialog):
    """Controls ``session.serving``; does not block the window."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._serving = session.serving
        self.setWindowTitle(self.tr("API server"))
        self.address = QLineEdit(self._serving.host)
        self.port = NumberBox(0, 65535, 1, 0, self.tr("any"))
        self.port.setValue(self._serving.port)
        self.port.setFixedWidth(_PORT_WIDTH)
        self.key = QLineEdit(self._serving.key)
        self.new_key = QPushButton(self.tr("&New key"))
        self.new_key.clicked.connect(self._make_key)
        self.copy_key = QPushButton(self.tr("Copy &key"))
        self.copy_key.clicked.connect(lambda: _copy(self.key.text().strip()))
        self.switch = QPushButton()
        self.switch.clicked.connect(self._switch)
        self._state = MessageLabel()
        self.url = QLineEdit()
        self.url.setReadOnly(True)
        self.url.setPlaceholderText(self.tr("shown while the server runs"))
        self.url.setAccessibleName(self.tr("URL of the API"))
        self.copy_url = QPushButton(self.tr("&Copy"))
        self.copy_url.clicked.connect(lambda: _copy(self.url.text()))
        self._figures = ElidedLabel()  # elided, because clients choose their own names
        self._figures.setProperty("role", "caption")
        policy = self._figures.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # keeps the examples in place
        self._figures.setSizePolicy(policy)
        self.curl, self.python = _snippet(), _snippet()
        self.snippets = QTabWidget()
        self.snippets.addTab(self.curl, "curl")
        self.snippets.addTab(self.python, "Python")
        tabs = self.snippets.tabBar().sizeHint().height() + SPACE
        self.snippets.setMinimumHeight(self.curl.minimumHeight() + tabs)
        self.copy_snippet = QPushButton(self.tr("Copy the &example"))
        self.copy_snippet.clicked.connect(
            lambda: _copy((self.curl, self.python)[self.snippets.currentIndex()].toPlainText())
        )
        self._lay_out()
        for field in (self.address, self.key):
            field.textChanged.connect(self._update)
        self.port.valueChanged.connect(self._update)
        self._serving.changed.connect(self._update)
        session.load_changed.connect(self._update)
        session.recipe_changed.connect(self._update)
        session.alphas_changed.connect(self._update)
        self._update()

    def _lay_out(self) -> None:
        about = MessageLabel()
        about.show_message(
            self.tr(
                "Chat programs, scripts and benchmarks can use the loaded recipe through an API "
                "that is compatible with OpenAI's. Requests use the α values and sampling settings "
                "of the window unless they set their own. Requests and runs of the window take "
                "turns; Stop ends only the run of the window."
            )
        )
        form = QFormLayout()
        form.setHorizontalSpacing(2 * SPACE)
        form.setVerticalSpacing(SPACE)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        port = QLabel(self.tr("&Port"))
        port.setBuddy(self.port)
        address = QLabel(self.tr("&Address"))
        address.setBuddy(self.address)
        form.addRow(address, _row(self.address, port, self.port))
        form.addRow(self.tr("Key"), _row(self.key, self.new_key, self.copy_key))
        form.addRow(self.tr("URL"), _row(self.url, self.copy_url))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.addButton(self.switch, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(2 * SPACE)
        layout.addWidget(about)
        layout.addLayout(form)
        layout.addWidget(self._state)
        layout.addWidget(self._figures)
        layout.addWidget(self.snippets, 1)
        layout.addLayout(_row(QLabel(), self.copy_snippet))
        layout.addWidget(buttons)
        self.setMinimumWidth(_WIDTH)
        self.resize(_WIDTH, _HEIGHT)

    # User actions

    def _make_key(self) -> None:
        self.key.setText(secrets.token_urlsafe(_KEY_BYTES))

    def _switch(self) -> None:
        if self._serving.state is ServeState.OFF:
            host, key = self.address.text().strip(), self.key.text().strip()
            self._serving.set_address(host, int(self.port.value()), key)
            self._serving.start()
        else:
            self._serving.stop()

    # Content

    def _update(self) -> None:
        serving = self._serving
        off, on = serving.state is ServeState.OFF, serving.on
        for field in (self.address, self.port, self.key, self.new_key):
            field.setEnabled(off)
        self.copy_key.setEnabled(bool(self.key.text().strip()))
        self.url.setText(serving.url)
        self.url.setEnabled(on)
        self.copy_url.setEnabled(on)
        self.copy_snippet.setEnabled(on)
        self.switch.setText(self.tr("&Start server") if off else self.tr("&Stop server"))
        set_role(self.switch, "primary" if off else "")
        problem = self._problem()
        self.switch.setEnabled(
            bool(self.address.text().strip()) and not problem
            if off
            else serving.state is not ServeState.STOPPING
        )
        if problem and off:
            self._state.show_message(problem, "error")
        elif serving.problem:
            error = serving.problem
            self._state.show_message(str(error), "error")
        else:
            self._state.show_message(self._describe_state())
        self._figures.show_text(self._describe_figures())
        self._figures.setVisible(on)
        url = serving.url or f"http://{self.address.text().strip()}:{int(self.port.value())}/v1"
        key = bool(self.key.text().strip())
        self._show_snippet(self.curl, curl_snippet(url, key=key))
        self._show_snippet(self.python, python_snippet(url, self._session.recipe.alphas, key=key))

    def _problem(self) -> str:
        host = self.address.text().strip()
        if host and not is_loopback(host) and not self.key.text().strip():
            return self.tr("Other computers can reach this address: set a key.")
        return ""

    def _describe_state(self) -> str:
        if self._serving.state is ServeState.STARTING:
            return self.tr("Starting …")
        if self._serving.state is ServeState.STOPPING:
            return self.tr("Stopping …")
        if not self._serving.on:
            return self.tr("Off. The server never starts by itself, and the key is not saved.")
        if self._session.model is None:
            return self.tr("On, but no models are loaded: clients are asked to retry later.")
        return self.tr("On: serving “{0}”, also under the model name “tuneshift”.").format(
            self._session.recipe.name
        )

    def _describe_figures(self) -> str:
        figures = self._serving.figures
        counts = self.tr("Requests: {0} · completions: {1} · tokens: {2} · waiting: {3}").format(
            *(
                f"{count:,}"
                for count in (figures.requests, figures.texts, figures.tokens, figures.waiting)
            )
        )
        if not figures.client:
            return counts
        return self.tr("{0} · current client: {1}").format(counts, " ".join(figures.client.split()))

    def _show_snippet(self, edit: QPlainTextEdit, text: str) -> None:
        if edit.toPlainText() != text:
            edit.setPlainText(text)


def _snippet() -> QPlainTextEdit:
    edit = QPlainTextEdit()
    edit.setReadOnly(True)
    edit.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    edit.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
    edit.setMinimumHeight(_SNIPPET_LINES * edit.fontMetrics().lineSpacing() + 2 * SPACE)
    edit.setTabChangesFocus(True)
    return edit


def _row(first: QWidget, *others: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(SPACE)
    row.addWidget(first, 1)
    for widget in others:
        row.addWidget(widget)
    return row


def _copy(text: str) -> None:
    QGuiApplication.clipboard().setText(text)
