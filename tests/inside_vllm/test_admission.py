"""The middleware that answers requests whose α is not valid."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.checkpoints.recipes.recipe_file import write_recipe
from app.inside_vllm.additional_config import RECIPE
from app.inside_vllm.admission import Admission
from app.inside_vllm.report_folder import REPORT
from app.inside_vllm.report_sender import ReportSender
from tests import tiny


def without_key(body: bytes) -> Any:
    """The content of a body without the key of its reports."""
    content = json.loads(body)
    if isinstance(content, dict):
        assert content["vllm_xargs"].pop(REPORT)
    return content


async def reading(scope: Any, receive: Any, send: Any) -> None:
    """An application that answers with the body, and hides what goes wrong."""
    body, more = b"", True
    status = 200
    try:
        while more:
            message = await receive()
            body += message["body"]
            more = message.get("more_body", False)
    except Exception:
        status = 418
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b"[]" if status == 418 else body})


async def generating(scope: Any, receive: Any, send: Any) -> None:
    """An application that generates until the client has gone, and is told of a failure."""
    body = await receive()
    sender = ReportSender()
    key = json.loads(body["body"])["vllm_xargs"][REPORT]
    sender.send_begun(key)
    sender.send_error(key, "no memory")
    assert (await receive())["type"] == "http.disconnect"
    sender.close()


async def locked(scope: Any, receive: Any, send: Any) -> None:
    """An application that refuses a key before it reads the body."""
    await send({"type": "http.response.start", "status": 401, "headers": []})
    await send({"type": "http.response.body", "body": b"no"})


@pytest.fixture
def state(llama: tiny.Family, tmp_path: Path) -> SimpleNamespace:
    file = tmp_path / "recipe.toml"
    write_recipe(llama.recipe(), file)
    config = SimpleNamespace(
        additional_config={RECIPE: str(file)},
        parallel_config=SimpleNamespace(
            nnodes=1,
            distributed_executor_backend="uni",
            data_parallel_backend="mp",
            data_parallel_size=2,
            data_parallel_size_local=2,
            local_engines_only=False,
        ),
        scheduler_config=SimpleNamespace(async_scheduling=False),
        model_config=SimpleNamespace(
            logits_processors=["app.inside_vllm.v1_processor:ProxyTuning"]
        ),
    )
    return SimpleNamespace(state=SimpleNamespace(vllm_config=config))


def ask(
    state: SimpleNamespace, body: bytes, app: Any = reading, path: str = "/v1/completions"
) -> tuple[int, bytes]:
    parts = [{"type": "http.request", "body": body[:9], "more_body": True}]
    parts.append({"type": "http.request", "body": body[9:]})
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not parts:
            await asyncio.Event().wait()  # the client waits for its answer
        return parts.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "app": state}

    async def work() -> None:
        admission = Admission(app)
        try:
            await admission(scope, receive, send)
        finally:
            admission.close()

    asyncio.run(work())
    start, end = sent
    return start["status"], end["body"]


@pytest.mark.parametrize(
    "content",
    [
        {"prompt": "the king"},
        {"prompt": "the king", "vllm_xargs": {"alpha.Style": 0.5, "session_id": "x"}},
        {"prompt": "the king", "vllm_xargs": None},
        [1, 2],
    ],
)
def test_valid_requests_pass_with_a_key_for_their_reports(
    state: SimpleNamespace, content: Any
) -> None:
    status, body = ask(state, json.dumps(content).encode())
    assert status == 200
    expected = content
    if isinstance(content, dict):
        expected = {**content, "vllm_xargs": content.get("vllm_xargs") or {}}
    assert without_key(body) == expected


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/messages"])
def test_answers_without_contributions(state: SimpleNamespace, path: str) -> None:
    """Errors of the pairs are reported there too."""
    status, body = ask(state, b'{"input": "the king"}', path=path)
    assert (status, without_key(body)) == (200, {"input": "the king", "vllm_xargs": {}})
    wanted = {"input": "the king", "vllm_xargs": {"contributions": True}}
    status, body = ask(state, json.dumps(wanted).encode(), path=path)
    assert status == 400
    assert f"There are no contributions in answers of {path}" in body.decode()


def test_a_request_that_fails_is_over_at_once(state: SimpleNamespace) -> None:
    status, body = ask(state, b'{"prompt": "the king", "ignore_eos": true}', generating)
    assert status == 500
    assert json.loads(body)["error"]["message"] == "no memory"


@pytest.mark.parametrize(
    ("path", "content", "sentence"),
    [
        ("/v1/completions", {"use_beam_search": True}, "Beam search cannot be had"),
        ("/v1/responses", {"background": True}, "in the background cannot be had"),
        ("/invocations", {"prompt": "the king"}, "/invocations cannot be had"),
        ("/v1/chat/completions/batch", {"messages": []}, "cannot be had with proxy-tuning"),
    ],
)
def test_what_cannot_be_tuned_is_refused(
    state: SimpleNamespace, path: str, content: dict[str, object], sentence: str
) -> None:
    status, body = ask(state, json.dumps(content).encode(), path=path)
    assert status == 400
    assert sentence in json.loads(body)["error"]["message"]


def test_a_body_that_is_no_json_is_left_to_the_application(state: SimpleNamespace) -> None:
    body = b"{not json, and long enough"
    assert ask(state, body) == (200, body)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"alpha": "much"}, "alpha must be a finite number"),
        ({"alpha.x": 1}, "There is no pair “x”"),
        ({"contributions": "much"}, "contributions must be true or false"),
        ({"tuneshift_report": "1-0.0"}, "is set by the server"),
    ],
)
def test_invalid_requests_get_a_sentence(
    state: SimpleNamespace, arguments: dict[str, object], sentence: str
) -> None:
    status, body = ask(state, json.dumps({"vllm_xargs": arguments}).encode())
    assert status == 400
    assert sentence in json.loads(body)["error"]["message"]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"n": 2}, "one prompt and one answer"),
        ({"prompt": ["a", "b"]}, "one prompt and one answer"),
        ({"echo": True}, "one prompt and one answer"),
    ],
)
def test_contributions_to_several_answers_are_refused(
    state: SimpleNamespace, more: dict[str, object], sentence: str
) -> None:
    content = {"prompt": "the king", "vllm_xargs": {"contributions": True}, **more}
    status, body = ask(state, json.dumps(content).encode())
    assert status == 400
    assert sentence in json.loads(body)["error"]["message"]


@pytest.mark.parametrize(
    ("part", "name", "value", "sentence"),
    [
        ("parallel_config", "nnodes", 2, "on several nodes"),
        ("parallel_config", "distributed_executor_backend", "ray", "on several nodes"),
        ("parallel_config", "data_parallel_backend", "ray", "on several nodes"),
        ("parallel_config", "data_parallel_size_local", 1, "on several nodes"),
        ("scheduler_config", "async_scheduling", True, "--no-async-scheduling"),
        ("model_config", "logits_processors", ["app.inside_vllm.v2_processor:P"], "V2 model"),
    ],
)
def test_contributions_are_refused_where_the_engine_cannot_report(
    state: SimpleNamespace, part: str, name: str, value: object, sentence: str
) -> None:
    setattr(getattr(state.state.vllm_config, part), name, value)
    content = {"prompt": "the king", "vllm_xargs": {"contributions": True}}
    status, body = ask(state, json.dumps(content).encode())
    assert status == 400
    assert sentence in json.loads(body)["error"]["message"]
    assert ask(state, b'{"prompt": "the king"}')[0] == 200  # without them it is answered


def test_who_has_no_key_learns_no_names_of_pairs(state: SimpleNamespace) -> None:
    body = json.dumps({"vllm_xargs": {"alpha.x": 1}}).encode()
    assert ask(state, body, locked) == (401, b"no")


def test_tuned_requests_are_refused_where_errors_could_not_be_told(
    state: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    status, body = ask(state, b'{"prompt": "the king"}')
    assert status == 400
    assert "errors of the pairs could not be told" in json.loads(body)["error"]["message"]
    assert ask(state, b'{"prompt": "the king", "vllm_xargs": {"alpha": 0}}')[0] == 200
