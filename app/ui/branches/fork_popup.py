"""Pop-up that forks a run: continues it from another candidate or from a typed text."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPoint, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.checkpoints.conversation import contents
from app.ui.branches.alternatives import Alternative, Alternatives
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.ui.theme import SPACE, blend, current_theme
from app.ui.widgets.elided_label import ElidedLabel
from app.wording import probability, quoted, visible

_WIDTH = 340
_ROWS = 9
_ALTERNATIVE = Qt.ItemDataRole.UserRole
_TYPED = Qt.ItemDataRole.UserRole + 1

_Index = QModelIndex | QPersistentModelIndex


class _Delegate(QStyledItemDelegate):
    """Delegate that paints a candidate and its probability over a bar of the probability."""

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:  # noqa: N802
        return QSize(0, option.fontMetrics.height() + SPACE)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        theme = current_theme()
        found = index.data(_ALTERNATIVE)
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, QColor(theme.selection))
        place = option.rect.adjusted(SPACE, 0, -SPACE, 0)
        if isinstance(found, Alternative):
            bar = place.adjusted(0, 3, 0, -3)
            bar.setWidth(round(place.width() * found.probability))
            painter.fillRect(bar, blend(theme.accent, theme.surface, 0.75))
            painter.setPen(QColor(theme.muted))
            number = probability(found.probability)
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(place, right, number)
            place.setRight(place.right() - painter.fontMetrics().horizontalAdvance(number) - SPACE)
        text = str(index.data(Qt.ItemDataRole.DisplayRole))
        painter.setPen(QColor(theme.muted if _is_current(found) else theme.text))
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, shown)
        painter.restore()


class ForkPopup(QFrame):
    """Pop-up with a text field and a list of candidates.

    Typing filters the candidates, or enters the text of the branch. Enter starts the branch, Escape
    closes the pop-up.

    Args:
        run: The shown run, which has ended.
        index: The token to replace; the length of the run to continue after the last token.
    """

    def __init__(
        self, session: Session, run: Run, index: int, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._session = session
        self._run = run
        self._index = index
        self._found = Alternatives(run, index) if index < len(run.tokens) else None
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setProperty("role", "popup")
        self.setAccessibleName(self.tr("Fork: continue from another token"))
        self._heading = ElidedLabel()
        self._heading.setProperty("role", "section")
        self._heading.show_text(self._title())
        self.field = QLineEdit()
        self.field.setPlaceholderText(self.tr("Find a candidate, or type any text"))
        self.field.setAccessibleName(self.tr("Candidate or text"))
        self.field.textChanged.connect(self._fill)
        self.field.installEventFilter(self)
        self.list = QListWidget()
        self.list.setItemDelegate(_Delegate(self.list))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setUniformItemSizes(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setAccessibleName(self.tr("Candidates"))
        self.list.itemClicked.connect(lambda _: self.accept())
        self.list.currentItemChanged.connect(self._show_hint)
        self.hint = QLabel()
        self.hint.setProperty("role", "caption")
        self.hint.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        layout.setSpacing(SPACE // 2 + 2)
        for widget in (self._heading, self.field, self.list, self.hint):
            layout.addWidget(widget)
        row = self.list.fontMetrics().height() + SPACE
        self.list.setFixedHeight(row * _ROWS + SPACE)
        self.list.setVisible(self._found is not None)
        self.setFixedWidth(_WIDTH)
        self._fill("")

    def _title(self) -> str:
        if self._found is None:
            return self.tr("After the last token")
        token = self._run.tokens[self._index]
        what = quoted(token.text or self._run.label(token.token_id))
        return self.tr("Instead of {0}, token {1}").format(what, f"{self._index + 1:,}")

    # The list

    def move_choice(self, by: int) -> None:
        """Select the candidate ``by`` rows further down, skipping the current token."""
        at = self.list.currentRow()
        while 0 <= at + by < self.list.count():
            at += by
            if not _is_current(self.list.item(at).data(_ALTERNATIVE)):
                self.list.setCurrentRow(at)
                return

    def _fill(self, typed: str) -> None:
        self.list.clear()
        found = self._found.matching(typed) if self._found else []
        exact = self._found.exactly(typed) if self._found else None
        if typed and exact is None:
            item = QListWidgetItem(self.tr("{0} as typed").format(quoted(typed)), self.list)
            item.setData(_TYPED, typed)
        for one in found:
            text = quoted(one.text)
            if one.current:
                text = self.tr("{0} (current token)").format(text)
            item = QListWidgetItem(text, self.list)
            item.setData(_ALTERNATIVE, one)
        if exact in found:
            self.list.setCurrentRow(found.index(exact))
        else:
            self.list.setCurrentRow(-1)
            self.move_choice(1)
        self._show_hint()

    def _show_hint(self) -> None:
        """Show a hint that says what Enter will do."""
        item = self.list.currentItem()
        one = item.data(_ALTERNATIVE) if item else None
        if item is None:
            self.hint.setText(self.tr("Type the text that comes next."))
        elif isinstance(one, Alternative):
            self.hint.setText(
                self.tr("Enter: continue with {0} — rank {1}, tuned {2}, base {3}").format(
                    quoted(one.text),
                    f"{one.rank:,}",
                    probability(one.probability),
                    probability(one.probability_base),
                )
            )
        else:
            self.hint.setText(self._check(str(item.data(_TYPED))))
        self.field.setAccessibleDescription(self.hint.text())

    def _check(self, typed: str) -> str:
        """The typed text after the text before it, which reveals a missing space."""
        said = "".join(token.text for token in self._run.tokens[: self._index])
        before = said or contents(self._run.prompt)
        joined = f"…{visible(before[-14:])}{visible(typed[:24])}"
        return self.tr("Enter: continue with the text “{0}”").format(joined)

    # Keys

    def accept(self) -> None:
        """Start the branch from the selected candidate or the typed text."""
        item = self.list.currentItem()
        if item is None or _is_current(item.data(_ALTERNATIVE)):
            return
        runs, one = self._session.runs, item.data(_ALTERNATIVE)
        self.close()
        if isinstance(one, Alternative):
            runs.continue_with(self._index, one.token_id)
        else:
            runs.fork(self._index, text=str(item.data(_TYPED)))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 — Qt's name
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return self._on_key(Qt.Key(event.key()))
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()  # blocks shortcuts of the window while the pop-up is open
        return super().eventFilter(watched, event)

    def _on_key(self, key: Qt.Key) -> bool:
        if key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self.move_choice(1 if key == Qt.Key.Key_Down else -1)
        elif key in (Qt.Key.Key_PageDown, Qt.Key.Key_PageUp):
            for _ in range(_ROWS - 1):
                self.move_choice(1 if key == Qt.Key.Key_PageDown else -1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.accept()
        elif key == Qt.Key.Key_Escape:
            self.close()
        else:
            return False
        return True

    def open_at(self, point: QPoint) -> None:
        """Show the pop-up with a corner at a point, completely on the screen."""
        self.adjustSize()
        screen = self.screen().availableGeometry()
        right = max(screen.right() - self.width(), screen.left())
        bottom = max(screen.bottom() - self.height(), screen.top())
        self.move(min(point.x(), right), min(point.y(), bottom))
        self.show()
        self.field.setFocus()


def _is_current(found: object) -> bool:
    return isinstance(found, Alternative) and found.current
