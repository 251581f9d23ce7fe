"""CORS: which web pages may use the server, and read its errors."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from app.server.access import Access, Limits
from tests.server.conftest import PATIENCE, Running, Serve

KEY = "secret-key"
PAGE = "https://chat.example.org"
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def for_page(serve: Serve) -> Iterator[Running]:
    access = Access("127.0.0.1", KEY, (PAGE, "null"))
    with serve(access=access, limits=Limits(body_bytes=100)) as running:
        yield running


@pytest.fixture(scope="module")
def for_all(serve: Serve) -> Iterator[Running]:
    with serve(access=Access("127.0.0.1", "", ("*",))) as running:
        yield running


def allowed(answer: httpx2.Response) -> str | None:
    return answer.headers.get("access-control-allow-origin")


@pytest.mark.parametrize("origin", [PAGE, "null"])
def test_a_page_can_read_every_error(for_page: Running, origin: str) -> None:
    page = {"origin": origin}
    keyed = {**page, "authorization": f"Bearer {KEY}"}
    large = {**keyed, **JSON}
    url = f"{for_page.url}/v1"
    answers = {
        401: httpx2.get(f"{url}/models", headers=page, timeout=PATIENCE),
        404: httpx2.get(f"{url}/nothing", headers=keyed, timeout=PATIENCE),
        405: httpx2.get(f"{url}/completions", headers=keyed, timeout=PATIENCE),
        400: httpx2.post(f"{url}/completions", content="{", headers=large, timeout=PATIENCE),
        413: httpx2.post(f"{url}/completions", content="a" * 200, headers=large, timeout=PATIENCE),
        415: httpx2.post(f"{url}/completions", content="{}", headers=keyed, timeout=PATIENCE),
    }
    for status, answer in answers.items():
        assert (answer.status_code, allowed(answer)) == (status, origin)
        assert answer.json()["error"]["message"]


def test_other_pages_get_no_headers(for_page: Running) -> None:
    for method in ("GET", "OPTIONS"):
        headers = {"origin": "https://evil.org", "access-control-request-method": "GET"}
        answer = httpx2.request(
            method, f"{for_page.url}/v1/models", headers=headers, timeout=PATIENCE
        )
        assert (answer.status_code, allowed(answer)) == (403, None)


@pytest.mark.parametrize("origin", [PAGE, "null", "http://localhost:3000"])
def test_all_pages_can_be_allowed(for_all: Running, origin: str) -> None:
    url = f"{for_all.url}/v1/models"
    answer = httpx2.get(
        url, headers={"origin": origin, "sec-fetch-site": "cross-site"}, timeout=PATIENCE
    )
    assert (answer.status_code, allowed(answer)) == (200, "*")
    asked = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
        "access-control-request-private-network": "true",
    }
    preflight = httpx2.options(url, headers={"origin": origin, **asked}, timeout=PATIENCE)
    assert (preflight.status_code, allowed(preflight)) == (200, "*")
    assert preflight.headers["access-control-allow-headers"] == "authorization,content-type"
    assert preflight.headers["access-control-allow-private-network"] == "true"


def test_rebound_names_are_rejected_for_all_pages(for_all: Running) -> None:
    headers = {"origin": "http://evil.org", "host": "evil.org"}
    assert (
        httpx2.get(f"{for_all.url}/v1/models", headers=headers, timeout=PATIENCE).status_code == 403
    )
