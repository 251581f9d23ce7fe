"""The vocabulary check: a line in the recipe column and a dialog with the full report."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QPushButton,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.checkpoints.preflight_report import (
    Preflight,
    RoleVocabulary,
    TokenDifference,
    Verdict,
    VocabularyReport,
)
from app.checkpoints.spec import Recipe
from app.ui.recipe.bridged_pairs import BridgedPairs
from app.ui.state.models.recipe_state import models_named
from app.ui.state.session import LoadState, Session
from app.ui.theme import SPACE
from app.ui.translation import translate
from app.ui.widgets.dialogs import show_once
from app.ui.widgets.paragraph import paragraph
from app.ui.words.role_words import role_title
from app.ui.words.share_words import least_shares, short_share
from app.wording import quoted

_SIZE = QSize(720, 480)
_MOST_ROWS = 9


class VocabularyLine(QPushButton):
    """Summarises the vocabulary check; a click opens the report."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._full = ""
        self.setProperty("role", "link")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.clicked.connect(lambda: show_vocabulary(session, self))
        for changed in (session.preflight_changed, session.recipe_changed, session.load_changed):
            changed.connect(self._update)
        self._update()

    def _update(self) -> None:
        found = _compared(self._session)
        text = self._describe(found) if found else why_not_compared(self._session)
        self.setEnabled(found is not None)
        self._full = text
        self.setAccessibleName(text)
        self.setToolTip("\n".join([text, *found.warnings]) if found else "")
        self._elide()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 — Qt's name
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        """Shorten the text to the width of the button."""
        self.setText(
            self.fontMetrics().elidedText(
                self._full, Qt.TextElideMode.ElideRight, self.width() - SPACE
            )
        )

    def _describe(self, found: Preflight) -> str:
        roles, warnings = found.vocabulary.roles, len(found.warnings)
        listed = {item.token_id for role in roles for item in role.differences}
        few = max(len(listed), max(role.different for role in roles))
        if not found.vocabulary.usable:
            parts = [self.tr("Vocabulary: not shared yet")]
        elif found.vocabulary.bridged:
            shares = least_shares(found.vocabulary)
            parts = [self.tr("Other tokenizer: {0}").format(short_share(shares))]
        elif few:
            text = (
                self.tr("Vocabulary: {0} ids differ")
                if few > 1
                else self.tr("Vocabulary: 1 id differs")
            )
            parts = [text.format(f"{few:,}")]
        else:
            parts = [self.tr("Vocabulary: identical")]
        if warnings:
            text = self.tr("{0} warnings") if warnings > 1 else self.tr("1 warning")
            parts.append(text.format(warnings))
        return " · ".join(parts)


def _compared(session: Session) -> Preflight | None:
    """The last check if it compared the models of the recipe, whatever their options are now."""
    found = session.preflight
    if found and models_named(found.recipe) == models_named(session.recipe):
        return found
    return None


def why_not_compared(session: Session) -> str:
    """Why there is no comparison of the vocabularies of the recipe."""
    if session.check_problem:
        return translate("VocabularyLine", "Vocabulary: cannot be compared")
    if session.load_state in (LoadState.STARTING, LoadState.LOADING):
        return translate("VocabularyLine", "Vocabulary: being compared …")
    return translate("VocabularyLine", "Vocabulary: not compared yet")


