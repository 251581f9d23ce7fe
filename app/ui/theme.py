"""Theme of the window: Qt palette, style sheet, spacing and font sizes, light and dark."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QWidget

from app.colors import DARK as DARK_COLORS
from app.colors import LIGHT as LIGHT_COLORS
from app.colors import Colors
from app.resources import resource

SPACE = 8
"""Unit of spacing in pixels; margins and gaps are multiples of half of it."""

SMALL = 0.88
"""Size of secondary text relative to the application's font."""

_SHADE = 0.15


@dataclass(frozen=True, slots=True)
class Theme(Colors):
    """The colours of one appearance for Qt."""

    def pair_color(self, index: int) -> QColor:
        """The colour of expert pair ``index``, the same in every view."""
        return QColor(self.of_pair(index))


LIGHT, DARK = Theme(**asdict(LIGHT_COLORS)), Theme(**asdict(DARK_COLORS))


def preferred_theme(preference: str) -> Theme:
    """The theme for a preference: ``light``, ``dark`` or ``system``."""
    scheme = QGuiApplication.styleHints().colorScheme()
    dark = scheme == Qt.ColorScheme.Dark if preference == "system" else preference == "dark"
    return DARK if dark else LIGHT


def current_theme() -> Theme:
    """The current theme, determined from the palette.

    The style hints are not reliable: without a desktop, Qt ignores the colour scheme set there.
    """
    window = QGuiApplication.palette().color(QPalette.ColorRole.Window)
    return DARK if window.lightness() < 128 else LIGHT


def palette(theme: Theme) -> QPalette:
    """The Qt palette of ``theme``."""
    colors = {
        QPalette.ColorRole.Window: theme.window,
        QPalette.ColorRole.WindowText: theme.text,
        QPalette.ColorRole.Base: theme.surface,
        QPalette.ColorRole.AlternateBase: theme.hover,
        QPalette.ColorRole.Text: theme.text,
        QPalette.ColorRole.PlaceholderText: theme.muted,
        QPalette.ColorRole.Button: theme.surface,
        QPalette.ColorRole.ButtonText: theme.text,
        QPalette.ColorRole.Highlight: theme.selection,
        QPalette.ColorRole.HighlightedText: theme.text,
        QPalette.ColorRole.ToolTipBase: theme.surface,
        QPalette.ColorRole.ToolTipText: theme.text,
        QPalette.ColorRole.Link: theme.accent,
        QPalette.ColorRole.Accent: theme.accent,
        QPalette.ColorRole.Mid: theme.border,
    }
    result = QPalette()
    for role, color in colors.items():
        result.setColor(role, QColor(color))
    disabled = QPalette.ColorGroup.Disabled
    for role in (
        QPalette.ColorRole.WindowText,
        QPalette.ColorRole.Text,
        QPalette.ColorRole.ButtonText,
    ):
        result.setColor(disabled, role, blend(theme.muted, theme.window, 0.35))
    return result


def blend(color: str, background: str, share: float) -> QColor:
    """``color`` with ``share`` (0 to 1) of ``background`` mixed in."""
    a, b = QColor(color), QColor(background)
    return QColor(
        round(a.red() + (b.red() - a.red()) * share),
        round(a.green() + (b.green() - a.green()) * share),
        round(a.blue() + (b.blue() - a.blue()) * share),
    )


def range_shade(theme: Theme) -> QColor:
    """Translucent colour over a selected range of tokens."""
    color = QColor(theme.accent)
    color.setAlphaF(_SHADE)
    return color


