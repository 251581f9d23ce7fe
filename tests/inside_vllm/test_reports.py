"""Reports of an engine's process on their way to the answers of an API process."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from app.errors import SettingsError
from app.inside_vllm.report_folder import report_folder, socket_of
from app.inside_vllm.report_inbox import ReportInbox
from app.inside_vllm.report_sender import ReportSender
from app.inside_vllm.reported_answers import ReportedAnswer

pytestmark = pytest.mark.process
JSON = [(b"content-type", b"application/json"), (b"content-length", b"1")]
EVENTS = [(b"content-type", b"text/event-stream; charset=utf-8")]


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path.parent / tmp_path.name[:8]  # short enough for the address of a socket
    folder.mkdir(exist_ok=True)
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def run(work: Callable[[ReportInbox, ReportSender], Coroutine[Any, Any, None]]) -> None:
    async def all_of_it() -> None:
        inbox, sender = ReportInbox(), ReportSender()
        try:
            await work(inbox, sender)
        finally:
            sender.close()
            inbox.end()

    asyncio.run(all_of_it())


def record(index: int) -> dict[str, Any]:
    return {"index": index, "token_id": 7 + index, "text": "é"}


def test_records_arrive_once_and_in_order() -> None:
    async def work(inbox: ReportInbox, sender: ReportSender) -> None:
        one, two = inbox.open(), inbox.open()
        sender.send_begun(one.key)
        for key, index in ((one.key, 0), (two.key, 0), (one.key, 1), (one.key, 0), (one.key, 2)):
            sender.send_token(key, record(index))  # the second 0 comes after a preemption
        assert await one.take(2) == [record(0), record(1)]
        assert await one.take(1) == [record(2)]
        assert await two.take(1) == [record(0)]
        assert await two.take(0) == []

    run(work)


def test_whoever_waits_learns_of_a_gap_an_error_and_the_end_of_the_engine() -> None:
    async def work(inbox: ReportInbox, sender: ReportSender) -> None:
        gap, failed, ended = inbox.open(), inbox.open(), inbox.open()
        waiting = [asyncio.ensure_future(each.take(1)) for each in (gap, failed, ended)]
        await asyncio.sleep(0)
        sender.send_token(gap.key, record(1))
        assert await waiting[0] is None
        sender.send_error(failed.key, "no memory")
        assert await waiting[1] is None
        assert failed.error == "no memory"
        sender.send_begun(ended.key)
        sender.close()
        assert await waiting[2] is None

    run(work)


def test_what_is_sent_is_there_without_waiting() -> None:
    async def work(inbox: ReportInbox, sender: ReportSender) -> None:
        reports = inbox.open()
        sender.send_error(reports.key, "no memory")
        inbox.drain()
        assert reports.error == "no memory"

    run(work)


def test_a_report_is_sent_again_over_a_new_connection() -> None:
    async def work(inbox: ReportInbox, sender: ReportSender) -> None:
        reports = inbox.open()
        sender.send_begun(inbox.open().key)
        inbox.drain()
        for connection in list(inbox._received):
            inbox._hang_up(connection)
        sender.send_error(reports.key, "no memory")
        inbox.drain()
        assert reports.error == "no memory"

    run(work)


def test_reports_of_answered_requests_and_strange_keys_are_dropped() -> None:
    async def work(inbox: ReportInbox, sender: ReportSender) -> None:
        reports = inbox.open()
        inbox.close(reports)
        sender.send_error(reports.key, "late")
        for strange in (None, "", "../x.0", f"{reports.key}0", "1-00000000." + "0" * 32):
            sender.send_error(strange, "nobody reads it")
        inbox.drain()
        assert not reports.error

    run(work)
    assert socket_of("../../etc/passwd." + "0" * 32) is None


def test_the_socket_is_deleted_at_the_end_and_those_of_killed_processes_at_the_next_start() -> None:
    left = report_folder() / "1-00000000"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(left))

    async def work(inbox: ReportInbox, sender: ReportSender) -> None:
        assert len(list(report_folder().iterdir())) == 1

    run(work)
    assert not list(report_folder().iterdir())


def test_a_folder_that_others_can_read_is_refused(temporary: Path) -> None:
    report_folder().chmod(0o755)
    with pytest.raises(SettingsError, match="is not private"):
        report_folder()


def answered(
    messages: list[dict[str, Any]],
    report: Callable[[ReportSender, str], None],
    *,
    contributions: bool = True,
    ids: bool = False,
    tuned: bool = True,
) -> list[Any]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def work(inbox: ReportInbox, sender: ReportSender) -> None:
        reports = inbox.open()
        report(sender, reports.key)
        answer = ReportedAnswer(send, inbox, reports, tuned, contributions, ids)
        for message in messages:
            await answer.send(message)
        await answer.finish()

    run(work)
    return sent


def body(content: bytes, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": content, "more_body": more}


def start(headers: list[tuple[bytes, bytes]], status: int = 200) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": headers}


def two_records(sender: ReportSender, key: str) -> None:
    sender.send_begun(key)
    sender.send_token(key, record(0))
    sender.send_token(key, record(1))


WHOLE = json.dumps({"choices": [{"text": "éé", "token_ids": [7, 8], "prompt_token_ids": [1]}]})


def test_a_whole_answer_gets_the_records() -> None:
    messages = [start(JSON), body(WHOLE[:20].encode(), more=True), body(WHOLE[20:].encode())]
    begun, ended = answered(messages, two_records)
    content = ended["body"]
    assert dict(begun["headers"])[b"content-length"] == b"%d" % len(content)
    records = [record(0), record(1)]
    assert json.loads(content) == {"choices": [{"text": "éé", "tuneshift": {"tokens": records}}]}
    _, ended = answered(messages, two_records, ids=True)
    assert json.loads(ended["body"])["choices"][0]["token_ids"] == [7, 8]
    _, ended = answered(messages, two_records, contributions=False)
    assert json.loads(ended["body"]) == json.loads(WHOLE)


def test_each_event_of_a_stream_gets_its_records() -> None:
    events = [{"choices": [{"text": "é", "token_ids": [7]}]}, {"choices": [{"token_ids": [8]}]}]
    events.append({"choices": [], "usage": {}})
    parts = [f"data: {json.dumps(event)}\n\n".encode() for event in events]
    parts[0:1] = [parts[0][:9], parts[0][9:]]
    messages = [start(EVENTS), *(body(part, more=True) for part in parts)]
    messages += [body(b"data: [DONE]\n\n", more=True), body(b"")]
    _, *sent = answered(messages, two_records)
    *found, done, last = [message["body"] for message in sent]
    contents = [json.loads(event.removeprefix(b"data: ")) for event in found]
    assert [content["choices"] for content in contents] == [
        [{"text": "é", "tuneshift": {"tokens": [record(0)]}}],
        [{"tuneshift": {"tokens": [record(1)]}}],
        [],
    ]
    assert (done, last) == (b"data: [DONE]\n\n", b"")


def failing(sender: ReportSender, key: str) -> None:
    sender.send_begun(key)
    sender.send_error(key, "no memory")


def silent(sender: ReportSender, key: str) -> None:
    """As with a sender that could not connect."""


def broken(sender: ReportSender, key: str) -> None:
    """The socket's buffer was full when an error was sent."""
    sender.send_begun(key)
    sender.close()


