"""Access control and limits of the API server."""

from __future__ import annotations

import socket
from pathlib import Path

import httpx2
import pytest
from openai import AuthenticationError

from app.__main__ import main
from app.checkpoints.spec import Recipe
from app.errors import SettingsError
from app.server.access import Access, Limits, is_loopback
from app.server.listening import Service, listen
from tests.server.conftest import PATIENCE, Running, Serve

KEY = "secret-key"
JSON = {"content-type": "application/json"}
ORIGIN = "https://chat.example.org"


@pytest.fixture(scope="module")
def guarded(serve: Serve) -> Running:  # type: ignore[misc]
    limits = Limits(body_bytes=2000, body_seconds=PATIENCE, answer_seconds=PATIENCE)
    with serve(access=Access("127.0.0.1", KEY, (ORIGIN,)), limits=limits) as running:
        yield running


def ask(server: Running, **headers: str) -> httpx2.Response:
    return httpx2.get(f"{server.url}/v1/models", headers=headers, timeout=PATIENCE)


def error(answer: httpx2.Response) -> dict[str, object]:
    found: dict[str, object] = answer.json()["error"]
    assert set(found) == {"message", "type", "param", "code"}
    return found


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8642"])
def test_a_local_host_header_is_accepted(server: Running, host: str) -> None:
    assert ask(server, host=host).status_code == 200


@pytest.mark.parametrize("host", ["evil.org", "127.0.0.1.evil.org", "localhost.evil.org", "[::2]"])
def test_a_foreign_host_header_is_rejected(server: Running, host: str) -> None:
    answer = ask(server, host=host)
    assert answer.status_code == 403
    assert "does not name this machine" in str(error(answer)["message"])


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.org"},
        {"origin": "null"},
        {"origin": "http://localhost:3000"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_requests_of_web_pages_are_rejected(server: Running, headers: dict[str, str]) -> None:
    answer = ask(server, **headers)
    assert answer.status_code == 403
    assert "web pages" in str(error(answer)["message"])


def test_an_allowed_origin_still_needs_the_key(guarded: Running) -> None:
    preflight = httpx2.options(
        f"{guarded.url}/v1/models",
        headers={
            "origin": ORIGIN,
            "access-control-request-method": "GET",
            "access-control-request-headers": "authorization",
        },
        timeout=PATIENCE,
    )
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == ORIGIN
    assert ask(guarded, origin=ORIGIN).status_code == 401
    answer = ask(guarded, origin=ORIGIN, authorization=f"Bearer {KEY}")
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert ask(guarded, origin="https://evil.org", authorization=f"Bearer {KEY}").status_code == 403


def test_the_api_key_is_required(guarded: Running) -> None:
    with guarded.client(KEY) as client:
        assert client.models.list().data
    for wrong in (KEY, "Bearer", f"Bearer {KEY[:-1]}", f"Bearer {KEY}a", b"Bearer \xe9", None):
        headers = {} if wrong is None else {"authorization": wrong}
        answer = httpx2.get(f"{guarded.url}/v1/models", headers=headers, timeout=PATIENCE)  # type: ignore[arg-type]
        assert answer.status_code == 401
        assert error(answer)["code"] == "invalid_api_key"
        assert KEY not in answer.text
    with guarded.client("x") as client, pytest.raises(AuthenticationError):
        client.models.list()
    assert KEY not in repr(Access("127.0.0.1", KEY))


def test_form_posts_are_rejected(server: Running) -> None:
    answer = httpx2.post(
        f"{server.url}/v1/completions",
        content='{"prompt": "a"}',
        headers={"content-type": "text/plain"},
        timeout=PATIENCE,
    )
    assert answer.status_code == 415
    error(answer)


@pytest.mark.parametrize("length", [True, False])
def test_the_body_size_is_limited(guarded: Running, length: bool) -> None:
    body = b'{"prompt": "' + b"a" * 3000 + b'"}'
    content = body if length else iter([body[:1500], body[1500:]])
    answer = httpx2.post(
        f"{guarded.url}/v1/completions",
        content=content,
        headers={**JSON, "authorization": f"Bearer {KEY}"},
        timeout=PATIENCE,
    )
    assert answer.status_code == 413
    error(answer)


def test_the_time_to_receive_a_body_is_limited(serve: Serve) -> None:
    with (
        serve(limits=Limits(body_seconds=0.2)) as running,
        socket.create_connection(("127.0.0.1", running.port), PATIENCE) as connection,
    ):
        connection.sendall(
            b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
            b"Content-Type: application/json\r\n\r\n{"
        )
        assert connection.recv(4096).startswith(b"HTTP/1.1 408 ")


def test_the_time_of_a_response_is_limited(serve: Serve) -> None:
    with serve(limits=Limits(answer_seconds=0.0)) as running:
        for stream in ("false", "true"):
            answer = httpx2.post(
                f"{running.url}/v1/completions",
                content=f'{{"prompt": "a", "stream": {stream}}}',
                headers=JSON,
                timeout=PATIENCE,
            )
            assert answer.status_code == 504
            assert error(answer)["type"] == "timeout_error"


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/", 404), ("GET", "/v1/completions", 405)]
)
def test_unknown_paths_and_methods(server: Running, method: str, path: str, status: int) -> None:
    answer = httpx2.request(method, server.url + path, timeout=PATIENCE)
    assert answer.status_code == status
    error(answer)


def test_listening_for_other_machines_requires_a_key(served_recipe: Recipe) -> None:
    with pytest.raises(SettingsError, match="API key is required"):
        listen(Service(Access("0.0.0.0"), 0))
    listen(Service(Access("0.0.0.0", KEY), 0)).close()


def test_a_port_in_use_is_an_error(served_recipe: Recipe) -> None:
    with listen(Service(Access("127.0.0.1"), 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(SettingsError, match="another program uses the port"):
            listen(Service(Access("127.0.0.1"), port))


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("gpu", False)],
)
def test_loopback_addresses(host: str, local: bool) -> None:
    assert is_loopback(host) is local


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "0.0.0.0"], "API key is required"),
        (["--api-key", ""], "The API key is empty"),
        (["--api-key-file", "/nowhere"], "cannot be read"),
        (["--allow-origin", "https://*.a.org"], "not a web origin"),
        (["--allow-origin", "https://a.org/path"], "not a web origin"),
        (["--recipe", "nothing"], "There is no recipe"),
        (["--port", "123456"], "The port must be a number"),
    ],
)
def test_invalid_options(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["serve", *options]) == 2
    assert said in capsys.readouterr().err


def test_a_key_may_contain_non_ascii_characters(serve: Serve) -> None:
    with serve(access=Access("127.0.0.1", "schlüssel")) as running:
        url = f"{running.url}/v1/models"
        right = {"authorization": "Bearer schlüssel".encode()}
        assert httpx2.get(url, headers=right, timeout=PATIENCE).status_code == 200  # type: ignore[arg-type]
        assert ask(running, authorization="Bearer schlussel").status_code == 401
