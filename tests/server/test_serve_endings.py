"""``tuneshift serve`` under load: how it ends, and what it does without free descriptors."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import httpx2
import pytest

from app.checkpoints.recipes.recipe_file import write_recipe
from app.checkpoints.spec import Recipe
from tests.server.conftest import PATIENCE

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(sys.platform == "win32", reason="sends signals"),
]
DESCRIPTORS = 128
LONG = {"prompt": ["the king", "the queen"] * 16, "n": 16, "max_tokens": 400}
"""512 choices, which take much longer than any of these tests."""

UNFINISHED = (
    b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
    b"Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n"
)


@dataclass
class Program:
    process: subprocess.Popen[str]
    port: int

    def post(self, body: dict[str, object]) -> HTTPConnection:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        headers = {"content-type": "application/json"}
        connection.request("POST", "/v1/completions", json.dumps(body), headers)
        return connection

    def end(self, number: int) -> str:
        """Send a signal and wait; returns what the program printed on stderr."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=PATIENCE)[1]


@contextmanager
def program(recipe: Path, most_descriptors: int | None = None) -> Iterator[Program]:
    start = "from app.__main__ import main; import sys; sys.exit(main())"
    if most_descriptors is not None:
        limits = (most_descriptors, most_descriptors)
        start = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, {limits}); {start}"
    process = subprocess.Popen(
        [sys.executable, "-c", start, "serve", "--recipe", str(recipe), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r":(\d+)/v1\n", line)
        assert found, line + process.communicate()[1]
        yield Program(process, int(found[1]))
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def recipe(tiny_recipe: Recipe, tmp_path: Path) -> Path:
    write_recipe(tiny_recipe, tmp_path / "r.toml")
    return tmp_path / "r.toml"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_requests_end_with_an_error(recipe: Path, number: int, status: int) -> None:
    with program(recipe) as running, ExitStack() as stack:
        waiting = [running.post(LONG) for _ in range(3)]
        streamed = running.post({**LONG, "stream": True})
        for connection in (*waiting, streamed):
            stack.callback(connection.close)
        slow = stack.enter_context(socket.create_connection(("127.0.0.1", running.port)))
        slow.sendall(UNFINISHED)
        assert slow.recv(100).startswith(b"HTTP/1.1 100 ")
        stream = streamed.getresponse()
        assert stream.readline()  # an event, or a comment while the request waits
        errors = running.end(number)
        for connection in waiting:
            answer = connection.getresponse()
            assert answer.status == 503
            assert "shutting down" in json.loads(answer.read())["error"]["message"]
        last = stream.read().strip().split(b"\n\n")[-1]
        assert "shutting down" in json.loads(last.removeprefix(b"data: "))["error"]["message"]
    assert running.process.returncode == status
    assert errors == "Press Ctrl+C to stop.\n"


@pytest.mark.skipif(sys.platform != "linux", reason="limits descriptors")
def test_silent_connections_cannot_use_up_the_descriptors(recipe: Path) -> None:
    with program(recipe, DESCRIPTORS) as running, ExitStack() as stack:
        for _ in range(DESCRIPTORS + 22):
            stack.enter_context(socket.create_connection(("127.0.0.1", running.port)))
        url = f"http://127.0.0.1:{running.port}/v1/models"
        for _ in range(3):
            assert httpx2.get(url, timeout=PATIENCE).status_code == 200
        errors = running.end(signal.SIGTERM)
    assert running.process.returncode == 0
    reported = errors.removeprefix("Press Ctrl+C to stop.\n")
    assert re.fullmatch(r"\d+ connections are open, .* once\.\n", reported)
