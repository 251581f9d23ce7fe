"""Searching and looking, and what the Hub refuses before a download."""

from __future__ import annotations

import pytest

from app.checkpoints import hub
from app.checkpoints.hub import HubId
from app.errors import HubError
from tests.checkpoints.hub.repositories import (
    CONFIG,
    MODEL,
    SINGLE,
    SMALL,
    USELESS,
    get,
    safetensors,
)
from tests.checkpoints.hub_server import Fail, HubServer


def test_a_model_is_described_without_a_download(server: HubServer) -> None:
    repo = server.add_repo(MODEL.repo, {**SINGLE, **USELESS}, config=CONFIG, licence="mit")
    model = hub.describe(MODEL)
    assert (model.commit, model.licence, model.gated) == (repo.commit, "mit", False)
    assert model.architecture == "LlamaForCausalLM"
    assert {file.name for file in model.files} == set(SINGLE)
    assert (model.size, model.cached) == (sum(map(len, SINGLE.values())), 0)
    assert not hub.cache_folder().exists()
    assert hub.free_disk() > 0


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({**SMALL, "pytorch_model.bin": b"x"}, "can run code"),
        ({**SMALL, "model.gguf": b"x"}, "GGUF"),
        ({**SMALL, "tf_model.h5": b"x"}, "another framework"),
        (SMALL, "no weights"),
        ({"model.safetensors": safetensors(1)}, "no config.json"),
        ({}, "no weights"),
    ],
)
def test_what_cannot_be_used_is_refused_before_any_download(
    server: HubServer, files: dict[str, bytes], said: str
) -> None:
    server.add_repo(MODEL.repo, files)
    for action in (hub.describe, get, hub.fetch_metadata):
        with pytest.raises(HubError, match=said) as raised:
            action(MODEL)
        assert raised.value.next_step
    assert not any("/resolve/" in request for request in server.requests)


def test_a_search_finds_the_most_downloaded_first(server: HubServer) -> None:
    server.add_repo("a/some-model", {}, downloads=5, likes=1)
    server.add_repo("b/some-model", {}, downloads=50, likes=2, gated=True)
    server.add_repo("c/other", {}, downloads=500)
    assert hub.search(" some ") == [
        hub.HubHit("b/some-model", 50, 2, True),
        hub.HubHit("a/some-model", 5, 1, False),
    ]
    assert len(hub.search("some", limit=1)) == 1
    before = len(server.requests)
    assert hub.search("  ") == []
    assert len(server.requests) == before


def test_a_search_tells_the_bytes_of_weights_by_their_dtypes(server: HubServer) -> None:
    counts = {"F32": 10, "BF16": 1000, "F8_E4M3": 7, "I64": 2, "BOOL": 3}
    server.add_repo("a/some-model", {}, parameters=counts)
    (found,) = hub.search("some")
    assert found.size == 4 * 10 + 2 * 1000 + 7 + 8 * 2 + 3


@pytest.mark.parametrize(
    ("hub_id", "fail", "said", "step"),
    [
        (HubId("owner/nothing"), None, "There is no model owner/nothing", "hf auth login"),
        (HubId(MODEL.repo, "v9"), None, "no revision “v9”", "/tree/main"),
        (MODEL, Fail.UNAUTHORISED, "no model owner/model on the Hub, or it needs", "hf auth login"),
        (MODEL, Fail.BROKEN, "The Hub has a problem", "Try again"),
        (MODEL, Fail.CAPTIVE, "did not come from the Hub", "log in"),
    ],
)
def test_what_the_hub_refuses_is_said_before_a_download(
    server: HubServer, hub_id: HubId, fail: Fail | None, said: str, step: str
) -> None:
    server.add_repo(MODEL.repo, SINGLE, fail=fail)
    for action in (hub.describe, get, hub.fetch_metadata):
        with pytest.raises(HubError, match=said) as raised:
            action(hub_id)
        assert step in raised.value.next_step
    assert not hub.cache_folder().exists()


def test_a_wrong_token_and_a_missing_model_are_told_apart(
    server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    server.add_repo(MODEL.repo, SINGLE, fail=Fail.UNAUTHORISED)
    with pytest.raises(HubError, match="does not accept your access token") as raised:
        hub.describe(MODEL)
    assert "hf_secret" not in str(raised.value)
    with pytest.raises(HubError, match="no model owner/nothing"):
        hub.describe(HubId("owner/nothing"))
