"""The conversation: its turns, the legend and the entry of messages."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, Qt, QTimer
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.checkpoints.conversation import ASSISTANT, Conversation
from app.history.export.messages import conversation_as_markdown
from app.ui.chat.message_entry import MessageEntry
from app.ui.chat.turn_view import TurnView
from app.ui.state.runs.chat import Turn
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.ui.text.prompt_editor import prompt_title
from app.ui.text.text_matches import SearchedText
from app.ui.text.text_scale import follow_text_scale
from app.ui.text.token_tints import TokenTints
from app.ui.text.transcript_footer import TranscriptFooter
from app.ui.theme import SPACE
from app.wording import quoted

_EXAMPLES = 3
_NEAR = 4
"""Distance from the end in pixels at which the view still follows new tokens."""


class ChatView(QWidget):
    """The turns of the conversation with an entry for the next message below them."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._chat = session.chat
        self._following = True
        self._offered: tuple[str, ...] = ()
        self.turns: list[TurnView] = []
        self.entry = MessageEntry()
        self.entry.setPlaceholderText(self.tr("Write a message …"))
        self.entry.setAccessibleName(self.tr("Message"))
        self.entry.sent.connect(self.send)
        follow_text_scale(self.entry, session.display)
        self.send_button = QPushButton(self.tr("Send"))
        self.send_button.setProperty("role", "primary")
        self.send_button.setToolTip(self.tr("Send the message (Enter; Shift+Enter for a new line)"))
        self.send_button.clicked.connect(lambda: self.send())
        self._pages = QStackedLayout()
        self._area = QScrollArea()
        self._column = QVBoxLayout()
        self._examples = QVBoxLayout()
        self._lay_out()
        self._connect()
        self._rebuild()
        self._update()

    # Construction

    def _lay_out(self) -> None:
        page = QWidget()
        page.setLayout(self._column)
        self._column.setContentsMargins(0, 0, SPACE // 2, 0)
        self._column.setSpacing(SPACE)
        self._column.addStretch(1)
        self._area.setWidget(page)
        self._area.setWidgetResizable(True)
        for widget in (page, self._area.viewport()):
            widget.setAutoFillBackground(False)  # the card is seen through
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setAccessibleName(self.tr("Conversation"))
        self._pages.addWidget(self._make_empty())
        self._pages.addWidget(self._area)
        field = QFrame()
        field.setProperty("role", "card")
        row = QHBoxLayout(field)
        row.setContentsMargins(SPACE, SPACE // 2, SPACE // 2, SPACE // 2)
        row.setSpacing(SPACE)
        row.addWidget(self.entry, 1)
        row.addWidget(self.send_button, 0, Qt.AlignmentFlag.AlignBottom)
        self._footer = TranscriptFooter(self._session, self._tints)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACE // 2, 0, SPACE // 2)
        layout.setSpacing(SPACE)
        layout.addLayout(self._pages, 1)
        layout.addWidget(self._footer)
        layout.addWidget(field)

    def _make_empty(self) -> QWidget:
        page = QWidget()
        said = QLabel(
            self.tr(
                "Write a message: the tuned models answer it, and every token of the answer is "
                "coloured by how much the experts changed its probability."
            )
        )
        said.setWordWrap(True)
        said.setAlignment(Qt.AlignmentFlag.AlignCenter)
        said.setProperty("role", "caption")
        layout = QVBoxLayout(page)
        layout.addStretch(1)
        layout.addWidget(said)
        layout.addLayout(self._examples)
        layout.addStretch(1)
        return page

    def _connect(self) -> None:
        session = self._session
        self._chat.changed.connect(self._rebuild)
        session.runs.list_changed.connect(self._update)
        session.runs.run_changed.connect(self._update)
        session.runs.generation.progressed.connect(self._on_progress)
        session.recipe_changed.connect(self._update)
        session.load_changed.connect(self._update)
        session.display.rendered_changed.connect(self._update)
        session.mode.changed.connect(self.offer_prompt)
        self._chat.changed.connect(self.offer_prompt)
        self._chat.system_changed.connect(self.offer_prompt)
        self.entry.textChanged.connect(self.offer_prompt)
        bar = self._area.verticalScrollBar()
        bar.rangeChanged.connect(self._on_range)
        bar.valueChanged.connect(self._on_scrolled)

    # The turns

    def _rebuild(self) -> None:
        """Show the turns of the conversation; views of turns that stay are kept."""
        known = {(view.index, *_key(view.turn)): view for view in self.turns}
        shown = []
        for index, turn in enumerate(self._chat.turns):
            view = known.pop((index, *_key(turn)), None)
            shown.append(view or self._make_turn(index))
        focused = self.window().focusWidget()
        lost = any(gone.isAncestorOf(focused) for gone in known.values() if focused)
        if lost:
            self.entry.setFocus()  # Qt would focus, and thus choose, another answer
        for gone in known.values():
            self._column.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        self.turns = shown
        for index, view in enumerate(shown):
            self._column.insertWidget(index, view)
        self._pages.setCurrentIndex(1 if shown else 0)
        self._update()
        if lost and self.current:
            self.current.answer.focus()

    def _make_turn(self, index: int) -> TurnView:
        view = TurnView(self._session, self._chat.turns[index], index)
        view.edited.connect(self.entry.setFocus)
        view.reveal.connect(lambda area, view=view: self._show_area(view, area))
        return view

    def _update(self) -> None:
        turns = self._chat.turns
        for index, (view, turn) in enumerate(zip(self.turns, turns, strict=False)):
            view.update_turn(turn, index)
        self.send_button.setEnabled(not self._session.runs.running and not self._session.unfinished)
        self._offer_examples()
        self._footer.update_row()

    def _on_progress(self, run: Run) -> None:
        if not run.active:
            self._update()
            return
        for view in self.turns:
            if view.turn.answer is run:
                view.answer.update_answer()
                view.update_state()
        self._footer.update_row()

    @property
    def current(self) -> TurnView | None:
        """The turn of the shown run."""
        shown = self._session.runs.current
        return next((view for view in self.turns if shown and view.turn.answer is shown), None)

    @property
    def markdown(self) -> str:
        """The shown conversation as Markdown."""
        tip = self._chat.tip
        if tip is None or not isinstance(tip.prompt, Conversation):
            return ""
        return conversation_as_markdown(tip.prompt.with_message(ASSISTANT, tip.answer))

    @property
    def searched(self) -> list[SearchedText]:
        """The messages and answers as texts to search, and the message that is written."""
        texts = []
        for view in self.turns:
            texts.append(SearchedText(view.message.text))
            shown = (view.answer.tokens, view.answer.rendered)
            texts += [
                SearchedText(text, view.answer.choose)
                for text in shown
                if text and text.isVisibleTo(view)
            ]
        return [*texts, SearchedText(self.entry)]

    def choose_turn(self, by: int) -> None:
        """Choose the turn ``by`` places further down."""
        current = self.current
        if current and 0 <= current.index + by < len(self.turns):
            turn = self.turns[current.index + by]
            turn.answer.choose()
            self._show_area(turn, turn.rect())

    def _tints(self) -> TokenTints | None:
        view = self.current
        return view.answer.tokens.tints if view and view.answer.tokens else None

    # Scrolling

    def _on_scrolled(self, value: int) -> None:
        self._following = value >= self._area.verticalScrollBar().maximum() - _NEAR

    def _on_range(self, _: int, most: int) -> None:
        if self._following:
            self._area.verticalScrollBar().setValue(most)
            self._following = True

    def _show_area(self, view: TurnView, area: QRect) -> None:
        place = area.translated(view.pos())
        margin = min(place.height() // 2 + SPACE, self._area.viewport().height() // 2)
        self._area.ensureVisible(0, place.center().y(), 0, margin)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            QTimer.singleShot(0, self, self._update)  # after the answers have the new colours

    # Messages

    def send(self) -> None:
        """Send the message that was entered."""
        message = self.entry.toPlainText()
        if not message.strip():
            self.entry.setFocus()
        elif self._chat.send(message):
            self.entry.clear()
            self._following = True

    def regenerate(self) -> None:
        """Have the message of the chosen turn answered again, with a new seed."""
        if self.current:
            self.current.regenerate()

    def step(self) -> None:
        """Generate one token of the last answer, or of one to the message that was entered."""
        message = self.entry.toPlainText()
        if self._chat.step(message if message.strip() else ""):
            self.entry.clear()

    def _offer_examples(self) -> None:
        prompts = self._session.recipe.prompts
        if prompts == self._offered:
            return
        self._offered = prompts
        while (item := self._examples.takeAt(0)) and (button := item.widget()):
            button.deleteLater()
        for prompt in prompts[:_EXAMPLES]:
            button = QPushButton(self.tr("Example: {0}").format(quoted(prompt_title(prompt))))
            button.setProperty("role", "link")
            button.clicked.connect(lambda *_, chosen=prompt: self._take_example(chosen))
            self._examples.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)

    def _take_example(self, prompt: str) -> None:
        self.entry.setPlainText(prompt)
        self.entry.setFocus()

    def offer_prompt(self) -> None:
        """Make the conversation the prompt of the window, for the preview and other roles."""
        if not self._session.mode.chat:
            return
        message, tip = self.entry.toPlainText(), self._chat.tip
        if message.strip():
            self._session.set_prompt(self._chat.asked(message))
        else:
            self._session.set_prompt(tip.prompt if tip else "")


def _key(turn: Turn) -> tuple[str, Run | str]:
    """What a view of a turn shows for as long as it exists."""
    return turn.message, turn.answer or turn.text
