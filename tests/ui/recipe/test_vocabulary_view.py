"""The verdict in the column, the report behind it, and ids that a person accepts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.checkpoints.preflight_report import (
    Preflight,
    RoleVocabulary,
    TokenDifference,
    Verdict,
    VocabularyReport,
)
from app.engine.commands import Load
from app.engine.events import Failed
from app.errors import CheckpointError
from app.ui.recipe.vocabulary_view import VocabularyDialog, VocabularyLine, show_vocabulary
from app.ui.state.session import Session
from tests.ui.conftest import FakeBridge, invent_preflight


@pytest.fixture
def line(qtbot: QtBot, session: Session, bridge: FakeBridge) -> VocabularyLine:
    line = VocabularyLine(session)
    qtbot.addWidget(line)
    line.resize(250, line.sizeHint().height())
    line.show()
    session.load()
    bridge.ready()
    return line


@pytest.fixture
def dialog(line: VocabularyLine, session: Session, bridge: FakeBridge) -> VocabularyDialog:
    """The report of an expert that spells three ids differently."""
    bridge.check(invent_preflight(session.recipe, different=3, warnings=("Softcapping differs.",)))
    line.click()
    return line.findChild(VocabularyDialog)


def with_roles(session: Session, *roles: RoleVocabulary) -> Preflight:
    found = invent_preflight(session.recipe)
    rest = found.vocabulary.roles[len(roles) :]
    return replace(found, vocabulary=VocabularyReport((*roles, *rest), (1, 2)))


def accept_button(dialog: VocabularyDialog) -> QPushButton:
    return next(b for b in dialog.findChildren(QPushButton) if b.text() == "Apply")


def test_the_verdict_in_a_few_words(
    line: VocabularyLine, session: Session, bridge: FakeBridge
) -> None:
    assert line.text() == "Vocabulary: being compared …"
    assert not line.isEnabled()
    for found, text in (
        (invent_preflight(session.recipe), "Vocabulary: identical"),
        (invent_preflight(session.recipe, different=1), "Vocabulary: 1 id differs"),
        (
            invent_preflight(session.recipe, different=12, warnings=("a", "b")),
            "Vocabulary: 12 ids differ · 2 warnings",
        ),
    ):
        bridge.check(found)
        assert line.accessibleName() == text
        assert line.isEnabled()
    assert "a\nb" in line.toolTip()


def test_models_that_do_not_go_together_are_said_calmly(
    line: VocabularyLine, session: Session, bridge: FakeBridge
) -> None:
    other = RoleVocabulary("base", Verdict.DIFFERENT, 100, 100, 90)
    bridge.check(with_roles(session, other))
    assert line.text() == "Vocabulary: not shared yet"
    assert line.property("role") == "link"
    dialog = show_vocabulary(session, line)
    assert any("do not go together" in label.text() for label in dialog.findChildren(QLabel))
    bridge.check(invent_preflight(session.recipe))
    assert line.property("role") == "link"


def test_what_cannot_be_compared_is_said(
    line: VocabularyLine, session: Session, bridge: FakeBridge
) -> None:
    bridge.events.emit([Failed(bridge.last(Load).id, CheckpointError("missing"))])
    assert line.text() == "Vocabulary: cannot be compared"


def test_a_long_verdict_is_shortened(
    line: VocabularyLine, session: Session, bridge: FakeBridge
) -> None:
    bridge.check(invent_preflight(session.recipe, different=12, warnings=("a", "b")))
    line.resize(120, line.height())
    assert line.text().endswith("…")
    assert line.fontMetrics().horizontalAdvance(line.text()) < 120
    assert "12 ids differ" in line.accessibleName()


def test_every_role_and_every_id_is_listed(dialog: VocabularyDialog) -> None:
    rows = [
        [dialog.roles.item(row, column).text() for column in range(5)]
        for row in range(dialog.roles.rowCount())
    ]
    assert rows[:3] == [
        ["base", "–", "100", "128", "0"],
        ["expert “Shakespeare”", "a few ids differ", "100", "128", "3"],
        ["anti-expert “Shakespeare”", "identical", "100", "128", "0"],
    ]
    ids = [
        [dialog.ids.item(row, column).text() for column in range(4)]
        for row in range(dialog.ids.rowCount())
    ]
    assert ids[0] == ["90", "“<a0>”", "“<b0>”", "expert “Shakespeare”"]
    assert len(ids) == 3
    texts = [label.text() for label in dialog.findChildren(QLabel) if label.isVisible()]
    assert "Softcapping differs." in texts
    assert "31 token ids of the base are never generated." in texts


def test_a_base_of_which_every_id_can_be_generated_has_no_count(
    dialog: VocabularyDialog, session: Session, bridge: FakeBridge
) -> None:
    found = invent_preflight(session.recipe)
    bridge.check(replace(found, vocabulary=replace(found.vocabulary, masked_ids=())))
    texts = [label.text() for label in dialog.findChildren(QLabel)]
    assert "Every token id of the base can be generated." in texts


def test_accepted_ids_are_one_step_to_undo(
    dialog: VocabularyDialog, session: Session, bridge: FakeBridge
) -> None:
    session.accept_ids((5,))  # it is not among those that are listed
    accept = accept_button(dialog)
    assert not accept.isEnabled()
    for row in (0, 2):
        dialog.ids.item(row, 0).setCheckState(Qt.CheckState.Checked)
    assert session.recipe.accepted_ids == (5,)
    accept.click()
    assert session.recipe.accepted_ids == (5, 90, 92)
    assert bridge.last(Load).recipe.accepted_ids == (5, 90, 92)
    assert not accept.isEnabled()
    session.undo_stack.undo()
    assert session.recipe.accepted_ids == (5,)


def test_an_id_that_a_role_lacks_cannot_be_accepted(
    line: VocabularyLine, session: Session, bridge: FakeBridge
) -> None:
    differences = (TokenDifference(7, "<x>", None), TokenDifference(8, "<x>", "<y>"))
    role = RoleVocabulary("expert “Shakespeare”", Verdict.FEW, 100, 100, 2, differences)
    other = replace(role, role="anti-expert “Shakespeare”", differences=differences[1:])
    base = RoleVocabulary("base", Verdict.IDENTICAL, 100, 100)
    bridge.check(with_roles(session, base, role, other))
    dialog = show_vocabulary(session, line)
    checkable = [
        bool(dialog.ids.item(row, 0).flags() & Qt.ItemFlag.ItemIsUserCheckable) for row in (0, 1)
    ]
    assert checkable == [False, True]
    assert dialog.ids.rowCount() == 2  # an id that differs twice is one row
    assert dialog.ids.item(1, 3).text() == "expert “Shakespeare”, anti-expert “Shakespeare”"


def test_accepting_waits_for_the_run(
    dialog: VocabularyDialog, session: Session, bridge: FakeBridge
) -> None:
    dialog.ids.item(0, 0).setCheckState(Qt.CheckState.Checked)
    session.runs.generate("Once")
    assert not accept_button(dialog).isEnabled()
    bridge.finish_run()
    assert accept_button(dialog).isEnabled()


def test_a_space_key_checks_an_id(qtbot: QtBot, dialog: VocabularyDialog) -> None:
    dialog.ids.setFocus()
    dialog.ids.setCurrentCell(1, 0)
    qtbot.keyClick(dialog.ids, Qt.Key.Key_Space)
    assert dialog.ids.item(1, 0).checkState() is Qt.CheckState.Checked


def test_tables_have_names(dialog: VocabularyDialog) -> None:
    views: list[QWidget] = [dialog.roles, dialog.ids]
    assert all(view.accessibleName() for view in views)
