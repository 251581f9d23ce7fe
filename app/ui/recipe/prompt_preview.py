"""The prompt preview: the exact prompt of every role, as text and as tokens."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QTextOption
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QListWidget,
    QPlainTextEdit,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.attribution.scored_prompt import PromptToken, ScoredPrompt, tokens_of
from app.checkpoints.conversation import last_message
from app.checkpoints.preflight_report import RolePrompt
from app.checkpoints.spec import CHAT, CheckpointSpec
from app.ui.recipe.prompt_token_details import about_token
from app.ui.recipe.prompt_token_model import TokenModel
from app.ui.recipe.prompt_token_table import PromptTokenTable
from app.ui.recipe.side_by_side_prompts import SideBySidePrompts
from app.ui.state.session import LoadState, Session
from app.ui.theme import SPACE, set_role
from app.ui.translation import translate
from app.ui.words.role_words import role_titles
from app.ui.words.token_counts import token_count
from app.ui.words.unit_words import bits

_SIZE = QSize(920, 540)
_COLUMNS = (200, 720)
_ROWS = (200, 220)
_PAUSE_MS = 300
_SAMPLES = ("000000", "0000000", "M" * 11, "probability", "00.00", "00,000")
"""Texts as wide as the columns of tokens, without the last."""


class PromptPreview(QDialog):
    """Shows the prompt of each role; updates after a pause when the prompt or recipe changes.

    Args:
        session: The state of the window; the preview shows its ``prompt``.
    """

    formats_wanted = Signal()
    """The user asked for the dialog of the prompt formats."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._prompts: tuple[RolePrompt, ...] = ()
        self._formats: tuple[str, ...] = ()
        self._titles: list[str] = []
        self.setWindowTitle(self.tr("Prompt preview"))
        self.resize(_SIZE)
        self.roles = QListWidget()
        self.roles.setAccessibleName(self.tr("Roles"))
        self.roles.currentRowChanged.connect(self._show_role)
        self.count = QLabel()
        self.count.setProperty("role", "caption")
        self.count.setWordWrap(True)
        self.text = self._make_text()
        self.tokens = TokenModel(self)
        self.table = self._make_table()
        self.side_by_side = SideBySidePrompts(session, self._label)
        self.details = QLabel()
        self.details.setProperty("role", "caption")
        self.details.setWordWrap(True)
        self.details.setTextFormat(Qt.TextFormat.PlainText)
        self.details.setAccessibleName(self.tr("The selected token"))
        self.table.chosen.connect(
            lambda token: self._show_token(self._title(self.roles.currentRow()), token)
        )
        self.side_by_side.chosen.connect(self._show_token)
        self._state = QLabel()
        self._state.setProperty("role", "caption")
        self._state.setWordWrap(True)
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._pause.timeout.connect(self._ask)
        self._lay_out()
        session.prompt_changed.connect(self._pause.start)
        session.recipe_changed.connect(self._pause.start)
        session.preflight_changed.connect(self._update)
        self._scoring = session.runs.prompt_scoring
        self._scoring.changed.connect(self._show_scores)
        session.load_changed.connect(self._update_button)
        session.runs.run_changed.connect(self._update_button)
        self._update_button()
        self._update()
        self._ask()

    # Construction

    def _make_text(self) -> QPlainTextEdit:
        text = QPlainTextEdit()
        text.setReadOnly(True)
        text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        text.setTabChangesFocus(True)
        text.setAccessibleName(self.tr("Prompt as the model reads it"))
        option = QTextOption()
        flags = QTextOption.Flag
        option.setFlags(flags.ShowTabsAndSpaces | flags.ShowLineAndParagraphSeparators)
        text.document().setDefaultTextOption(option)
        return text

    def _make_table(self) -> PromptTokenTable:
        table = PromptTokenTable(
            self.tokens,
            self.tr("Tokens of the prompt"),
            lambda _: self._title(self.roles.currentRow()),
            self._label,
        )
        table.horizontalHeader().setStretchLastSection(True)
        for column, sample in enumerate(_SAMPLES):
            width = self.fontMetrics().horizontalAdvance(sample) + 2 * SPACE
            table.setColumnWidth(column, width)
        return table

    def _lay_out(self) -> None:
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(SPACE, 0, 0, 0)
        column.setSpacing(SPACE)
        panes = QSplitter(Qt.Orientation.Vertical)
        panes.addWidget(self.text)
        panes.addWidget(self.table)
        panes.setSizes(_ROWS)
        panes.setHandleWidth(SPACE)
        panes.setChildrenCollapsible(False)
        one = QWidget()
        inside = QVBoxLayout(one)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(SPACE)
        inside.addWidget(self.count)
        inside.addWidget(panes, 1)
        self.pages = QStackedWidget()
        self.pages.addWidget(one)
        self.pages.addWidget(self.side_by_side)
        column.addWidget(self.pages, 1)
        column.addWidget(self.details)
        sides = QSplitter(Qt.Orientation.Horizontal)
        sides.addWidget(self.roles)
        sides.addWidget(right)
        sides.setSizes(_COLUMNS)
        sides.setStretchFactor(1, 1)
        sides.setHandleWidth(1)
        sides.setChildrenCollapsible(False)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        formats = QPushButton(self.tr("Prompt format …"))
        formats.setToolTip(self.tr("Change the prompt format of the recipe or of a role"))
        formats.clicked.connect(self.formats_wanted)
        buttons.addButton(formats, QDialogButtonBox.ButtonRole.ResetRole)
        self.score = QPushButton()
        self.score.setAutoDefault(False)
        self.score.clicked.connect(self._ask_or_cancel)
        buttons.addButton(self.score, QDialogButtonBox.ButtonRole.ActionRole)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE)
        layout.addWidget(self._state)
        layout.addWidget(sides, 1)
        layout.addWidget(buttons)

    # Updates from the session

    def _ask(self) -> None:
        self._session.check(self._session.prompt)
        self._describe_state()

    def _current(self) -> bool:
        """Whether the latest check of the recipe used the current prompt."""
        return self._session.checked_prompt == self._session.prompt

    def _describe_state(self) -> None:
        session = self._session
        problem = session.check_problem
        if problem:
            text = str(problem)
        elif session.runs.running:
            text = self.tr("The preview is updated when the run ends.")
        elif session.preflight is None or not self._current():
            text = self.tr("Reading the tokenizers …")
        elif not last_message(session.prompt):
            text = self.tr("The prompt is empty; this is the recipe's example prompt.")
        else:
            text = self.tr("The exact prompt that each role receives.")
        set_role(self._state, "error" if problem else "caption")
        self._state.setText(text)

    def _update(self) -> None:
        found = self._session.preflight
        if found and self._current():
            self._prompts = found.prompts
            self._formats = tuple(spec.prompt for spec in found.recipe.checkpoints())
            self._titles = role_titles(found.recipe)
            self._list()
        self._describe_state()

    # Scores

    def _ask_or_cancel(self) -> None:
        if self._scoring.waiting:
            self._scoring.cancel()
            return
        session, found = self._session, self._session.preflight
        prompt = session.prompt if last_message(session.prompt) else session.recipe.sample_prompt
        bridged = found.vocabulary.bridged if found else ()
        self._scoring.ask(prompt, session.recipe, bridged)

    def _update_button(self) -> None:
        session, waiting = self._session, self._scoring.waiting
        loaded = session.load_state is LoadState.LOADED
        self.score.setEnabled(waiting or (loaded and not session.runs.running))
        self.score.setText(self.tr("Cancel") if waiting else self.tr("Score the prompt"))
        self.score.setToolTip(
            self.tr("End the computation of the scores")
            if waiting
            else self.tr(
                "Compute how probable each token of the prompt is to the role that reads it"
            )
        )

    def done(self, result: int) -> None:
        self._scoring.cancel()  # nothing else shows the scores
        super().done(result)

    def _show_scores(self) -> None:
        self._update_button()
        self._show_role(self.roles.currentRow())

    def _list(self) -> None:
        row = max(self.roles.currentRow(), 0)
        titles = [*self._titles, self.tr("All side by side")]
        if titles != [self.roles.item(index).text() for index in range(self.roles.count())]:
            self.roles.blockSignals(True)
            self.roles.clear()
            self.roles.addItems(titles)
            self.roles.blockSignals(False)
        for index, prompt in enumerate(self._prompts):
            self.roles.item(index).setToolTip(prompt.problem or _count(prompt))
        row = min(row, len(titles) - 1)
        if row == self.roles.currentRow():
            self._show_role(row)
        self.roles.setCurrentRow(row)

    def show_place(self, place: int) -> None:
        """Select the role at ``place`` and show its prompt."""
        if place >= self.roles.count():
            self.roles.addItems(role_titles(self._session.recipe))
        self.roles.setCurrentRow(place)

    def _show_role(self, row: int) -> None:
        beside = bool(self._prompts) and row == len(self._prompts)
        self.pages.setCurrentIndex(int(beside))
        if beside:
            self.side_by_side.show_prompts(self._columns())
        elif 0 <= row < len(self._prompts):
            self._show_prompt(row)

    def _show_prompt(self, row: int) -> None:
        prompt = self._prompts[row]
        tokens = self._tokens_of(row)
        self.tokens.show_tokens(tokens, self._session.token_labels)
        set_role(self.count, "error" if prompt.problem else "caption")
        scored = ScoredPrompt(prompt.role, tokens)
        self.count.setText(prompt.problem or self._describe(prompt, row, scored.surprisal))
        if prompt.text != self.text.toPlainText():
            self.text.setPlainText(prompt.text)

    def _tokens_of(self, row: int) -> tuple[PromptToken, ...]:
        """The tokens of the prompt of a role, with its scores if they are of the same prompt."""
        prompt, specs = self._prompts[row], self._session.recipe.checkpoints()
        scores = self._scoring.of(specs[row]) if row < len(specs) else None
        scored = scores.tokens if scores else ()
        return tokens_of(prompt.token_ids, prompt.tokens, scored)

    def _columns(self) -> list[ScoredPrompt]:
        """The prompts, one for all roles with the same checkpoint and prompt format."""
        places: dict[CheckpointSpec, list[int]] = {}
        for place, spec in enumerate(self._session.recipe.checkpoints()[: len(self._prompts)]):
            places.setdefault(spec, []).append(place)
        return [
            ScoredPrompt(", ".join(map(self._title, same)), self._tokens_of(same[0]))
            for same in places.values()
        ]

    def _title(self, place: int) -> str:
        return self._titles[place] if 0 <= place < len(self._titles) else ""

    def _label(self, token_id: int) -> str:
        labels = self._session.token_labels
        return labels[token_id] if token_id < len(labels) else f"#{token_id}"

    def _show_token(self, title: str, token: PromptToken | None) -> None:
        self.details.setText(about_token(title, token, self._label) if token else "")
        self.details.setVisible(token is not None)

    def _describe(self, prompt: RolePrompt, row: int, surprisal: float | None) -> str:
        others = zip(self._titles[:row], self._prompts)  # noqa: B905
        same = next((title for title, other in others if other.token_ids == prompt.token_ids), "")
        parts = [_count(prompt)]
        if surprisal is not None:
            parts.append(self.tr("surprisal {0}").format(bits(surprisal)))
        if same:
            parts.append(self.tr("same as the {0}").format(same))
        if prompt.has_chat_template and self._formats[row] != CHAT:
            parts.append(self.tr("the model's chat template is not used"))
        return " · ".join(parts)


def _count(prompt: RolePrompt) -> str:
    count = len(prompt.token_ids)
    if prompt.context is None:
        return token_count(count)
    return translate("PromptPreview", "{0} of {1} tokens").format(
        f"{count:,}", f"{prompt.context:,}"
    )
