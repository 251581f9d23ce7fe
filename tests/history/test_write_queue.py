"""The write queue: bounded memory, and adding an item never blocks."""

from __future__ import annotations

from app.attribution.candidates import CandidateRows
from app.attribution.explained_token import ExplainedToken
from app.decoding.types import RoleLogits
from app.history.write_queue import TokenAdded, WriteQueue
from tests.history.invented import steps

ROW_BYTES = 3 * 4 * 300


def added(count: int) -> list[TokenAdded]:
    return [
        TokenAdded("run", ExplainedToken.of(made, why), made.logits) for made, why in steps(count)
    ]


def kinds(queue: WriteQueue) -> list[str]:
    return [type(item.rows).__name__ for item in queue.take(0) if isinstance(item, TokenAdded)]


def test_waiting_rows_are_reduced_to_candidates_and_then_to_top_candidates() -> None:
    queue = WriteQueue(max_row_bytes=2 * ROW_BYTES, max_candidates=3)
    for item in added(7):
        assert queue.put(item)
    waiting = [item.rows for item in queue.take(0) if isinstance(item, TokenAdded)]
    assert all(isinstance(rows, RoleLogits) for rows in waiting[:2])
    counts = [len(rows.token_ids) for rows in waiting[2:] if isinstance(rows, CandidateRows)]
    assert min(counts[:3]) > 40
    assert max(counts[3:]) <= 5  # of tuned, base, expert and anti-expert, and the chosen one
    assert min(counts[3:]) >= 1
    for item in added(1):
        queue.put(item)
    assert kinds(queue) == ["RoleLogits"]  # what was taken counts no more


def test_a_closed_queue_rejects_new_items_and_returns_queued_ones() -> None:
    queue = WriteQueue()
    first, second = added(2)
    queue.put(first)
    queue.close()
    assert not queue.put(second)
    assert queue.take(60) == [first]
    assert queue.take(60) == []


def test_reducing_rows_early_gives_the_same_candidates() -> None:
    queue = WriteQueue(max_row_bytes=0)
    (item,) = added(1)
    queue.put(item)
    (reduced,) = queue.take(0)
    assert isinstance(reduced, TokenAdded)
    assert isinstance(reduced.rows, CandidateRows)
    assert isinstance(item.rows, RoleLogits)
    assert item.token.token_id in reduced.rows.token_ids
    assert reduced.token is item.token


def test_taking_ends_without_items_after_the_given_patience() -> None:
    queue = WriteQueue()
    assert queue.take(60, 0.0) == []
    assert not queue.closed
