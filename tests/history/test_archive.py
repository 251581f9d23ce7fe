"""Searching, reading and editing stored runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import HistoryError
from app.history.archive import Archive, Query
from app.history.records import Ending, first_words
from tests.history.invented import Desk, new_run, steps, write_run


@pytest.fixture
def archive(desk: Desk) -> Archive:
    """Three runs: Apple (oldest), Ärger with Korean, and one that was killed."""
    for prompt, ending in (("An Apple a day", "eos"), ("Ärger über 한국어", "length")):
        write_run(desk.writer, new_run(prompt), 5, Ending(ending))
    killed = new_run("What is Zen?")
    desk.writer.begin(killed)
    for token in steps(7):
        desk.writer.add(killed.id, *token)
    return desk.archive()


def prompts(archive: Archive, **query: object) -> list[str]:
    return [run.prompt for run in archive.find(Query(**query))]  # type: ignore[arg-type]


def test_runs_are_listed_newest_first_regardless_of_the_clock(desk: Desk) -> None:
    future = new_run("first", created=datetime.now(UTC) + timedelta(days=400))
    write_run(desk.writer, future, 1)
    write_run(desk.writer, new_run("second"), 1)
    archive = desk.archive()
    assert prompts(archive) == ["second", "first"]
    assert archive.get(archive.resolve("last")).prompt == "second"
    archive.close()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("apple", ["An Apple a day"]),
        ("ÄRGER", ["Ärger über 한국어"]),
        ("한국어 über", ["Ärger über 한국어"]),
        ("zen", ["What is Zen?"]),
        ("thou what", ["What is Zen?"]),  # its text has a “thou”, and was never finished
        ("pear", []),
        ("%", []),
        ("", ["What is Zen?", "Ärger über 한국어", "An Apple a day"]),
    ],
)
def test_search_finds_words_in_title_prompt_and_text(
    archive: Archive, words: str, found: list[str]
) -> None:
    assert prompts(archive, words=words) == found
    archive.close()


def test_a_killed_run_has_its_stored_tokens(archive: Archive) -> None:
    killed, finished, _ = archive.find()
    assert (killed.tokens, killed.ended) == (7, False)
    assert killed.opening == " the king\n 한국 </script> thou"
    assert (finished.tokens, finished.ended, finished.opening) == (5, True, " the king\n 한국")
    archive.close()


def test_titles_stars_and_tags(archive: Archive) -> None:
    first, second, third = (run.id for run in archive.find())
    archive.rename(first, "  My title ")
    archive.star(second, True)
    archive.set_tags(third, ["b", " a ", "a", ""])
    archive.set_tags(second, ["b"])
    assert archive.get(first).summary.shown_title == "My title"
    assert prompts(archive, words="my TITLE") == ["What is Zen?"]
    assert [run.id for run in archive.find(Query(starred=True))] == [second]
    assert [run.id for run in archive.find(Query(tag="b"))] == [second, third]
    assert archive.get(third).summary.tags == ("a", "b")
    assert archive.tags() == ["a", "b"]
    archive.set_tags(third, [])
    archive.star(second, False)
    archive.rename(first, "")
    assert archive.tags() == ["b"]
    assert archive.find(Query(starred=True)) == []
    assert archive.get(first).summary.shown_title == "What is Zen?"
    archive.close()


def test_deleted_runs_can_be_restored(archive: Archive) -> None:
    newest, *others = (run.id for run in archive.find())
    archive.delete(newest)
    assert [run.id for run in archive.find()] == others
    assert archive.resolve("last") == others[0]
    (binned,) = archive.find(Query(deleted=True))
    assert binned.id == newest
    assert binned.deleted is not None
    archive.undelete(newest)
    assert [run.id for run in archive.find()] == [newest, *others]
    assert len(archive.tokens(newest)) == 7
    archive.close()


def test_purge_keeps_runs_with_branches(desk: Desk) -> None:
    parent, other = new_run("parent"), new_run("other")
    branch = new_run("branch", parent=parent.id, fork_index=2)
    for run in (parent, other, branch):
        write_run(desk.writer, run, 4)
    archive = desk.archive()
    archive.delete(parent.id)
    archive.delete(other.id)
    assert archive.purge() == 0  # they have been in the bin for moments
    assert archive.purge(timedelta(0)) == 1
    assert [run.prompt for run in archive.find(Query(deleted=True))] == ["parent"]
    assert len(archive.tokens(branch.id)) == 6
    archive.delete(branch.id)
    assert archive.purge(timedelta(0)) == 2
    assert archive.find(Query(deleted=True)) == []
    archive.close()


def test_ids_can_be_abbreviated(archive: Archive) -> None:
    run_id = archive.find()[1].id
    assert archive.resolve(run_id) == run_id
    assert archive.resolve(run_id[:6]) == run_id
    for wrong in ("", "nothing", "%", run_id + "x"):
        with pytest.raises(HistoryError, match="There is no run"):
            archive.resolve(wrong)
    archive.close()


def test_an_ambiguous_prefix_is_an_error(desk: Desk) -> None:
    for id_ in ("abcd", "abce", "abc"):
        desk.writer.begin(replace(new_run(), id=id_))
    archive = desk.archive()
    with pytest.raises(HistoryError, match="several run ids"):
        archive.resolve("ab")
    assert archive.resolve("abc") == "abc"
    archive.close()


def test_every_method_reports_a_missing_run(archive: Archive) -> None:
    for call in (
        lambda: archive.get("nothing"),
        lambda: archive.tokens("nothing"),
        lambda: archive.candidates("nothing", 0),
        lambda: archive.delete("nothing"),
        lambda: archive.set_tags("nothing", ["a"]),
    ):
        with pytest.raises(HistoryError, match="nothing"):
            call()
    archive.close()


def test_an_empty_history_has_no_runs(path: Path) -> None:
    desk = Desk(path)
    archive = desk.archive()
    assert archive.find() == []
    with pytest.raises(HistoryError, match="no runs yet"):
        archive.resolve("last")
    archive.close()
    desk.close()


@given(st.text())
def test_first_words_are_one_short_line(text: str) -> None:
    line = first_words(text)
    assert len(line) <= 62
    assert "\n" not in line
    assert " ".join(text.split()).startswith(line.removesuffix(" …"))
