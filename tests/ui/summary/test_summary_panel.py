"""Tests of the Summary tab against statistics computed from the logits of the runs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QComboBox, QLabel
from pytestqt.qtbot import QtBot
from scipy.special import log_softmax

from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.ui.summary import summary_figures as figures
from app.ui.summary import tallies
from app.ui.summary.run_choice import RunChoice
from app.ui.summary.summary_panel import SummaryPanel
from app.ui.widgets.bar_delegate import BAR_ROLE
from app.ui.widgets.number_table import NumberTable
from app.wording import quoted
from tests.ui.conftest import WORDS, FakeBridge

ROLES = "Perplexity of the run under each role"
PAIRS = "Mean contribution of each pair"
TOKENS = "Most shifted tokens"
TEXTS = "Runs side by side"


def shown(session: Session, qtbot: QtBot) -> SummaryPanel:
    view = SummaryPanel(session)
    qtbot.addWidget(view)
    view.resize(340, 900)
    view.show()
    qtbot.waitUntil(lambda: view._tallies.waiting == 0)
    return view


@pytest.fixture
def panel(finished_session: Session, qtbot: QtBot) -> SummaryPanel:
    return shown(finished_session, qtbot)


def another(session: Session, bridge: FakeBridge, count: int, seed: int) -> Run:
    session.runs.generate("Twice upon a time")
    bridge.start_run()
    bridge.decode(count, seed=seed)
    bridge.finish_run(tokens=count)
    return current(session)


def current(session: Session) -> Run:
    assert session.runs.current
    return session.runs.current


def table(panel: SummaryPanel, name: str) -> NumberTable:
    return next(t for t in panel.findChildren(NumberTable) if t.accessibleName() == name)


def cells(panel: SummaryPanel, name: str) -> list[list[str]]:
    model = table(panel, name).model()
    columns = range(model.columnCount())
    return [[model.index(row, i).data() for i in columns] for row in range(model.rowCount())]


def words(panel: SummaryPanel) -> str:
    return "\n".join(label.text() for label in panel.findChildren(QLabel) if label.isVisible())


def perplexity(runs: list[Run], role: str, pair: int = 0) -> str:
    """Computed from the logits by a plain log-softmax in float64."""
    logprobs = []
    for run in runs:
        for token in run.tokens:
            rows = run.rows.rows(token.index)
            assert rows
            row = rows.base.astype(np.float64)
            if role == "tuned":
                for alpha, expert, anti in zip(
                    token.alphas, rows.experts, rows.antiexperts, strict=True
                ):
                    row = row + alpha * (expert.astype(np.float64) - anti)
            elif role != "base":
                row = (rows.experts if role == "expert" else rows.antiexperts)[pair]
            logprobs.append(log_softmax(row.astype(np.float64))[token.token_id])
    return figures.perplexity(math.exp(-np.mean(logprobs)))


def all_perplexities(runs: list[Run]) -> list[list[str]]:
    return [
        ["base", perplexity(runs, "base")],
        ["tuned", perplexity(runs, "tuned")],
        ["expert Shakespeare", perplexity(runs, "expert", 0)],
        ["anti-expert Shakespeare", perplexity(runs, "antiexpert", 0)],
        ["expert Arithmetic", perplexity(runs, "expert", 1)],
        ["anti-expert Arithmetic", perplexity(runs, "antiexpert", 1)],
    ]


def check(panel: SummaryPanel, runs: set[Run]) -> None:
    box = panel.findChild(RunChoice)
    for row in range(box.count()):
        item = box.item(row)
        wanted = item.data(Qt.ItemDataRole.UserRole) in runs
        item.setCheckState(Qt.CheckState.Checked if wanted else Qt.CheckState.Unchecked)


def test_without_a_run_instructions_are_shown(session: Session, qtbot: QtBot) -> None:
    panel = shown(session, qtbot)
    assert "Press Generate" in words(panel)
    assert not any(t.isVisible() for t in panel.findChildren(NumberTable))


def test_perplexity_is_shown_for_every_role(panel: SummaryPanel, finished_session: Session) -> None:
    found = [row[:2] for row in cells(panel, ROLES)]
    assert found == all_perplexities([current(finished_session)])
    assert not panel.findChild(RunChoice).isVisible()
    assert not table(panel, TEXTS).isVisible()


def test_pairs_and_flips_are_averages_over_tokens(
    panel: SummaryPanel, finished_session: Session
) -> None:
    run = current(finished_session)
    shares = np.array([token.attribution.contributions for token in run.tokens])
    flips = sum(token.attribution.flipped for token in run.tokens)
    one, other, together = cells(panel, PAIRS)
    for row, name, values in (
        (one, "Shakespeare", shares[:, 0]),
        (other, "Arithmetic", shares[:, 1]),
    ):
        assert row == [name, figures.mean(values.mean()), figures.mean(abs(values).mean())[1:]]
    assert together[:2] == ["together", figures.mean(shares.sum(axis=1).mean())]
    assert f"Flips: {flips} tokens ({100 * flips / 60:.0f} %)" in words(panel)


def test_the_most_shifted_tokens_have_bars_and_numbers(
    finished_session: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "MOST_TOKENS", len(WORDS))
    panel = shown(finished_session, qtbot)
    run = current(finished_session)
    groups: dict[str, list[float]] = {}
    for token in run.tokens:
        shift = token.attribution.p_tuned - token.attribution.p_base
        groups.setdefault(quoted(run.label(token.token_id)), []).append(shift)
    rows = cells(panel, TOKENS)
    assert {row[0]: row[2] for row in rows} == {k: str(len(v)) for k, v in groups.items()}
    means = [float(np.mean(groups[row[0]])) for row in rows]
    assert means == sorted(means, reverse=True)
    model = table(panel, TOKENS).model()
    lengths = [model.index(row, 1).data(BAR_ROLE).length for row in range(len(rows))]
    assert lengths == pytest.approx([value / max(map(abs, means)) for value in means])
    spoken = model.index(0, 1).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == f"{rows[0][0]}, mean shift: {rows[0][1]}"


def test_the_most_shifted_tokens_are_limited_and_filtered_by_count(
    finished_session: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = shown(finished_session, qtbot)
    assert len(cells(panel, TOKENS)) == figures.MOST_TOKENS
    monkeypatch.setattr(figures, "MOST_TOKENS", len(WORDS))
    panel._update()
    before = cells(panel, TOKENS)
    least = next(b for b in panel.findChildren(QComboBox) if b.isVisible())
    least.setCurrentIndex(3)
    assert cells(panel, TOKENS) == [row for row in before if int(row[2]) >= 5]


def test_enter_on_a_token_selects_its_next_occurrence(
    panel: SummaryPanel, finished_session: Session, qtbot: QtBot
) -> None:
    run, view = current(finished_session), table(panel, TOKENS)
    view.selectRow(0)
    name = view.model().index(0, 0).data()
    places = [t.index for t in run.tokens if quoted(run.label(t.token_id)) == name]
    for expected in [*places, places[0]]:
        qtbot.keyClick(view, Qt.Key.Key_Return)
        assert finished_session.selection.token == expected


@pytest.mark.slow
def test_several_runs_are_summed_and_listed_side_by_side(
    finished_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    first = current(finished_session)
    second = another(finished_session, bridge, 25, seed=4)
    panel = shown(finished_session, qtbot)
    assert [row[:2] for row in cells(panel, ROLES)] == all_perplexities([second])
    check(panel, {first, second})
    qtbot.waitUntil(lambda: len(cells(panel, TEXTS)) == 3)
    qtbot.waitUntil(lambda: panel._tallies.waiting == 0)
    panel._update()
    assert [row[:2] for row in cells(panel, ROLES)] == all_perplexities([first, second])
    rows = cells(panel, TEXTS)
    assert [row[1] for row in rows] == ["60", "25", "85"]
    assert rows[0][3:5] == [perplexity([first], "tuned"), perplexity([first], "base")]
    assert rows[2][3:5] == [perplexity([first, second], role) for role in ("tuned", "base")]
    finished_session.runs.remove(second)
    assert [row[:2] for row in cells(panel, ROLES)] == all_perplexities([first])


def test_the_summary_follows_the_shown_run_until_others_are_checked(
    finished_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    first = current(finished_session)
    second = another(finished_session, bridge, 25, seed=4)
    panel = shown(finished_session, qtbot)
    choice = panel.findChild(RunChoice)
    assert choice.chosen == [second]
    finished_session.runs.show(first)
    assert choice.chosen == [first]
    check(panel, {second})
    finished_session.runs.show(second)
    finished_session.runs.show(first)
    assert choice.chosen == [second]


def test_the_answer_of_one_role_counts_for_that_role(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    runs = loaded_session.runs.generate_all_roles("Once")
    expert = runs[3]
    assert tallies.role_of(expert).pair == "Arithmetic"
    assert [tallies.role_of(run).kind.value for run in runs[:-1]] == [
        "base",
        "expert",
        "antiexpert",
        "expert",
        "antiexpert",
    ]


def test_a_run_of_one_role_has_the_perplexity_of_that_role_only(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    loaded_session.runs.generate("Once")
    run = current(loaded_session)
    run.role = 2
    run.alphas.set(())
    bridge.start_run()
    bridge.decode(10)
    panel = shown(loaded_session, qtbot)
    assert [row[:2] for row in cells(panel, ROLES)] == [
        ["anti-expert Shakespeare", perplexity([run], "base")]
    ]
    assert not table(panel, PAIRS).isVisible()
    assert not table(panel, TOKENS).isVisible()
    assert "First choice" not in words(panel)


def test_new_tokens_are_counted(loaded_session: Session, bridge: FakeBridge, qtbot: QtBot) -> None:
    loaded_session.runs.generate("Once")
    panel = shown(loaded_session, qtbot)
    bridge.start_run()
    for start in (0, 20, 40):
        bridge.decode(20, start=start)
        qtbot.waitUntil(lambda: panel._tallies.waiting == 0)
    run = current(loaded_session)
    assert panel._tallies.of(run).tokens == 60
    bridge.finish_run(tokens=60)
    assert [row[:2] for row in cells(panel, ROLES)] == all_perplexities([run])


def test_a_hidden_tab_counts_nothing(
    finished_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    panel = SummaryPanel(finished_session)
    qtbot.addWidget(panel)
    another(finished_session, bridge, 10, seed=1)
    assert panel._tallies.waiting == 0
    assert panel._tallies.of(current(finished_session)).tokens == 0
    panel.show()
    qtbot.waitUntil(lambda: panel._tallies.of(current(finished_session)).tokens == 10)
    panel.hide()
    assert not panel._tallies._timer.isActive()


def test_given_tokens_are_counted_and_reported(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    loaded_session.runs.score("Once", " the king")
    bridge.start_run()
    bridge.decode(8)
    run = current(loaded_session)
    run.tokens[:] = [type(t)(*(getattr(t, n) for n in t.__slots__[:-1]), True) for t in run.tokens]
    panel = shown(loaded_session, qtbot)
    assert "8 tokens were given, not sampled" in words(panel)
    assert [row[:2] for row in cells(panel, ROLES)] == all_perplexities([run])


def test_tables_have_accessible_names(panel: SummaryPanel) -> None:
    read = QAccessible.queryAccessibleInterface(table(panel, ROLES))
    told = [read.child(i).text(QAccessible.Text.Name) for i in range(read.childCount())]
    for row in cells(panel, ROLES):
        assert f"{row[0]}, perplexity: {row[1]}" in told
    for widget in (*panel.findChildren(NumberTable), *panel.findChildren(QComboBox)):
        assert QAccessible.queryAccessibleInterface(widget).text(QAccessible.Text.Name)


@pytest.mark.parametrize(
    ("value", "text"),
    [(7.214, "7.21"), (99.96, "100"), (12345.0, "12,345"), (math.inf, "∞"), (math.nan, "–")],
)
def test_perplexities_have_about_three_digits(value: float, text: str) -> None:
    assert figures.perplexity(value) == text


def test_pairs_of_the_same_name_are_distinguished() -> None:
    assert tallies._distinct(("a", "b", "a")) == ("a", "b", "a (2)")
