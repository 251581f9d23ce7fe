"""The Hub, by the real client against a small Hub on loopback."""

from __future__ import annotations

import errno
import json
import re
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants, file_download
from hypothesis import given
from hypothesis import strategies as st

from app.checkpoints import hub
from app.checkpoints.hub import DownloadProgress, HubId
from app.errors import Cancelled, HubError
from tests.checkpoints.hub_server import TOKEN, Fail, HubServer

MODEL = HubId("owner/model")
KEPT = re.compile(r"Finished files are kept \(\d of \d\); an unfinished file starts again\.")


def safetensors(seed: int, rows: int = 300, columns: int = 512) -> bytes:
    """A weight file with one tensor of float32."""
    size = rows * columns * 4
    header = json.dumps(
        {
            f"weight.{seed}": {
                "dtype": "F32",
                "shape": [rows, columns],
                "data_offsets": [0, size],
            }
        }
    ).encode()
    return struct.pack("<Q", len(header)) + header + bytes([seed]) * size


CONFIG = {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}
SMALL = {
    "config.json": json.dumps(CONFIG).encode(),
    "tokenizer.json": b'{"a tokenizer": 1}',
    "tokenizer_config.json": b"{}",
    "generation_config.json": b'{"x": 1}',
}
USELESS = {
    "README.md": b"# Model",
    "modeling_own.py": b"raise SystemExit",
    "pytorch_model.bin": b"pickle" * 100,
    "onnx/model.onnx": b"onnx" * 100,
    "original/consolidated.safetensors": safetensors(9, 2, 2),
    "consolidated.safetensors": safetensors(8, 2, 2),
}
SINGLE = {**SMALL, "model.safetensors": safetensors(1)}
SHARDS = {f"model-0000{place}-of-00003.safetensors": safetensors(place) for place in (1, 2, 3)}
WEIGHT_MAP = {f"weight.{place + 1}": name for place, name in enumerate(SHARDS)}
INDEX = {"model.safetensors.index.json": json.dumps({"weight_map": WEIGHT_MAP}).encode()}
SHARDED = {**SMALL, **INDEX, **SHARDS}
ADAPTER = {
    "adapter_config.json": b'{"peft_type": "LORA"}',
    "adapter_model.safetensors": safetensors(4, 8, 8),
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    with HubServer() as running:
        running.connect(monkeypatch, tmp_path)
        yield running
        huggingface_hub.close_session()


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library waits between its attempts."""
    monkeypatch.setattr(file_download.time, "sleep", lambda seconds: None)


def never() -> bool:
    return False


def get(hub_id: HubId = MODEL, cancelled: Callable[[], bool] = never) -> Path:
    return hub.download(hub_id, lambda progress: None, cancelled)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("written", "repo", "revision"),
    [
        ("hub:owner/name", "owner/name", "main"),
        ("owner/name@v1.0", "owner/name", "v1.0"),
        ("hub:gpt2-xl", "gpt2-xl", "main"),
        (" hub:Qwen/Qwen2.5-7B@refs/pr/3 ", "Qwen/Qwen2.5-7B", "refs/pr/3"),
        ("https://huggingface.co/owner/name", "owner/name", "main"),
        ("https://huggingface.co/owner/name/tree/dev", "owner/name", "dev"),
        ("hf.co/owner/name/", "owner/name", "main"),
    ],
)
def test_names_are_read_as_people_write_them(written: str, repo: str, revision: str) -> None:
    assert hub.parse(written) == HubId(repo, revision)
    assert hub.parse(hub.parse(written).source) == HubId(repo, revision)


@pytest.mark.parametrize(
    "written",
    [
        *("", "hub:", "/", "a/b/c", "../x", "a/..", "a b/c", "a--b/c", "x" * 97, "owner/na\nme"),
        *("a/b@../../x", "a/b@-x", "a/b@/x"),
    ],
)
def test_names_that_cannot_be_are_refused(written: str) -> None:
    with pytest.raises(HubError, match="not the name of a model"):
        hub.parse(written)


@given(st.text(max_size=40))
def test_a_name_is_refused_or_stays_within_the_cache(written: str) -> None:
    try:
        hub_id = hub.parse(written)
    except HubError:
        return
    for part in (hub_id.repo, hub_id.revision):
        assert not Path(part).is_absolute()
        assert ".." not in Path(part).parts
    assert hub.parse(str(hub_id)) == hub_id


def test_a_model_is_described_without_a_download(server: HubServer) -> None:
    repo = server.add_repo(MODEL.repo, {**SINGLE, **USELESS}, config=CONFIG, licence="mit")
    model = hub.describe(MODEL)
    assert (model.commit, model.licence, model.gated) == (repo.commit, "mit", False)
    assert model.architecture == "LlamaForCausalLM"
    assert {file.name for file in model.files} == set(SINGLE)
    assert (model.size, model.cached) == (sum(map(len, SINGLE.values())), 0)
    assert not hub.cache_folder().exists()
    assert hub.free_disk() > 0


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


def test_cancel_ends_a_download_that_stands_still(server: HubServer) -> None:
    repo = server.add_repo(MODEL.repo, SINGLE, fail=Fail.STALL)
    stopped: list[float] = []

    def cancelled() -> bool:
        if server.has_stalled and hub.metadata_folder(MODEL) and not stopped:
            stopped.append(time.monotonic())
        return bool(stopped)

    seen: list[DownloadProgress] = []
    with pytest.raises(Cancelled, match=KEPT.pattern):
        hub.download(MODEL, seen.append, cancelled)
    assert time.monotonic() - stopped[0] < 5  # the network would be given ten seconds and more
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
    repo = server.add_repo(MODEL.repo, ADAPTER, fail=Fail.STALL)
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


def test_no_network_is_said_at_once(
    server: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server.add_repo(MODEL.repo, SINGLE)
    folder = get()
    with HubServer() as gone:
        gone.connect(monkeypatch, tmp_path)
    start = time.monotonic()
    for action in (lambda: hub.search("model"), lambda: get(HubId("owner/other"))):
        with pytest.raises(hub.UnreachableError, match="cannot be reached"):
            action()
    assert time.monotonic() - start < 10  # the library alone asks for half a minute
    assert get() == folder


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


def test_the_window_can_import_it_before_anything_heavy() -> None:
    code = (
        "import sys, app.checkpoints.hub;"
        "print({'huggingface_hub', 'torch', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "set()\n"


def test_pace_says_speed_time_left_and_stall() -> None:
    pace = hub.Pace()
    assert (pace.bytes_per_second, pace.seconds_left(100), pace.stalled) == (0.0, None, False)
    for second in range(20):
        pace.add(float(second), second * 10)
    assert pace.bytes_per_second == pytest.approx(10)
    assert pace.seconds_left(290) == pytest.approx(10)
    for second in range(20, 24):
        pace.add(float(second), 190)
    assert not pace.stalled
    pace.add(24.0, 190)
    assert pace.stalled
    assert pace.seconds_left(290) is None
    pace.add(25.0, 200)
    assert not pace.stalled
