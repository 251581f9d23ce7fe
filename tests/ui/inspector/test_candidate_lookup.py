"""Columns of the candidates, their export as CSV, and tokens that are not among the candidates."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from app.attribution.candidates import CandidateRows, keep_candidates, tabulate, with_token
from app.attribution.plot_parts import pair_part
from app.attribution.role_ranks import ranks_of_roles
from app.checkpoints.spec import CheckpointSpec
from app.decoding.types import RoleLogits
from app.errors import HistoryError
from app.ui.inspector.candidate_columns import ColumnsMenu
from app.ui.inspector.candidate_lookup import ids_of
from app.ui.inspector.candidate_model import ROLE_RANKS_GROUP, CandidateModel
from app.ui.inspector.candidates_view import CandidatesView
from app.ui.inspector.inspector import Inspector
from app.ui.state.display import Display
from app.ui.state.session import Session
from tests.ui.conftest import WORDS
from tests.ui.inspector.test_candidates_view import AT, ids, run_of, shown, table

ROLES = ("expert", "anti")


@pytest.fixture
def inspector(finished_session: Session, qtbot: QtBot) -> Inspector:
    return shown(finished_session, qtbot)


def titles(view: Inspector) -> list[str]:
    model = table(view).model()
    return [
        model.headerData(column, Qt.Orientation.Horizontal) for column in range(model.columnCount())
    ]


def choose(view: Inspector, start: str) -> None:
    menu = view.findChild(ColumnsMenu)
    menu.aboutToShow.emit()
    (action,) = (a for a in menu.actions() if a.text().startswith(start))
    action.trigger()


# Ranks under experts and anti-experts


def rank_cells(model: CandidateModel) -> list[str]:
    """What the table shows as ranks under the experts and anti-experts, row by row."""
    titles = [
        str(model.headerData(at, Qt.Orientation.Horizontal)) for at in range(model.columnCount())
    ]
    columns = [at for at, title in enumerate(titles) if title.startswith("rank Style")]
    assert len(columns) == 2
    return [
        model.index(row, column).data() for row in range(model.rowCount()) for column in columns
    ]


@pytest.mark.parametrize("kept_rows", [True, False])
def test_ranks_under_roles_are_exact_or_unknown(kept_rows: bool) -> None:
    random = np.random.default_rng(24)
    size, alphas = 900, (0.8, -0.5)
    base, anti, *experts = (
        np.round(random.normal(0, 3, size), 1).astype(np.float32) for _ in range(4)
    )
    logits = RoleLogits(base, tuple(experts), (anti, anti))
    rows = keep_candidates(logits, alphas, 5)
    found = ranks_of_roles(rows, logits if kept_rows else None)
    low = 0
    for of_role, source in zip(found, (experts, [anti, anti]), strict=True):
        for told, row in zip(of_role, source, strict=True):
            true = [1 + int((row > row[token]).sum()) for token in rows.token_ids]
            exact = [rank if kept_rows or rank <= 24 else np.inf for rank in true]
            assert told.tolist() == exact
            low += int(np.isinf(told).sum())
    assert (low == 0) == kept_rows


@pytest.mark.parametrize("level", [-300.0, -1.0, 300.0])
def test_ranks_do_not_depend_on_the_level_of_logits(level: float) -> None:
    """All logits of some models are far below 0, which says nothing of tokens that are hidden."""
    random = np.random.default_rng(25)
    base, expert, anti = random.normal(0, 3, (3, 900)).astype(np.float32)
    logits = RoleLogits(base + np.float32(level), (expert,), (anti,))
    rows = keep_candidates(logits, (1.0,), 5)
    (told,), _ = ranks_of_roles(rows, None)
    true = np.array([1 + int((expert > expert[token]).sum()) for token in rows.token_ids])
    assert (told <= 24).sum() == (true <= 24).sum() == 24
    np.testing.assert_array_equal(told[true <= 24], true[true <= 24])


def test_no_rank_is_told_where_the_base_hides_tokens() -> None:
    """An endpoint returns few tokens, and those that only an expert likes are no candidates."""
    base = np.full(50, -np.inf, np.float32)
    base[:3] = np.log([0.5, 0.2, 0.1])
    expert = np.arange(50, dtype=np.float32)
    rows = keep_candidates(RoleLogits(base, (expert,), (expert[::-1].copy(),)), (1.0,), 0)
    experts, antis = ranks_of_roles(rows, None, from_endpoint=True)
    assert np.isnan(experts).all()
    assert np.isnan(antis).all()
    model = CandidateModel()
    model.show(rows, tabulate(rows), ("Style",), str, {ROLE_RANKS_GROUP}, from_endpoint=True)
    assert set(rank_cells(model)) == {"–"}


def test_no_rank_is_told_where_no_pair_was_read() -> None:
    """A policy of α that needs no pair leaves the base's row in place of those of the pair."""
    base = np.random.default_rng(26).normal(0, 3, 60).astype(np.float32)
    rows = keep_candidates(RoleLogits(base, (base,), (base,)), (0.0,), 5)
    model = CandidateModel()
    model.show(rows, tabulate(rows), ("Style",), str, {ROLE_RANKS_GROUP})
    assert set(rank_cells(model)) == {"–"}


