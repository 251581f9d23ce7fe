"""The write queue: bounded memory, and adding an item never blocks."""

from __future__ import annotations

from threading import Event

from app.attribution.candidates import CandidateRows, keep_candidates
from app.attribution.explained_token import ExplainedToken
from app.decoding.types import RoleLogits
from app.history.database_writer import with_candidates
from app.history.write_queue import Flush, Item, TokenAdded, WriteQueue
from tests.history.invented import step, steps

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


def test_tokens_of_different_runs_and_vocabularies_are_reduced_separately() -> None:
    kinds = [((1.0,), 300), ((1.0,), 300), ((1.0,), 200), ((0.5,), 200), ((0.5, 1.0), 200)]
    told: list[CandidateRows] = []
    tokens = [
        TokenAdded(
            f"run {place}",
            ExplainedToken.of(made, why),
            made.logits,
            None if place else told.append,
        )
        for place, (alphas, vocabulary) in enumerate(kinds)
        for made, why in [step(place, alphas, vocabulary=vocabulary)]
    ]
    flush = Flush(Event())
    items: list[Item] = [*tokens[:1], flush, *tokens[1:]]
    found = with_candidates(items)
    assert found[1] is flush
    for item, kept in zip(items, found, strict=True):
        if isinstance(item, TokenAdded):
            assert isinstance(kept, TokenAdded)
            assert isinstance(kept.rows, CandidateRows)
            assert isinstance(item.rows, RoleLogits)
            token = item.token
            alone = keep_candidates(item.rows, token.alphas, token.token_id)
            assert kept.rows.token_ids.tolist() == alone.token_ids.tolist()
            assert kept.rows.base.tolist() == alone.base.tolist()
            assert kept.token is token
    assert isinstance(found[0], TokenAdded)
    assert told == [found[0].rows]
