"""What is cached: offline use, metadata, listing and deletion."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from huggingface_hub import constants

from app.checkpoints import hub
from app.checkpoints.hub import HubId
from app.errors import HubError
from tests.checkpoints.hub.repositories import (
    INDEX,
    MODEL,
    SHARDED,
    SINGLE,
    SMALL,
    USELESS,
    contents,
    get,
)
from tests.checkpoints.hub_server import HubServer


def test_metadata_comes_without_weights(server: HubServer) -> None:
    server.add_repo(MODEL.repo, {**SHARDED, **USELESS})
    folder = hub.fetch_metadata(MODEL)
    assert contents(folder) == {**SMALL, **INDEX}
    assert hub.metadata_folder(MODEL) == folder
    assert hub.cached_folder(MODEL) is None
    assert hub.tensor_headers(MODEL) == {
        f"weight.{seed}": ("F32", (300, 512)) for seed in (1, 2, 3)
    }
    before = server.downloads_of("model-00001-of-00003.safetensors")
    assert hub.fetch_metadata(MODEL) == folder
    assert server.downloads_of("model-00001-of-00003.safetensors") == before
    assert get() == folder


def test_headers_that_were_never_stored_or_are_damaged_are_none(
    server: HubServer, tmp_path: Path
) -> None:
    server.add_repo(MODEL.repo, SINGLE)
    assert hub.tensor_headers(MODEL) is None
    hub.fetch_metadata(MODEL)
    (path,) = (tmp_path / "cache").rglob("*.json")
    for content in ("", "[]", "{}", '{"format": 2}', '{"format": 1, "tensors": {"a": 1}}'):
        path.write_text(content)
        assert hub.tensor_headers(MODEL) is None
    hub.fetch_metadata(MODEL)
    assert hub.tensor_headers(MODEL) == {"weight.1": ("F32", (300, 512))}


def test_a_header_that_cannot_be_read_is_said(server: HubServer) -> None:
    server.add_repo(MODEL.repo, {**SMALL, "model.safetensors": b"\xff" * 64})
    with pytest.raises(HubError, match="header of a weight file"):
        hub.fetch_metadata(MODEL)


def test_what_is_cached_works_offline(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.add_repo(MODEL.repo, SINGLE)
    server.add_repo("owner/other", SINGLE)
    folder = get()
    commit = HubId(MODEL.repo, folder.name)
    hub.fetch_metadata(HubId("owner/other"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    before = len(server.requests)
    assert get() == hub.cached_folder(MODEL) == hub.cached_folder(commit) == folder
    assert hub.fetch_metadata(HubId("owner/other")) == hub.metadata_folder(HubId("owner/other"))
    assert hub.cached_folder(HubId(MODEL.repo, "v9")) is None
    for action in (
        lambda: get(HubId("owner/other")),
        lambda: hub.fetch_metadata(HubId("owner/nothing")),
        lambda: hub.search("model"),
    ):
        with pytest.raises(hub.UnreachableError, match="switched off") as raised:
            action()
        assert "HF_HUB_OFFLINE" in raised.value.evidence
        assert "What is downloaded already still works" in raised.value.next_step
    assert len(server.requests) == before


def test_the_cache_is_listed_and_deleted(server: HubServer) -> None:
    assert hub.cached_models() == []
    repo = server.add_repo(MODEL.repo, dict(SINGLE))
    server.add_repo("owner/other", SHARDED)
    first = get()
    hub.fetch_metadata(HubId("owner/other"))
    repo.files["config.json"] = b'{"new": 1}'
    second = get()
    models = {(model.id, model.commit): model for model in hub.cached_models()}
    assert len(models) == 3
    old, new = models[MODEL.repo, first.name], models[MODEL.repo, second.name]
    assert (old.complete, old.names, old.size) == (True, (), sum(map(len, SINGLE.values())))
    assert (new.complete, new.names) == (True, ("main",))
    other = next(model for key, model in models.items() if key[0] == "owner/other")
    assert (other.complete, other.size) == (False, sum(map(len, {**SMALL, **INDEX}.values())))
    assert abs(other.last_used - time.time()) < 60

    assert hub.delete_cached([old]) == len(SINGLE["config.json"])  # the rest is shared
    assert contents(second) == repo.files
    assert hub.delete_cached([new, other]) == new.size + other.size
    assert hub.cached_models() == []
    assert hub.cached_folder(MODEL) is None
    assert hub.tensor_headers(HubId("owner/other", other.commit)) is None
    assert hub.delete_cached([]) == 0


def test_a_missing_shard_or_tokenizer_is_not_complete(server: HubServer) -> None:
    server.add_repo(MODEL.repo, SHARDED)
    for name in ("model-00002-of-00003.safetensors", "tokenizer.json"):
        folder = get()
        (folder / name).unlink()
        assert hub.cached_folder(MODEL) is None
    get()
    (hub.cached_folder(MODEL) / "model.safetensors.index.json").write_text("[]")
    assert hub.cached_folder(MODEL) is None


@pytest.mark.process
def test_the_window_can_import_it_before_anything_heavy() -> None:
    code = (
        "import sys, app.checkpoints.hub;"
        "print({'huggingface_hub', 'torch', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240
    )
    assert done.stdout == "set()\n"
