"""Limits of connections: how many, and how long one may be silent."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection

import httpx2
import pytest

from app.server.access import Limits
from tests.server.conftest import PATIENCE, Running, Serve

REQUEST = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"
UNFINISHED = (
    b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: 100\r\nExpect: 100-continue\r\n\r\n"
)


def connect(server: Running) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), PATIENCE)


def status(connection: socket.socket) -> int:
    """The status of the next response."""
    head, _, body = connection.recv(2**16).partition(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    )
    while len(body) < length:
        body += connection.recv(2**16)
    return int(head.split()[1])


def is_closed(connection: socket.socket) -> bool:
    """Wait until the server closes the connection, without a response."""
    with suppress(ConnectionResetError):
        return connection.recv(1) == b""
    return True


@contextmanager
def connections(server: Running, count: int) -> Iterator[list[socket.socket]]:
    """Several connections."""
    with ExitStack() as stack:
        yield [stack.enter_context(connect(server)) for _ in range(count)]


@pytest.fixture(scope="module")
def impatient(serve: Serve) -> Iterator[Running]:
    with serve(limits=Limits(header_seconds=0.1)) as running:
        yield running


@pytest.mark.parametrize("sent", [b"", b"GET /v1/models HTT", REQUEST[:-2]])
def test_headers_have_a_time_limit(impatient: Running, sent: bytes) -> None:
    with connect(impatient) as connection:
        connection.sendall(sent)
        assert is_closed(connection)


def test_headers_of_a_second_request_have_a_time_limit(impatient: Running) -> None:
    answered = False
    while not answered:  # the first request has a time limit, too
        with connect(impatient) as connection, suppress(ConnectionError, IndexError):
            connection.sendall(REQUEST)
            answered = connection.recv(2**16).split()[1] == b"200"
            connection.sendall(REQUEST[:5])
            while connection.recv(2**16):
                pass


def test_silent_connections_are_closed_for_new_ones(serve: Serve) -> None:
    with serve(limits=Limits(connections=3)) as running, connect(running) as used:
        used.sendall(REQUEST)
        assert status(used) == 200
        with connections(running, 2) as (first, second), connect(running) as new:
            new.sendall(REQUEST)
            assert status(new) == 200
            assert is_closed(first)  # the oldest without a request
            for kept in (second, used):
                kept.sendall(REQUEST)
                assert status(kept) == 200


def test_many_silent_connections_keep_nobody_out(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    with serve(limits=Limits(connections=8)) as running, connections(running, 100):
        for _ in range(3):
            assert httpx2.get(f"{running.url}/v1/models", timeout=PATIENCE).status_code == 200
    assert len(caplog.records) == 1
    assert "8 connections are open" in caplog.text


def test_connections_with_requests_are_kept(serve: Serve) -> None:
    limits = Limits(connections=2)
    with serve(limits=limits) as running, connections(running, 2) as (busy, other):
        for connection in (busy, other):
            connection.sendall(UNFINISHED)
            assert connection.recv(2**16).startswith(b"HTTP/1.1 100 ")
        answer = httpx2.get(f"{running.url}/v1/models", timeout=PATIENCE)
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "too_many_connections"
        assert "retry-after" in answer.headers
        busy.sendall(b" " * 100)
        assert status(busy) == 400  # not JSON
        assert httpx2.get(f"{running.url}/v1/models", timeout=PATIENCE).status_code == 200


def test_what_is_not_http_gets_an_error_of_the_api(server: Running) -> None:
    with connect(server) as connection:
        connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        head, _, body = connection.makefile("rb").read().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["error"]["type"] == "invalid_request_error"


def test_requests_in_one_piece_are_answered_in_order(server: Running) -> None:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    connection.connect()
    connection.sock.sendall(REQUEST + REQUEST)
    assert status(connection.sock) == 200
    connection.close()
