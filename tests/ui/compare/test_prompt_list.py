"""A list of prompts in the window: its runs, their totals, and their export."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.engine.commands import Generate, Load
from app.engine.events import Failed
from app.errors import CheckpointError, ContextLengthError
from app.ui.compare.prompt_list_dialog import PromptListDialog
from app.ui.compare.prompt_list_model import END, FLIPS, PROMPT, SHIFT, TOKENS
from app.ui.history.exporting import export
from app.ui.state.runs.prompt_list_runs import ListedPrompt, ListedState, PromptListRuns
from app.ui.state.session import Session
from tests.ui.conftest import FakeBridge
from tests.ui.recording import settle_reading, stored_document
from tests.ui.state.records.test_run_history import runs as flushed

pytestmark = pytest.mark.slow


@pytest.fixture
def listed(kept: Session) -> PromptListRuns:
    made = PromptListRuns(kept.runs, kept.history.id_of, kept)
    made.add(["Apple", "Banana", "Cherry"])
    return made


@pytest.fixture
def dialog(qtbot: QtBot, kept: Session, listed: PromptListRuns) -> PromptListDialog:
    made = PromptListDialog(kept, listed)
    qtbot.addWidget(made)
    made.show()
    return made


def asked(bridge: FakeBridge) -> list[Generate]:
    return [command for command in bridge.commands if isinstance(command, Generate)]


def run_all(qtbot: QtBot, bridge: FakeBridge, listed: PromptListRuns, counts: list[int]) -> None:
    """Start the list, and answer its runs with as many tokens."""
    before = len(asked(bridge))
    listed.start()
    for number, count in enumerate(counts, 1):
        qtbot.waitUntil(lambda number=number: len(asked(bridge)) == before + number)
        bridge.complete(count, seed=number)
    qtbot.waitUntil(lambda: not listed.running)


def column(dialog: PromptListDialog, place: int) -> list[str]:
    table = dialog.sorted
    return [str(table.index(row, place).data() or "") for row in range(table.rowCount())]


def test_each_prompt_has_a_run_of_its_own_in_the_history(
    qtbot: QtBot, kept: Session, bridge: FakeBridge, listed: PromptListRuns
) -> None:
    run_all(qtbot, bridge, listed, [4, 3, 5])
    assert [command.prompt for command in asked(bridge)] == ["Apple", "Banana", "Cherry"]
    stored = {run.id: run for run in flushed(kept)}
    assert [stored[each.run_id].prompt for each in listed.prompts] == ["Apple", "Banana", "Cherry"]
    assert [stored[each.run_id].tokens for each in listed.prompts] == [4, 3, 5]
    assert kept.runs.all == []
    assert kept.editable


def test_totals_are_those_of_the_stored_tokens(
    qtbot: QtBot, kept: Session, bridge: FakeBridge, listed: PromptListRuns
) -> None:
    run_all(qtbot, bridge, listed, [40, 3, 25])
    flushed(kept)
    for each in listed.prompts:
        document = stored_document(kept, each.run_id)
        found = [token.attribution for token in document.tokens]
        assert each.totals is not None
        assert each.totals.tokens == len(found)
        assert each.totals.flips == sum(one.argmax_base != one.argmax_tuned for one in found)
        shift = sum(one.logprob_tuned - one.logprob_base for one in found) / len(found)
        assert each.totals.mean_shift == pytest.approx(shift / 0.6931471805599453)
        entropy = sum(one.entropy_tuned for one in found) / len(found)
        assert each.totals.mean_entropy == pytest.approx(entropy / 0.6931471805599453)


def test_a_stopped_list_goes_on_with_what_is_left(
    qtbot: QtBot, bridge: FakeBridge, listed: PromptListRuns
) -> None:
    listed.start()
    bridge.complete(4)
    qtbot.waitUntil(lambda: len(asked(bridge)) == 2)
    bridge.decode(2, seed=5)
    listed.stop()
    assert asked(bridge)[-1].cancellation.requested()
    bridge.fail_run(None)
    assert not listed.running
    states = [each.state for each in listed.prompts]
    assert states == [ListedState.ENDED, ListedState.STOPPED, ListedState.WAITING]
    run_all(qtbot, bridge, listed, [3, 2])
    assert [command.prompt for command in asked(bridge)[2:]] == ["Banana", "Cherry"]
    assert {each.state for each in listed.prompts} == {ListedState.ENDED}
    found = [each.totals for each in listed.prompts if each.totals]
    assert [each.tokens for each in found] == [4, 3, 2], (
        "not the tokens of the run that was stopped"
    )
    assert listed.totals.runs == 3
    assert listed.totals.tokens == 9
    assert listed.totals.flips == sum(each.flips for each in found)
    shift = sum(each.mean_shift * each.tokens for each in found)
    assert listed.totals.shift == pytest.approx(shift)


def test_a_run_that_fails_does_not_end_the_list(
    qtbot: QtBot, bridge: FakeBridge, listed: PromptListRuns
) -> None:
    listed.start()
    bridge.fail_run(ContextLengthError("The prompt is too long"))
    qtbot.waitUntil(lambda: len(asked(bridge)) == 2)
    bridge.complete(2)
    qtbot.waitUntil(lambda: len(asked(bridge)) == 3)
    bridge.complete(2)
    qtbot.waitUntil(lambda: not listed.running)
    failed, *others = (each.state for each in listed.prompts)
    assert failed is ListedState.FAILED
    assert set(others) == {ListedState.ENDED}


def tip(dialog: PromptListDialog, row: int) -> str:
    return str(dialog.sorted.index(row, END).data(Qt.ItemDataRole.ToolTipRole) or "")


def test_a_prompt_that_failed_says_why_and_is_tried_again_alone(
    qtbot: QtBot, bridge: FakeBridge, listed: PromptListRuns, dialog: PromptListDialog
) -> None:
    listed.start()
    bridge.complete(2)
    qtbot.waitUntil(lambda: len(asked(bridge)) == 2)
    bridge.fail_run(ContextLengthError("The prompt is too long"))
    qtbot.waitUntil(lambda: len(asked(bridge)) == 3)
    bridge.complete(2)
    qtbot.waitUntil(lambda: not listed.running)
    assert [tip(dialog, row) for row in (0, 2)] == ["", ""]
    assert "The prompt is too long" in tip(dialog, 1)
    assert dialog.message.message.startswith("2 of 3 prompts · 1 failed · 4 tokens")
    assert listed.left == 1
    run_all(qtbot, bridge, listed, [5])
    assert [command.prompt for command in asked(bridge)[3:]] == ["Banana"]
    assert dialog.message.message.startswith("3 of 3 prompts · 9 tokens")
    assert tip(dialog, 1) == ""


def test_a_list_ends_where_the_models_cannot_be_loaded(
    qtbot: QtBot, kept: Session, bridge: FakeBridge, listed: PromptListRuns,
    dialog: PromptListDialog,
) -> None:  # fmt: skip
    kept.load()
    listed.start()
    missing = CheckpointError("The base is not there")
    bridge.events.emit([Failed(bridge.last(Load).id, missing)])
    assert not listed.running
    assert len(asked(bridge)) == 1
    states = [each.state for each in listed.prompts]
    assert states == [ListedState.FAILED, ListedState.WAITING, ListedState.WAITING]
    assert "The base is not there" in tip(dialog, 0)
    assert kept.problem is not None
    assert kept.problem.error is missing
    kept.load()
    bridge.finish_load()
    run_all(qtbot, bridge, listed, [2, 3, 4])
    assert [command.prompt for command in asked(bridge)[1:]] == ["Apple", "Banana", "Cherry"]


def test_a_list_is_stopped_although_its_run_fails_or_ends_by_itself(
    bridge: FakeBridge, listed: PromptListRuns
) -> None:
    listed.start()
    listed.stop()
    bridge.fail_run(ContextLengthError("The prompt is too long"))
    assert not listed.running
    listed.start()
    listed.stop()
    bridge.complete(2)
    assert not listed.running
    states = [each.state for each in listed.prompts]
    assert states == [ListedState.ENDED, ListedState.WAITING, ListedState.WAITING]


class CountedReads(list[ListedPrompt]):
    """A list that counts how many prompts are read from it."""

    reads = 0

    def __iter__(self) -> Iterator[ListedPrompt]:
        self.reads += len(self)
        return super().__iter__()

    def __getitem__(self, place: Any) -> Any:
        self.reads += 1
        return super().__getitem__(place)


def test_a_run_of_a_long_list_reads_few_of_its_prompts(
    qtbot: QtBot, kept: Session, bridge: FakeBridge, listed: PromptListRuns
) -> None:
    listed.clear()
    prompts = listed.prompts = CountedReads()
    listed.add(map(str, range(2_000)))
    hidden = PromptListDialog(kept, listed)  # what is painted is read, too
    qtbot.addWidget(hidden)
    changed: list[int] = []
    hidden.sorted.dataChanged.connect(
        lambda first, last: changed.append(last.row() - first.row() + 1)
    )
    listed.start()
    prompts.reads = 0
    for number in (1, 2, 3):
        bridge.complete(2, seed=number)
        qtbot.waitUntil(lambda number=number: len(asked(bridge)) == number + 1)
    assert set(changed) == {1}
    assert prompts.reads < 300
    assert hidden.message.message.startswith("3 of 2,000 prompts · 6 tokens")


def test_the_table_is_sorted_by_numbers(
    qtbot: QtBot, bridge: FakeBridge, listed: PromptListRuns, dialog: PromptListDialog
) -> None:
    assert column(dialog, PROMPT) == ["Apple", "Banana", "Cherry"]
    run_all(qtbot, bridge, listed, [9, 100, 20])
    assert column(dialog, TOKENS) == ["9", "100", "20"]
    assert set(column(dialog, END)) == {"token limit"}
    dialog.table.sortByColumn(TOKENS, Qt.SortOrder.DescendingOrder)
    assert column(dialog, PROMPT) == ["Banana", "Cherry", "Apple"]
    shifts = [each.totals.mean_shift for each in listed.prompts if each.totals]
    dialog.table.sortByColumn(SHIFT, Qt.SortOrder.AscendingOrder)
    by_shift = sorted(range(3), key=lambda at: shifts[at])
    assert column(dialog, PROMPT) == [["Apple", "Banana", "Cherry"][at] for at in by_shift]
    assert all(text.endswith("%)") for text in column(dialog, FLIPS))
    assert "3 of 3 prompts · 129 tokens" in dialog.message.message


def test_enter_shows_the_run_in_the_window(
    qtbot: QtBot, kept: Session, bridge: FakeBridge, listed: PromptListRuns,
    dialog: PromptListDialog,
) -> None:  # fmt: skip
    run_all(qtbot, bridge, listed, [4, 3, 5])
    flushed(kept)
    dialog.table.go_to(1)
    qtbot.keyClick(dialog.table, Qt.Key.Key_Return)
    settle_reading(kept)
    assert kept.runs.current is not None
    assert kept.runs.current.prompt == "Banana"
    assert len(kept.runs.current.tokens) == 3


def test_the_tokens_of_all_runs_are_exported_together(
    qtbot: QtBot, kept: Session, bridge: FakeBridge, listed: PromptListRuns,
    dialog: PromptListDialog, tmp_path: Path,
) -> None:  # fmt: skip
    assert not dialog.export.isEnabled()
    run_all(qtbot, bridge, listed, [4, 3, 5])
    ids = dialog.chosen_ids()
    assert ids == [each.run_id for each in listed.prompts]
    assert dialog.export.isEnabled()
    export(kept, ids, "csv", tmp_path / "tokens.csv")
    assert kept.history.background.join(60)
    with (tmp_path / "tokens.csv").open(encoding="utf-8", newline="") as file:
        rows = [row["run_id"] for row in csv.DictReader(file)]
    assert [rows.count(run_id) for run_id in ids] == [4, 3, 5]
    dialog.table.go_to(2)
    assert dialog.chosen_ids() == ids[2:]


def test_prompts_come_from_the_clipboard_a_file_and_a_task(
    kept: Session, listed: PromptListRuns, dialog: PromptListDialog, tmp_path: Path
) -> None:
    dialog.clear.click()
    assert column(dialog, PROMPT) == []
    QGuiApplication.clipboard().setText("one\n\ntwo\n")
    dialog.paste.click()
    assert column(dialog, PROMPT) == ["one", "two"]
    (tmp_path / "more.jsonl").write_text('{"prompt": "three"}\n', encoding="utf-8")
    dialog.read(str(tmp_path / "more.jsonl"))
    assert kept.history.background.join(60)
    QGuiApplication.sendPostedEvents()
    assert column(dialog, PROMPT) == ["one", "two", "three"]
    dialog.read(str(tmp_path / "none.csv"))
    assert kept.history.background.join(60)
    QGuiApplication.sendPostedEvents()
    assert "none.csv cannot be read" in dialog.message.message
    assert {action.text() for action in dialog.task.menu().actions()} >= {"demo-arithmetic"}


def test_another_run_between_two_of_the_list_is_waited_for(
    qtbot: QtBot, kept: Session, bridge: FakeBridge, listed: PromptListRuns
) -> None:
    listed.start()
    bridge.complete(2)
    kept.runs.generate("Mine")  # before the next of the list has begun
    assert asked(bridge)[-1].prompt == "Mine"
    bridge.complete(3)
    qtbot.waitUntil(lambda: asked(bridge)[-1].prompt == "Banana")
    assert [run.prompt for run in kept.runs.all] == ["Mine"]