def set_role(widget: QWidget, role: str) -> None:
    """Change the ``role`` property of a shown widget and apply the style sheet again."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def stylesheet(theme: Theme) -> str:
    """The style sheet of the window; widgets choose a style by their property ``role``."""
    shade = "dark" if theme.dark else "light"
    chevron = resource("icons", f"chevron-{shade}.svg").as_posix()
    check = resource("icons", f"check-{shade}.svg").as_posix()
    return f"""
    QToolTip {{ border: 1px solid {theme.border}; padding: 4px 6px; }}
    QMainWindow, QDialog {{ background: {theme.window}; }}
    QMenuBar {{ background: {theme.surface}; border-bottom: 1px solid {theme.border}; }}
    QMenuBar::item {{ padding: 5px 10px; background: transparent; }}
    QMenuBar::item:selected {{ background: {theme.hover}; border-radius: 4px; }}
    QToolBar {{ background: {theme.surface}; border: 0; border-bottom: 1px solid {theme.border};
        spacing: {SPACE}px; padding: 6px {SPACE + 4}px; }}
    QStatusBar {{ background: {theme.surface}; border-top: 1px solid {theme.border};
        color: {theme.muted}; }}
    QStatusBar::item {{ border: 0; }}
    QFrame[role="card"] {{ background: {theme.surface}; border: 1px solid {theme.border};
        border-radius: 8px; }}
    QFrame[role="bubble"] {{ background: {theme.hover}; border: 0; border-radius: 8px; }}
    QFrame[role="bubble"] QLabel, QFrame[role="bubble"] QPlainTextEdit {{
        background: transparent; }}
    QFrame[role="side"] {{ background: {theme.surface}; border: 0; }}
    QFrame[role="foot"] {{ background: {theme.surface}; border: 0;
        border-top: 1px solid {theme.border}; }}
    QLabel[role="caption"] {{ color: {theme.muted}; }}
    QFrame[role="hint"] {{ background: {theme.hover}; border: 0; border-radius: 6px; }}
    QLabel[role="hint"] {{ color: {theme.muted}; background: transparent; }}
    QToolButton[role="hint"] {{ border: 1px solid transparent; background: transparent;
        color: {theme.muted}; padding: 0 3px; }}
    QToolButton[role="hint"]:hover {{ color: {theme.text}; }}
    QToolButton[role="hint"]:focus {{ border: 1px solid {theme.accent}; border-radius: 4px; }}
    QFrame[role="popup"] {{ background: {theme.surface}; border: 1px solid {theme.border}; }}
    QFrame[role="problem"] {{ background: {theme.surface}; border: 1px solid {theme.danger};
        border-radius: 8px; }}
    QLabel[role="section"] {{ font-weight: 600; }}
    QLabel[role="error"] {{ color: {theme.danger}; }}
    QPushButton, QToolButton {{ background: {theme.surface}; color: {theme.text};
        border: 1px solid {theme.border}; border-radius: 6px; padding: 5px 12px; }}
    QPushButton:hover, QToolButton:hover {{ background: {theme.hover}; }}
    QPushButton:disabled, QToolButton:disabled {{ color: {theme.muted};
        background: {theme.window}; }}
    QPushButton:focus, QToolButton:focus {{ border-color: {theme.accent}; }}
    QPushButton[role="primary"], QToolButton[role="primary"] {{ background: {theme.accent};
        color: {theme.on_accent}; border-color: {theme.accent}; font-weight: 600; }}
    QPushButton[role="primary"]:disabled, QToolButton[role="primary"]:disabled {{
        background: {theme.hover}; color: {theme.muted}; border-color: {theme.border}; }}
    QPushButton[role="flat"], QToolButton[role="flat"] {{ border-color: transparent;
        background: transparent; padding: 3px 6px; }}
    QPushButton[role="flat"]:hover, QToolButton[role="flat"]:hover {{ background: {theme.hover}; }}
    QPushButton[role="flat"]:focus, QToolButton[role="flat"]:focus {{
        border-color: {theme.accent}; }}
    QToolButton[role="segment"] {{ border-color: transparent; background: transparent;
        color: {theme.muted}; padding: 3px 10px; }}
    QToolButton[role="segment"]:hover {{ color: {theme.text}; }}
    QToolButton[role="segment"]:checked {{ background: {theme.surface}; color: {theme.text};
        border-color: {theme.border}; font-weight: 600; }}
    QToolButton[role="segment"]:focus {{ border-color: {theme.accent}; }}
    QToolButton[role="choice"] {{ border-color: transparent; background: transparent;
        padding: 3px 2px; }}
    QToolButton[role="choice"]:hover {{ background: {theme.hover}; }}
    QToolButton[role="choice"]:focus {{ border-color: {theme.accent}; }}
    QPushButton[role="link"] {{ border-color: transparent; background: transparent;
        color: {theme.accent}; padding: 3px 2px; text-align: left; }}
    QPushButton[role="disclosure"]:disabled, QPushButton[role="link"]:disabled {{
        color: {theme.muted}; background: transparent; }}
    QPushButton[role="link"]:hover {{ background: {theme.hover}; }}
    QPushButton[role="link"]:focus {{ border-color: {theme.accent}; }}
    QFileDialog QToolButton {{ padding: 3px; }}
    QToolButton::menu-indicator, QPushButton::menu-indicator {{ image: none; }}
    QLineEdit, QPlainTextEdit, QComboBox, QSpinBox, QDoubleSpinBox {{ background: {theme.surface};
        color: {theme.text}; border: 1px solid {theme.border}; border-radius: 6px;
        padding: 4px 6px; selection-background-color: {theme.selection};
        selection-color: {theme.text}; }}
    QLineEdit:focus, QPlainTextEdit:focus, QComboBox:focus, QSpinBox:focus,
    QDoubleSpinBox:focus {{ border-color: {theme.accent}; }}
    QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ width: 0; border: 0; }}
    QLineEdit[role="title"] {{ border-color: transparent; background: transparent;
        font-weight: 600; padding: 2px 0; }}
    QLineEdit[role="title"]:hover {{ border-color: {theme.border}; }}
    QLineEdit[role="title"]:focus {{ border-color: {theme.accent}; padding: 2px 4px; }}
    QComboBox:disabled {{ background: {theme.window}; }}
    QComboBox::drop-down {{ border: 0; width: 20px; }}
    QComboBox::down-arrow {{ image: url({chevron}); width: 12px; height: 12px; }}
    QAbstractSpinBox QLineEdit {{ border: 0; padding: 0 6px; background: transparent; }}
    QPlainTextEdit[role="bare"] {{ border: 0; padding: 0; }}
    QTextBrowser[role="rendered"] {{ border: 0; padding: 0; background: transparent;
        selection-background-color: {theme.selection}; selection-color: {theme.text}; }}
    QPlainTextEdit[role="tinted"] {{ border: 0; padding: 0;
        selection-background-color: {range_shade(theme).name(QColor.NameFormat.HexArgb)}; }}
    QTableView {{ background: {theme.surface}; gridline-color: {theme.border};
        border: 1px solid {theme.surface}; border-radius: 4px;
        selection-background-color: {theme.selection}; selection-color: {theme.text}; }}
    QTableView:focus {{ border-color: {theme.accent}; }}
    QTabWidget::pane {{ border: 0; background: {theme.surface}; }}
    QTabWidget {{ background: {theme.surface}; }}
    QTabBar {{ background: {theme.surface}; }}
    QTabBar::tab {{ background: transparent; color: {theme.muted}; border: 0;
        border-bottom: 2px solid transparent; padding: 7px 10px 6px 10px; }}
    QTabBar::tab:selected {{ color: {theme.text}; border-bottom-color: {theme.accent}; }}
    QTabBar::tab:hover {{ color: {theme.text}; }}
    QTabBar::tab:focus {{ background: {theme.hover}; }}
    QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
    QListWidget, QAbstractScrollArea[role="framed"] {{ background: {theme.surface};
        border: 1px solid {theme.border};
        border-radius: 6px; padding: 2px; }}
    QListWidget:focus, QAbstractScrollArea[role="framed"]:focus {{ border-color: {theme.accent}; }}
    QListWidget::item {{ padding: 4px 6px; }}
    QListWidget::item:selected {{ background: {theme.selection}; color: {theme.text}; }}
    QCheckBox::indicator, QTableView::indicator,
    QListWidget::indicator {{ width: 14px; height: 14px;
        border: 1px solid {theme.muted}; border-radius: 3px; background: {theme.surface}; }}
    QCheckBox::indicator:focus {{ border-color: {theme.accent}; }}
    QCheckBox::indicator:checked, QTableView::indicator:checked,
    QListWidget::indicator:checked {{ background: {theme.accent};
        border-color: {theme.accent}; image: url({check}); }}
    QHeaderView::section {{ background: {theme.surface}; color: {theme.muted}; border: 0;
        border-bottom: 1px solid {theme.border}; padding: 4px 6px; }}
    QProgressBar {{ border: 0; border-radius: 3px; background: {theme.hover}; max-height: 6px; }}
    QProgressBar::chunk {{ border-radius: 3px; background: {theme.accent}; }}
    QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
    QScrollBar::handle:vertical {{ background: {theme.border}; min-height: 32px;
        border-radius: 3px; margin: 2px; }}
    QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
    QScrollBar::handle:horizontal {{ background: {theme.border}; min-width: 32px;
        border-radius: 3px; margin: 2px; }}
    QScrollBar::handle:vertical:hover, QScrollBar::handle:horizontal:hover {{
        background: {theme.muted}; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ height: 0; width: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
    QAbstractScrollArea::corner {{ border: 0; background: transparent; }}
    QScrollArea {{ border: 0; background: transparent; }}
    QSplitter::handle:horizontal {{ background: {theme.border}; }}
    QSplitter::handle:vertical {{ background: transparent; }}
    """
