"""Edits of stored runs through the writer: their order, and how they end."""

from threading import Event

import pytest

from app.errors import HistoryError
from app.history.archive import Query
from app.history.database_writer import DatabaseWriter
from app.history.run_edits import RunsEdited
from tests.history.invented import Desk, new_run

Ends = list[HistoryError | None]


def delete(ends: Ends, *run_ids: str) -> RunsEdited:
    return RunsEdited(run_ids, lambda archive, run_id: archive.delete(run_id), ends.append)


def test_edits_keep_their_order_among_the_events_of_runs(desk: Desk) -> None:
    ends: Ends = []
    continued, deleted = new_run("continued"), new_run("deleted")
    desk.writer.begin(continued)
    desk.writer.edit(delete(ends, continued.id))
    desk.writer.begin(continued)  # which takes it from the bin
    desk.writer.begin(deleted)
    desk.writer.edit(delete(ends, deleted.id))
    archive = desk.archive()
    assert [run.id for run in archive.find()] == [continued.id]
    assert [run.id for run in archive.find(Query(deleted=True))] == [deleted.id]
    assert ends == [None, None]
    archive.close()


def test_an_edit_ends_with_the_error_of_the_first_run_that_fails(desk: Desk) -> None:
    ends: Ends = []
    first = new_run()
    desk.writer.begin(first)
    desk.writer.edit(delete(ends, first.id, "gone"))
    archive = desk.archive()
    assert archive.find() == []
    (error,) = ends
    assert isinstance(error, HistoryError)
    assert "gone" in str(error)
    archive.close()


def test_an_edit_after_a_failed_write_ends_with_an_error(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert desk.writer.flush(60)
    ends: Ends = []
    entered, go = Event(), Event()

    def broken(writer: DatabaseWriter, _: object) -> None:
        entered.set()
        assert go.wait(60)
        raise ZeroDivisionError

    run = new_run()
    with monkeypatch.context() as patched:
        patched.setattr(DatabaseWriter, "write", broken)
        desk.writer.begin(new_run())
        assert entered.wait(60)
        desk.writer.begin(run)  # these two are taken together
        desk.writer.edit(delete(ends, run.id))
        go.set()
        assert not desk.writer.flush(60)
    (error,) = ends
    assert "not changed" in str(error)
