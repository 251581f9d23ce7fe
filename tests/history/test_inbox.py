"""Memory is bounded whatever the disk does, and putting in never waits."""

from __future__ import annotations

from app.attribution.candidates import CandidateRows
from app.decoding.types import RoleLogits
from app.history.inbox import Added, Inbox
from app.history.records import StoredToken
from tests.history.invented import steps

ROW_BYTES = 3 * 4 * 300


def added(count: int) -> list[Added]:
    made = []
    for step, explained in steps(count):
        token = StoredToken(
            step.index,
            step.token_id,
            step.text,
            step.start,
            step.forced,
            step.alphas,
            step.sampled_probability,
            explained,
        )
        made.append(Added("run", token, step.logits))
    return made


def kinds(inbox: Inbox) -> list[str]:
    return [type(item.rows).__name__ for item in inbox.take(0) if isinstance(item, Added)]


def test_rows_wait_up_to_a_bound_then_candidates_then_first_choices_alone() -> None:
    inbox = Inbox(most_row_bytes=2 * ROW_BYTES, most_candidates=3)
    for item in added(7):
        assert inbox.put(item)
    waiting = [item.rows for item in inbox.take(0) if isinstance(item, Added)]
    assert all(isinstance(rows, RoleLogits) for rows in waiting[:2])
    counts = [len(rows.token_ids) for rows in waiting[2:] if isinstance(rows, CandidateRows)]
    assert min(counts[:3]) > 40
    assert max(counts[3:]) <= 5  # of tuned, base, expert and anti-expert, and the chosen one
    assert min(counts[3:]) >= 1
    for item in added(1):
        inbox.put(item)
    assert kinds(inbox) == ["RoleLogits"]  # what was taken counts no more


def test_nothing_is_put_into_a_closed_inbox_and_what_is_in_it_comes_out() -> None:
    inbox = Inbox()
    first, second = added(2)
    inbox.put(first)
    inbox.close()
    assert not inbox.put(second)
    assert inbox.take(60) == [first]
    assert inbox.take(60) == []


def test_reduced_rows_are_those_that_would_have_been_kept() -> None:
    inbox = Inbox(most_row_bytes=0)
    (item,) = added(1)
    inbox.put(item)
    (reduced,) = inbox.take(0)
    assert isinstance(reduced, Added)
    assert isinstance(reduced.rows, CandidateRows)
    assert isinstance(item.rows, RoleLogits)
    assert item.token.token_id in reduced.rows.token_ids
    assert reduced.token is item.token