def test_the_view_knows_that_the_base_is_behind_an_endpoint(
    finished_session: Session, qtbot: QtBot
) -> None:
    run = run_of(finished_session)
    run.recipe = run.recipe.with_role(0, CheckpointSpec("endpoint:http://127.0.0.1:9/v1"))
    base = np.log([0.5, 0.2, 0.1]).astype(np.float32)
    roles = np.random.default_rng(28).normal(0, 3, (4, 3)).astype(np.float32)
    rows = keep_candidates(
        RoleLogits(base, (roles[0], roles[1]), (roles[2], roles[3])), (1.0, 0.5), 2
    )
    finished_session.display.toggle_candidate_column(ROLE_RANKS_GROUP)
    view = shown(finished_session, qtbot)
    view.findChild(CandidatesView).show_candidates(run, rows, 2)
    model = table(view).model()
    columns = [at for at, title in enumerate(titles(view)) if title.startswith("rank ")]
    cells = {model.index(row, at).data() for at in columns for row in range(model.rowCount())}
    assert len(columns) == 4
    assert cells == {"–"}


def test_low_ranks_are_bounds() -> None:
    random = np.random.default_rng(27)
    base, expert, anti = random.normal(0, 3, (3, 900)).astype(np.float32)
    rows = keep_candidates(RoleLogits(base, (expert,), (anti,)), (1.0,), 5)
    model = CandidateModel()
    model.show(rows, tabulate(rows), ("Style",), str, {ROLE_RANKS_GROUP})
    expected = [
        str(true) if true <= 24 else ">24"
        for token in rows.token_ids
        for true in (1 + int((row > row[token]).sum()) for row in (expert, anti))
    ]
    assert rank_cells(model) == expected


def test_columns_of_ranks_and_of_one_pair_are_chosen(inspector: Inspector, qtbot: QtBot) -> None:
    choose(inspector, "Rank under each")
    wanted = [f"rank {name}: {role}" for name in ("Shakespe…", "Arithmet…") for role in ROLES]
    assert [title for title in titles(inspector) if title in wanted] == wanted
    choose(inspector, "Columns of Shakespeare")
    assert not [title for title in titles(inspector) if title.startswith("Shakes")]
    assert [title for title in titles(inspector) if title in wanted] == wanted[2:]
    choose(inspector, "Columns of Shakespeare")
    assert set(wanted) < set(titles(inspector))


def test_a_pair_that_is_hidden_leaves_the_columns_of_a_recipe_with_one_pair() -> None:
    rows = np.random.default_rng(5).normal(0, 3, (3, 30)).astype(np.float32)
    logits = RoleLogits(rows[0], (rows[1],), (rows[2],))
    kept = keep_candidates(logits, (1.0,), 5)
    model = CandidateModel()
    counts = []
    for toggled in ((), (pair_part("Style"),)):
        model.show(kept, tabulate(kept), ("Style",), str, toggled)
        counts.append(model.columnCount())
    assert counts[0] == counts[1] > 5