class VocabularyDialog(QDialog):
    """Compares each role's vocabulary with the base's; lets the user accept differing ids."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._shown: Preflight | None = None
        self.setWindowTitle(self.tr("Vocabulary"))
        self.resize(_SIZE)
        self._summary = paragraph()
        self._warnings = paragraph()
        self._warnings.setProperty("role", "error")
        self.roles = _table(
            self.tr("Vocabularies"),
            (
                self.tr("role"),
                self.tr("result"),
                self.tr("tokens"),
                self.tr("output rows"),
                self.tr("ids that differ"),
            ),
        )
        self.bridged = BridgedPairs(session)
        self._about_ids = paragraph()
        self._about_ids.setProperty("role", "caption")
        self.ids = _table(
            self.tr("Ids that differ"),
            (self.tr("accept"), self.tr("base"), self.tr("other token"), self.tr("role")),
        )
        self.ids.itemChanged.connect(self._update_buttons)
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self._accept = QPushButton(self.tr("Apply"))
        self._accept.setToolTip(self.tr("Checked ids can be generated, the others cannot."))
        self._accept.clicked.connect(self._use)
        self._buttons.addButton(self._accept, QDialogButtonBox.ButtonRole.ActionRole)
        self._buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE)
        layout.addWidget(self._summary)
        layout.addWidget(self._warnings)
        layout.addWidget(self.roles)
        layout.addWidget(self.bridged)
        layout.addWidget(self._about_ids)
        layout.addWidget(self.ids, 1)
        layout.addStretch(0)
        layout.addWidget(self._buttons)
        session.preflight_changed.connect(self._update)
        session.load_changed.connect(self._update)
        session.runs.run_changed.connect(self._update_buttons)
        self._update()

    # Updates from the session

    def _update(self) -> None:
        found = _compared(self._session)
        for part in (self.roles, self._about_ids):
            part.setVisible(found is not None)
        if found is None:
            self._shown = None
            self._summary.setText(why_not_compared(self._session))
            self._warnings.hide()
            self.ids.setRowCount(0)
            self.ids.hide()
            self.bridged.hide()
            self._update_buttons()
        elif found is not self._shown:
            self._show(found)

    def _show(self, found: Preflight) -> None:
        self._shown = found
        report = found.vocabulary
        self._summary.setText(self._summarize(report))
        self._warnings.setText("\n".join(found.warnings))
        self._warnings.setVisible(bool(found.warnings))
        self.roles.setRowCount(len(report.roles))
        for row, role in enumerate(report.roles):
            self._fill_role(row, role, role_title(role.role, found.recipe))
        header = self.roles.horizontalHeader().sizeHint().height()
        rows = min(len(report.roles), _MOST_ROWS) * self.roles.verticalHeader().defaultSectionSize()
        self.roles.setFixedHeight(header + rows + 2)
        self._fill_ids(_by_id(report.roles), found.recipe)
        self.bridged.show_report(report)
        self._update_buttons()

    def _summarize(self, report: VocabularyReport) -> str:
        if not report.usable:
            return self.tr("These models do not go together: their vocabularies differ.")
        if not report.masked:
            return self.tr("Every token id of the base can be generated.")
        return self.tr("{0} token ids of the base are never generated.").format(
            f"{report.masked:,}"
        )

    def _fill_role(self, row: int, role: RoleVocabulary, title: str) -> None:
        verdict = {
            Verdict.IDENTICAL: self.tr("identical"),
            Verdict.PADDING: self.tr("identical except for padding"),
            Verdict.FEW: self.tr("a few ids differ"),
            Verdict.BRIDGED: self.tr("another tokenizer, by bytes"),
            Verdict.DIFFERENT: self.tr("incompatible"),
        }[role.verdict]
        verdict = self.tr("–") if row == 0 else verdict
        notes = "\n".join(role.notes)
        different = "–" if role.verdict is Verdict.BRIDGED else f"{role.different:,}"
        texts = (title, verdict, f"{role.tokens:,}", f"{role.rows:,}", different)
        for column, text in enumerate(texts):
            if column == 1 and role.notes:
                text = f"{text}; {role.notes[0]}"
            self.roles.setItem(row, column, _cell(text, notes, right=column > 1))

    def _fill_ids(
        self, differences: dict[int, list[tuple[str, TokenDifference]]], recipe: Recipe
    ) -> None:
        self.ids.blockSignals(True)
        self.ids.setRowCount(len(differences))
        for row, (token_id, found) in enumerate(differences.items()):
            check = _cell(str(token_id))
            check.setData(Qt.ItemDataRole.UserRole, token_id)
            spellings = [found[0][1].base, *(item.other for _, item in found)]
            if None not in spellings:
                check.setFlags(check.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                check.setCheckState(_state(token_id in self._session.recipe.accepted_ids))
            shown = [self.tr("(none)") if text is None else quoted(text) for text in spellings]
            others = ", ".join(dict.fromkeys(shown[1:]))
            roles = ", ".join(role_title(role, recipe) for role, _ in found)
            for column, item in enumerate((check, _cell(shown[0]), _cell(others), _cell(roles))):
                self.ids.setItem(row, column, item)
        self.ids.blockSignals(False)
        self.ids.setVisible(bool(differences))
        self._about_ids.setText(
            self.tr(
                "An id that stands for different tokens is never generated, unless you accept it: "
                "then the base's token is used."
            )
            if differences
            else self.tr("Every id stands for the same token in every role of the same tokenizer.")
        )

    # User actions

    def _checked(self) -> tuple[int, ...]:
        """The accepted ids: the checked ids and accepted ids that are not listed."""
        listed, checked = set(), set()
        for row in range(self.ids.rowCount()):
            item = self.ids.item(row, 0)
            if item:
                token_id = item.data(Qt.ItemDataRole.UserRole)
                listed.add(token_id)
                if item.checkState() is Qt.CheckState.Checked:
                    checked.add(token_id)
        return tuple(sorted(checked | (set(self._session.recipe.accepted_ids) - listed)))

    def _update_buttons(self) -> None:
        self._accept.setVisible(self.ids.rowCount() > 0)
        changed = self._checked() != tuple(sorted(self._session.recipe.accepted_ids))
        self._accept.setEnabled(changed and self._session.editable)

    def _use(self) -> None:
        self._session.accept_ids(self._checked())
        self._update_buttons()


def show_vocabulary(session: Session, parent: QWidget) -> VocabularyDialog:
    """Show the window's one vocabulary report."""
    return show_once(
        parent, VocabularyDialog, "vocabulary", lambda window: VocabularyDialog(session, window)
    )


def _by_id(
    roles: tuple[RoleVocabulary, ...],
) -> dict[int, list[tuple[str, TokenDifference]]]:
    """The differing ids, each with the roles whose token differs and that token."""
    found: dict[int, list[tuple[str, TokenDifference]]] = {}
    for role in roles:
        for item in role.differences:
            found.setdefault(item.token_id, []).append((role.role, item))
    return dict(sorted(found.items()))


def _state(on: bool) -> Qt.CheckState:
    return Qt.CheckState.Checked if on else Qt.CheckState.Unchecked


def _cell(text: str, about: str = "", right: bool = False) -> QTableWidgetItem:
    item = QTableWidgetItem(text)
    item.setToolTip(about)
    item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
    if right:
        item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return item


def _table(name: str, headings: tuple[str, ...]) -> QTableWidget:
    table = QTableWidget(0, len(headings))
    table.setAccessibleName(name)
    table.setHorizontalHeaderLabels(headings)
    table.verticalHeader().hide()
    table.setShowGrid(False)
    table.setTabKeyNavigation(False)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + SPACE)
    header = table.horizontalHeader()
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    header.setHighlightSections(False)
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
    return table