def broken_and_mended(sender: ReportSender, key: str) -> None:
    broken(sender, key)
    sender.send_begun(key)


@pytest.mark.parametrize("contributions", [True, False])
def test_an_error_takes_the_place_of_the_answer(contributions: bool) -> None:
    messages = [start(JSON), body(WHOLE.encode())]
    begun, ended = answered(messages, failing, contributions=contributions)
    assert begun["status"] == 500
    assert json.loads(ended["body"])["error"]["message"] == "no memory"


@pytest.mark.parametrize("report", [silent, broken, broken_and_mended])
@pytest.mark.parametrize("contributions", [True, False])
def test_an_answer_whose_error_may_be_lost_is_no_answer(
    report: Callable[[ReportSender, str], None], contributions: bool
) -> None:
    whole = [start(JSON), body(WHOLE.encode())]
    begun, ended = answered(whole, report, contributions=contributions)
    assert begun["status"] == 500
    assert "did not arrive" in json.loads(ended["body"])["error"]["message"]
    event = f"data: {WHOLE}\n\n".encode()
    stream = [start(EVENTS), body(event, more=True), body(event * 2, more=True), body(b"")]
    _, failed, last = answered(stream, report, contributions=contributions)
    assert b"did not arrive" in failed["body"]
    assert last["body"] == b""
    named = b'event: message_stop\ndata: {"type": "message_stop"}\n\n'
    stream = [start(EVENTS), body(named, more=True), body(b"")]
    _, failed, last = answered(stream, report, contributions=contributions)
    assert failed["body"].startswith(b"event: error\n")


