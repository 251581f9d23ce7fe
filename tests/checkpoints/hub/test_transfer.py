"""Downloading, by the real client against a small Hub on loopback."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import pytest
from huggingface_hub import constants, file_download

from app.checkpoints import hub
from app.checkpoints.hub import DownloadProgress, HubId
from app.errors import Cancelled, HubError
from tests.checkpoints.hub.repositories import (
    ADAPTER,
    KEPT,
    MODEL,
    SHARDED,
    SINGLE,
    USELESS,
    contents,
    get,
    never,
)
from tests.checkpoints.hub_server import TOKEN, Fail, HubServer


def test_a_download_has_the_files_that_are_needed_and_no_others(server: HubServer) -> None:
    repo = server.add_repo(MODEL.repo, {**SHARDED, **USELESS})
    seen: list[DownloadProgress] = []
    folder = hub.download(MODEL, seen.append, never)
    assert contents(folder) == SHARDED
    assert folder.name == repo.commit
    size = sum(map(len, SHARDED.values()))
    assert [progress.total for progress in seen] == [size] * len(seen)
    assert [progress.done for progress in seen] == sorted(progress.done for progress in seen)
    assert seen[-1].done == size
    assert hub.cached_folder(MODEL) == hub.metadata_folder(MODEL) == folder
    assert hub.describe(MODEL).missing == 0


def test_nothing_is_asked_but_what_is_needed(server: HubServer) -> None:
    server.add_repo(MODEL.repo, SINGLE)
    hub.search("model")
    hub.fetch_metadata(MODEL)
    get()
    others = ("/api/models", "/api/models/owner/model/revision/main")
    files = [request for request in server.requests if request.split()[1] not in others]
    assert {path.rpartition("/")[2] for path in files} == set(SINGLE)


def test_what_is_here_is_not_downloaded_again(server: HubServer) -> None:
    repo = server.add_repo(MODEL.repo, dict(SHARDED))
    get()
    repo.files["config.json"] = b'{"new": 1}'
    model = hub.describe(MODEL)
    assert model.missing == len(repo.files["config.json"])
    before = len(server.requests)
    assert contents(get()) == repo.files
    asked = [request for request in server.requests[before:] if request.startswith("GET /owner")]
    assert [request.rsplit("/")[-1] for request in asked] == ["config.json"]


def test_an_adapter_needs_no_tokenizer(server: HubServer) -> None:
    server.add_repo(MODEL.repo, {**ADAPTER, "README.md": b""})
    folder = get()
    assert contents(folder) == ADAPTER
    assert hub.cached_folder(MODEL) == folder


def test_gated_says_where_to_accept_the_terms(
    server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.add_repo(MODEL.repo, SINGLE, gated=True)
    assert hub.describe(MODEL).gated
    with pytest.raises(HubError, match="gated") as raised:
        get()
    assert "401" in raised.value.evidence
    assert "https://huggingface.co/owner/model" in raised.value.next_step
    assert "accept the terms, then log in with `hf auth login`" in raised.value.next_step
    monkeypatch.setenv("HF_TOKEN", "hf_other")
    with pytest.raises(HubError, match="gated") as raised:
        get()
    assert "403" in raised.value.evidence
    assert "the account that you are logged in with" in raised.value.next_step
    assert "hf_other" not in str(raised.value)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert contents(get()) == SINGLE
    hub.fetch_metadata(MODEL)
    assert set(server.tokens) == {"hf_other", TOKEN}
    assert server.leaked == []


def test_forbidden_files_are_said(server: HubServer) -> None:
    server.add_repo(MODEL.repo, SINGLE, fail=Fail.FORBIDDEN)
    with pytest.raises(HubError, match="does not let you download") as raised:
        get()
    assert "403" in raised.value.evidence


@pytest.mark.usefixtures("no_pauses")
def test_a_dropped_connection_keeps_finished_files(server: HubServer) -> None:
    repo = server.add_repo(MODEL.repo, SHARDED, fail=Fail.DROP)
    with pytest.raises(hub.UnreachableError, match="connection to the Hub was lost") as raised:
        get()
    assert KEPT.search(raised.value.next_step)
    assert hub.cached_folder(MODEL) is None
    assert not list(hub.cache_folder().rglob("*.incomplete"))
    repo.fail = None
    assert contents(get()) == SHARDED
    assert server.downloads_of("tokenizer.json") == 1


@pytest.mark.usefixtures("no_pauses")
def test_a_connection_that_drops_once_goes_on_where_it_was(server: HubServer) -> None:
    server.add_repo(MODEL.repo, SINGLE, fail=Fail.DROP_ONCE)
    seen: list[DownloadProgress] = []
    assert contents(hub.download(MODEL, seen.append, never)) == SINGLE
    assert server.downloads_of("model.safetensors") == 2
    assert seen[-1].done == seen[-1].total


def test_cancel_ends_a_download_that_stands_still(
    server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 600)  # nothing else ends it
    repo = server.add_repo(MODEL.repo, SINGLE, fail=Fail.STALL)
    before = set(threading.enumerate())

    def cancelled() -> bool:
        return server.has_stalled and hub.metadata_folder(MODEL) is not None

    seen: list[DownloadProgress] = []
    with pytest.raises(Cancelled, match=KEPT.pattern):
        hub.download(MODEL, seen.append, cancelled)
    for thread in set(threading.enumerate()) - before:
        if thread.name.startswith("hub"):
            thread.join(60)
            assert not thread.is_alive()
    assert not list(hub.cache_folder().rglob("*.incomplete"))
    assert hub.cached_folder(MODEL) is None
    assert hub.metadata_folder(MODEL) is not None
    repo.fail = None
    assert contents(get()) == SINGLE
    assert server.downloads_of("tokenizer.json") == 1


def test_a_download_that_is_cancelled_at_once_asks_for_no_weights(server: HubServer) -> None:
    server.add_repo(MODEL.repo, SINGLE)
    with pytest.raises(Cancelled, match="The download of owner/model was stopped"):
        get(cancelled=lambda: True)
    assert server.downloads_of("model.safetensors") == 0


def test_a_time_out_is_said(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = server.add_repo(MODEL.repo, ADAPTER)
    hub.fetch_metadata(MODEL)  # with time for what is answered
    repo.fail = Fail.STALL
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.05)
    monkeypatch.setattr(file_download.time, "sleep", lambda seconds: None)
    with pytest.raises(hub.UnreachableError, match="stopped answering") as raised:
        get()
    assert "Finished files are kept (1 of 2)" in raised.value.next_step
    repo.fail = Fail.SILENT
    monkeypatch.setattr("app.checkpoints.hub.catalogue.SECONDS_TO_ANSWER", 0.05)
    with pytest.raises(hub.UnreachableError, match="stopped answering"):
        hub.describe(MODEL)


def test_a_file_too_large_for_plain_http_is_refused(
    server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.add_repo(MODEL.repo, SINGLE)
    monkeypatch.setattr(constants, "MAX_HTTP_DOWNLOAD_SIZE", 500_000)
    with pytest.raises(HubError, match="too large") as raised:
        get()
    assert "hf download owner/model" in raised.value.next_step
    assert not any("/resolve/" in request for request in server.requests)


def test_a_model_that_was_renamed_is_found_by_its_old_name(server: HubServer) -> None:
    server.add_repo("owner/new", SINGLE)
    server.move_repo(MODEL.repo, "owner/new")
    folder = get()
    assert contents(folder) == SINGLE
    assert hub.cached_folder(MODEL) == folder


def test_a_branch_that_moves_during_a_download_mixes_nothing(
    server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = server.add_repo(MODEL.repo, dict(SINGLE))
    room = hub.cache.free_disk

    def moving() -> int:
        repo.files["config.json"] = b'{"new": 1}'
        return room()

    monkeypatch.setattr("app.checkpoints.hub.cache.free_disk", moving)
    with pytest.raises(HubError, match="changed on the Hub a moment ago"):
        get()
    assert contents(get()) == repo.files


def test_too_little_room_is_refused_before_a_download(
    server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.add_repo(MODEL.repo, SINGLE)
    size = hub.describe(MODEL).size
    monkeypatch.setattr("app.checkpoints.hub.cache.free_disk", lambda: size - 1)
    with pytest.raises(HubError, match="not enough room") as raised:
        get()
    assert "needed 0.00 GB, free 0.00 GB" in raised.value.evidence
    assert not any("/resolve/" in request for request in server.requests)
    monkeypatch.setattr("app.checkpoints.hub.cache.free_disk", lambda: size)
    get()


def test_a_disk_that_fills_up_is_said(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.add_repo(MODEL.repo, SHARDED)

    def full(source: Path, target: Path) -> None:
        if source.stat().st_size > 100_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        move(source, target)

    move = file_download._chmod_and_move
    monkeypatch.setattr(file_download, "_chmod_and_move", full)
    with pytest.raises(HubError, match="The disk is full") as raised:
        get()
    assert KEPT.search(raised.value.next_step)
    assert not list(hub.cache_folder().rglob("*.incomplete"))


def test_a_folder_that_cannot_be_written_to_is_said(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.add_repo(MODEL.repo, SINGLE)

    def locked(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path))

    monkeypatch.setattr(file_download, "_create_cachedir_tag", locked)
    with pytest.raises(HubError, match="cannot be written to") as raised:
        get()
    assert str(tmp_path) in raised.value.evidence


def test_a_damaged_file_is_found_and_deleted(server: HubServer) -> None:
    repo = server.add_repo(MODEL.repo, SINGLE, fail=Fail.CORRUPT)
    with pytest.raises(HubError, match="arrived damaged and was deleted") as raised:
        get()
    assert "hash" in raised.value.evidence
    assert hub.cached_folder(MODEL) is None
    assert [model.complete for model in hub.cached_models()] == [False]
    repo.fail = None
    assert contents(get()) == SINGLE


def test_a_file_of_another_size_is_found(server: HubServer) -> None:
    server.add_repo(MODEL.repo, SINGLE, fail=Fail.SHORT)
    with pytest.raises(HubError, match="another size"):
        get()
    assert hub.cached_folder(MODEL) is None


def test_no_network_is_said_at_once(
    server: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server.add_repo(MODEL.repo, SINGLE)
    folder = get()
    with HubServer() as gone:
        gone.connect(monkeypatch, tmp_path)
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    for action in (lambda: hub.search("model"), lambda: get(HubId("owner/other"))):
        with pytest.raises(hub.UnreachableError, match="cannot be reached"):
            action()
    assert sum(slept) < 10  # the library alone asks for half a minute
    assert get() == folder