def test_a_pair_that_is_hidden_leaves_the_columns_of_the_pairs_of_another_recipe() -> None:
    rows = np.random.default_rng(6).normal(0, 3, (5, 30)).astype(np.float32)
    logits = RoleLogits(rows[0], (rows[1], rows[3]), (rows[2], rows[4]))
    kept = keep_candidates(logits, (1.0, 0.5), 5)
    model = CandidateModel()

    def shown(names: tuple[str, str]) -> list[str]:
        model.show(kept, tabulate(kept), names, str, {pair_part("Style")})
        across = range(model.columnCount())
        titles = [model.headerData(at, Qt.Orientation.Horizontal) for at in across]
        return [title for title in titles if title in names]

    assert shown(("Style", "Facts")) == ["Facts"]
    assert shown(("Facts", "Style")) == ["Facts"]
    assert shown(("Length", "Facts")) == ["Length", "Facts"]


# A token that is not among the candidates


@pytest.mark.parametrize("pairs", [0, 1, 3])
def test_a_token_more_has_the_values_of_its_rows(pairs: int) -> None:
    random = np.random.default_rng(pairs)
    size, alphas = 400, (0.8, -0.5, 1.5)[:pairs]

    def rows() -> np.ndarray:
        return random.normal(0, 3, size).astype(np.float32)

    logits = RoleLogits(rows(), tuple(rows() for _ in alphas), tuple(rows() for _ in alphas))
    kept = keep_candidates(logits, alphas, 5, top_tuned=10, top_role=4)
    wanted = next(index for index in range(size) if index not in kept.token_ids)
    found = tabulate(with_token(kept, logits, wanted))
    base = logits.base.astype(np.float64)
    tuned = base + sum(
        a * (e.astype(np.float64) - n)
        for a, e, n in zip(alphas, logits.experts, logits.antiexperts, strict=True)
    )

    def odds(row: np.ndarray) -> float:
        weights = np.exp(row.astype(np.float64) - row.max())
        return float(weights[wanted] / weights.sum())

    assert found.token_ids[-1] == wanted
    assert found.p_base[-1] == pytest.approx(odds(base), rel=1e-5)
    assert found.p_tuned[-1] == pytest.approx(odds(tuned), rel=1e-5)
    assert found.rank_base[-1] == 1 + (base > base[wanted]).sum()
    assert found.rank_tuned[-1] == 1 + (tuned > tuned[wanted]).sum()
    for pair, row in enumerate(logits.experts):
        assert found.p_experts[pair, -1] == pytest.approx(odds(row), rel=1e-5)
    shift = found.p_tuned[-1] - found.p_base[-1]
    assert found.contributions[:, -1].sum() == pytest.approx(shift if pairs else 0, abs=1e-9)
    assert len(kept.token_ids) == len(found.token_ids) - 1


def test_a_token_is_named_by_its_id_or_its_text() -> None:
    labels = ("the", " the", "\n", "then", "↵")
    assert ids_of("#3", labels) == [3]
    assert ids_of("#9", labels) == []
    assert ids_of("the", labels) == [0, 1]
    assert ids_of(" the", labels) == [1]
    assert ids_of("↵", labels) == [4, 2]
    assert ids_of("", labels) == ids_of("unknown", labels) == []


def forget_candidate(session: Session) -> int:
    """Make the least probable candidate of the selected token one that was not kept."""
    store = run_of(session).rows
    step = store._steps[AT]
    kept = keep_candidates(step.kept_logits, step.alphas, step.token_id, 6, 2)
    store._budget.set_candidates(step, kept)
    return next(index for index in range(len(WORDS)) if index not in kept.token_ids)


def test_a_token_beyond_the_candidates_is_looked_up(
    finished_session: Session, qtbot: QtBot
) -> None:
    wanted = forget_candidate(finished_session)
    view = shown(finished_session, qtbot)
    assert wanted not in ids(view)
    view.findChild(QLineEdit).setText(f"#{wanted}")
    assert ids(view) == [wanted]
    view.findChild(QLineEdit).setText(WORDS[wanted])
    assert wanted in ids(view)
    assert view.findChild(CandidatesView)._unknown.isHidden()
    view.findChild(QLineEdit).clear()
    assert wanted not in ids(view)