def test_an_answer_of_the_base_alone_needs_no_report() -> None:
    whole = [start(JSON), body(WHOLE.encode())]
    begun, _ = answered(whole, silent, contributions=False, tuned=False)
    assert begun["status"] == 200


def test_a_lost_connection_ends_only_the_requests_that_began_on_it() -> None:
    async def work(inbox: ReportInbox, sender: ReportSender) -> None:
        one, two, unread = inbox.open(), inbox.open(), inbox.open()
        other = ReportSender()
        sender.send_begun(one.key)
        other.send_begun(two.key)
        other.close()
        inbox.drain()
        assert two.failed.is_set()
        assert not one.failed.is_set()
        assert not unread.failed.is_set()

    run(work)


def test_a_socket_that_is_about_to_listen_is_left_alone() -> None:
    left = report_folder() / "1-00000000.new"
    with socket.socket(socket.AF_UNIX) as coming:
        coming.bind(str(left))

        async def work(inbox: ReportInbox, sender: ReportSender) -> None:
            reports = inbox.open()
            sender.send_begun(reports.key)
            inbox.drain()
            assert reports.connections

        run(work)
        assert left.exists()
        os.utime(left, (0, 0))
        run(work)
        assert not left.exists()


@pytest.mark.parametrize("headers", [JSON, EVENTS])
def test_an_answer_that_was_given_up_is_an_error(headers: list[tuple[bytes, bytes]]) -> None:
    """The application ends as if the client had gone."""
    begun = [start(EVENTS)] if headers is EVENTS else []
    sent = answered(begun, failing)
    if headers is EVENTS:
        assert b'"message":"no memory"' in sent[1]["body"]
        assert sent[-1] == {"type": "http.response.body", "body": b""}
    else:
        assert sent[0]["status"] == 500
        assert b'"message":"no memory"' in sent[1]["body"]


def test_an_error_ends_a_stream() -> None:
    event = f"data: {WHOLE}\n\n".encode()
    messages = [start(EVENTS), body(event, more=True), body(event * 2, more=True), body(b"")]
    _, failed, last = answered(messages, failing)
    assert b'"message":"no memory"' in failed["body"]
    assert failed["body"].endswith(b"data: [DONE]\n\n")
    assert last["body"] == b""


def test_an_error_ends_a_stream_of_named_events() -> None:
    event = b'event: message_start\ndata: {"type": "message_start"}\n\n'
    messages = [start(EVENTS), body(event, more=True), body(event, more=True), body(b"")]
    _, passed, *_ = answered(messages, two_records, contributions=False)
    assert passed["body"] == event
    _, failed, last = answered(messages, failing, contributions=False)
    assert failed["body"].startswith(b"event: error\ndata: {")
    assert b'"message":"no memory"' in failed["body"]
    assert last["body"] == b""


def test_errors_of_vllm_pass_unchanged() -> None:
    messages = [start(JSON, 404), body(b'{"error": {}}')]
    assert answered(messages, two_records) == messages
