"""Runs that answer a conversation: stored, found, exported and prepared for repetition."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from app.checkpoints.conversation import Conversation, Message, conversation_of
from app.errors import HistoryError
from app.history.archive import Archive, Query
from app.history.database import Database
from app.history.database_writer import DatabaseWriter
from app.history.export.document import Document, read_document
from app.history.export.formats import FORMATS
from app.history.records import Ending, NewRun
from app.history.repeat import repeatable
from app.history.write_queue import RunEnded
from tests.history.invented import Desk, new_run, step, write_run

FIRST = Conversation((Message("system", "Be “brief”."), Message("user", 'Say\n"hi" <b>한국어</b>')))
ANSWER = " the king\n 한국"
SECOND = FIRST.with_message("assistant", ANSWER).with_message("user", "Again, please")


@pytest.fixture
def runs(desk: Desk) -> tuple[NewRun, NewRun, NewRun]:
    """Two answers of one conversation, and a run with a text."""
    first, text = new_run(), new_run("Once")
    first = replace(first, prompt=FIRST)
    second = replace(new_run(), prompt=SECOND, follows=first.id)
    for run in (first, text, second):
        write_run(desk.writer, run, 5)
    return first, second, text


def test_a_conversation_is_read_back_as_it_was(desk: Desk, runs: tuple[NewRun, ...]) -> None:
    first, second, text = runs
    archive = desk.archive()
    assert archive.get(first.id).prompt == FIRST
    stored = archive.get(second.id)
    assert stored.prompt == SECOND
    assert (stored.summary.follows, stored.summary.prompt) == (first.id, "Again, please")
    assert stored.summary.shown_title == "Again, please"
    assert stored.summary.is_answer
    assert not archive.get(text.id).summary.is_answer
    assert archive.get(text.id).prompt == "Once"
    assert archive.get(text.id).conversation is None
    assert archive.answers_before(second.id) == [first.id]
    assert archive.answers_before(first.id) == archive.answers_before(text.id) == []
    archive.close()


@pytest.mark.parametrize(
    ("words", "count"),
    [('"hi"', 2), ("한국어", 2), ("“BRIEF”", 2), ("please again", 1), ("role", 0), ("once", 1)],
)
def test_a_conversation_is_found_by_the_text_of_any_message(
    desk: Desk, runs: tuple[NewRun, ...], words: str, count: int
) -> None:
    archive = desk.archive()
    assert len(archive.find(Query(words=words))) == count
    archive.close()


def test_a_continued_run_keeps_its_place_in_the_conversation(
    desk: Desk, runs: tuple[NewRun, ...]
) -> None:
    first, second, _ = runs
    desk.writer.begin(replace(second, length=5))
    desk.writer.finish(second.id, Ending("length"))
    archive = desk.archive()
    assert archive.get(second.id).prompt == SECOND
    assert archive.answers_before(second.id) == [first.id]
    archive.close()


def test_an_erased_answer_leaves_the_next_one_complete(
    desk: Desk, runs: tuple[NewRun, ...]
) -> None:
    first, second, _ = runs
    archive = desk.archive()
    archive.delete(first.id)
    assert archive.purge(timedelta()) == 1
    assert archive.get(second.id).prompt == SECOND
    assert archive.answers_before(second.id) == []
    archive.close()


def test_damaged_messages_are_one_run_that_cannot_be_read(
    desk: Desk, runs: tuple[NewRun, ...], path: Path
) -> None:
    first, second, text = runs
    archive = desk.archive()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE run SET messages = '[{]' WHERE id = ?", (first.id,))
        connection.execute("UPDATE run SET messages = '[3]' WHERE id = ?", (second.id,))
        connection.execute("UPDATE run SET follows = ? WHERE id = ?", (second.id, first.id))
    assert [run.id for run in archive.find()] == [text.id]
    for run in (first, second):
        with pytest.raises(HistoryError, match="cannot be read"):
            archive.get(run.id)
    assert archive.answers_before(second.id) == [first.id]  # and does not go round in a circle
    archive.close()


def test_a_run_that_is_copied_keeps_its_messages(desk: Desk, runs: tuple[NewRun, ...]) -> None:
    """Where the file fails, its runs are continued in another database."""
    _, second, _ = runs
    assert desk.writer.flush(60)
    other = Database(desk.path.with_name("other.sqlite3"))
    writer = DatabaseWriter(other, desk.path)
    writer.write([RunEnded(second.id, Ending("length"))])
    archive = Archive(other)
    assert archive.get(second.id).prompt == SECOND
    assert len(archive.tokens(second.id)) == 5
    assert archive.answers_before(second.id) == []  # only what is continued is copied
    archive.close()
    writer.close()


# Exports


@pytest.fixture
def document(desk: Desk, runs: tuple[NewRun, ...]) -> Document:
    archive = desk.archive()
    document = read_document(archive, runs[1].id)
    archive.close()
    return document


def test_exported_messages_are_the_conversation_with_its_answer(document: Document) -> None:
    messages = json.loads(FORMATS["messages"](document))
    assert conversation_of(messages) == SECOND.with_message("assistant", ANSWER)
    told = json.loads(FORMATS["json"](document))
    assert conversation_of(told) == SECOND
    assert told["prompt"] is None
    assert told["follows"] == document.run.summary.follows


def test_a_text_is_exported_as_a_message(desk: Desk, runs: tuple[NewRun, ...]) -> None:
    archive = desk.archive()
    text = read_document(archive, runs[2].id)
    archive.close()
    asked = Conversation((Message("user", "Once"), Message("assistant", ANSWER)))
    assert conversation_of(json.loads(FORMATS["messages"](text))) == asked
    told = json.loads(FORMATS["json"](text))
    assert (told["prompt"], told["messages"]) == ("Once", None)


def test_a_conversation_as_markdown(document: Document) -> None:
    assert FORMATS["conversation"](document) == (
        '## System\n\nBe “brief”.\n\n## User\n\nSay\n"hi" <b>한국어</b>\n\n'
        "## Assistant\n\nthe king\n 한국\n\n## User\n\nAgain, please\n\n"
        "## Assistant\n\nthe king\n 한국\n"
    )


class Messages(HTMLParser):
    """The items of the list of messages: the class of each, and its text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.items: list[tuple[str, str]] = []
        self.titled = 0
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "li":
            self.items.append((dict(attrs).get("class") or "", ""))
            self._inside = True
        self.titled += self._inside and "title" in dict(attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag == "li":
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            role, text = self.items[-1]
            self.items[-1] = role, text + data


def test_the_report_shows_all_messages_and_tints_unchanged_answers(document: Document) -> None:
    parser = Messages()
    parser.feed(FORMATS["html"](document))
    assert [role for role, _ in parser.items] == ["system", "user", "assistant", "user"]
    assert parser.items[0][1] == "SystemBe “brief”."
    assert "<b>한국어</b>" in parser.items[1][1]
    assert "the king" in parser.items[2][1]
    assert parser.titled == 5
    shorter = replace(document, run=replace(document.run, conversation=FIRST), earlier={})
    parser = Messages()
    parser.feed(FORMATS["html"](shorter))
    assert len(parser.items) == 2
    assert parser.titled == 0


def test_an_edited_answer_has_no_tokens(desk: Desk, runs: tuple[NewRun, ...]) -> None:
    edited = FIRST.with_message("assistant", "Edited").with_message("user", "And?")
    run = replace(new_run(), prompt=edited, follows=runs[0].id)
    write_run(desk.writer, run, 2)
    archive = desk.archive()
    assert read_document(archive, run.id).earlier == {}
    assert set(read_document(archive, runs[1].id).earlier) == {2}
    archive.close()


def test_an_answer_is_told_without_its_thinking_and_is_unchanged_without_it(desk: Desk) -> None:
    first = replace(new_run(), prompt=FIRST)
    desk.writer.begin(first)
    token, explained = step(0)
    desk.writer.add(first.id, replace(token, text="<think>Hm.</think>\n\nHi!"), explained)
    desk.writer.finish(first.id, Ending("length"))
    told = FIRST.with_message("assistant", "Hi!")
    second = replace(new_run(), prompt=told.with_message("user", "And?"), follows=first.id)
    write_run(desk.writer, second, 1)
    archive = desk.archive()
    exported = json.loads(FORMATS["messages"](read_document(archive, first.id)))
    assert conversation_of(exported) == told
    assert set(read_document(archive, second.id).earlier) == {2}
    archive.close()


# Repetition


def test_a_repeated_answer_passes_a_turn_only_if_it_did_before(
    desk: Desk, runs: tuple[NewRun, ...]
) -> None:
    past = replace(new_run(), prompt=FIRST)
    desk.writer.begin(past)
    token, explained = step(0)
    desk.writer.add(past.id, replace(token, text="ok\n\nUser: hi"), explained)
    desk.writer.finish(past.id, Ending("length"))
    archive = desk.archive()
    wanted = repeatable(archive.get(past.id), archive.tokens(past.id))
    assert (wanted.prompt, wanted.past_turn) == (FIRST, True)
    other = repeatable(archive.get(runs[1].id), archive.tokens(runs[1].id))
    assert (other.prompt, other.past_turn) == (SECOND, False)
    archive.close()