def test_without_kept_rows_the_table_says_that_values_are_not_stored(
    finished_session: Session, qtbot: QtBot
) -> None:
    wanted = forget_candidate(finished_session)
    finished_session.runs.budget.set_bound(0)
    view = shown(finished_session, qtbot)
    assert run_of(finished_session).rows.rows(AT) is None
    view.findChild(QLineEdit).setText(f"#{wanted}")
    assert ids(view) == []
    said = view.findChild(CandidatesView)._unknown
    assert not said.isHidden()
    assert f"(#{wanted})" in said.text()
    view.findChild(QLineEdit).clear()
    assert said.isHidden()


@pytest.mark.slow
def test_what_is_said_of_a_token_follows_the_selection(
    finished_session: Session, qtbot: QtBot
) -> None:
    wanted = forget_candidate(finished_session)
    finished_session.runs.budget.set_bound(0)
    view = shown(finished_session, qtbot)
    view.findChild(QLineEdit).setText(f"#{wanted}")
    said = view.findChild(CandidatesView)._unknown
    assert not said.isHidden()
    finished_session.selection.select(AT + 1)
    assert ids(view) == [wanted]
    assert said.isHidden()
    finished_session.selection.select(AT)
    assert ids(view) == []
    assert not said.isHidden()


def test_a_token_whose_candidates_cannot_be_read_has_none(
    finished_session: Session, qtbot: QtBot
) -> None:
    rows = run_of(finished_session).rows
    rows.forget(59)

    def unreadable() -> CandidateRows:
        raise HistoryError("The history cannot be read")

    rows.add_candidates(59, unreadable)
    view = shown(finished_session, qtbot)
    assert ids(view)
    finished_session.selection.select(59)
    assert ids(view) == []
    view.findChild(QLineEdit).setText("#3")
    assert ids(view) == []
    finished_session.selection.select(AT)
    assert ids(view) == [3]


# Columns


def test_columns_are_chosen_and_remembered(
    inspector: Inspector, finished_session: Session, tmp_path: Path
) -> None:
    before = titles(inspector)
    assert "rank" in before
    assert "id" not in before
    choose(inspector, "Ranks")
    choose(inspector, "Token id")
    choose(inspector, "Logits")
    now = titles(inspector)
    assert "rank" not in now
    assert {"id", "logit tuned", "logit base"} <= set(now)
    assert sum(title.startswith("logit ") for title in now) == 2 + 2 * 2
    store = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    finished_session.display.remember(store)
    again = Display()
    again.restore(store)
    assert again.candidate_columns == {"ranks", "ids", "logits"}
    for start in ("Ranks", "Token id", "Logits"):
        choose(inspector, start)
    assert titles(inspector) == before


def test_the_table_is_copied_as_csv(inspector: Inspector, finished_session: Session) -> None:
    choose(inspector, "Log-prob")
    view, numbers = inspector.findChild(CandidatesView), table(inspector)
    run = run_of(finished_session)
    found = tabulate(run.candidates(AT))
    (copy_all,) = (a for a in numbers.actions() if a.text() == "Copy all as CSV")
    copy_all.trigger()
    rows = list(csv.DictReader(io.StringIO(QGuiApplication.clipboard().text())))
    assert [int(row["token_id"]) for row in rows] == found.token_ids.tolist()
    assert [row["token"] for row in rows] == [run.label(i) for i in found.token_ids]
    for name, values in (
        ("tuned", found.p_tuned),
        ("Arithmetic", found.contributions[1]),
        ("log p base", np.log(found.p_base)),
    ):
        np.testing.assert_allclose([float(row[name]) for row in rows], values, rtol=1e-9)
    numbers.selectRow(2)
    (copy,) = (a for a in numbers.actions() if a.text() == "Copy as CSV")
    copy.trigger()
    (row,) = csv.DictReader(io.StringIO(QGuiApplication.clipboard().text()))
    assert int(row["token_id"]) == ids(inspector)[2]
    assert view.isVisible()
