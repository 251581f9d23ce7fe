"""``tuneshift cache``: what is listed, and what is deleted."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import pytest

from app.__main__ import main
from app.checkpoints import hub
from app.checkpoints.formats.gguf import CONVERTED_FROM
from app.settings import cache_folder
from tests import tiny
from tests.checkpoints.hub_server import HubServer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    with HubServer() as running:
        running.connect(monkeypatch, tmp_path)
        yield running
        huggingface_hub.close_session()


@pytest.fixture
def filled(server: HubServer, llama: tiny.Family, tmp_path: Path) -> HubServer:
    """A cache with two conversions, one of them unfinished, a proof and a downloaded model."""
    (tmp_path / "model.gguf").touch()
    for name, source in (("a-model", "model.gguf"), ("b-model", "gone.gguf")):
        write(f"gguf/{name}/weights", 2_000_000)
        (cache_folder() / "gguf" / name / CONVERTED_FROM).write_text(str(tmp_path / source))
    write(f"gguf/partial-{os.getpid()}-abc/weights", 10)
    write("proofs/p.json", 500_000)
    server.add_repo("owner/model", llama.base)
    hub.download(hub.parse("owner/model"), lambda progress: None, lambda: False)
    return server


def write(name: str, count: int) -> None:
    path = cache_folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(count))


@pytest.mark.server
def test_the_list_names_files_and_models(
    filled: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cache"]) == 0
    out = capsys.readouterr().out
    assert f"2.0 MB    of {tmp_path / 'model.gguf'}\n" in out
    assert f"2.0 MB    of {tmp_path / 'gone.gguf'}, which is no longer there\n" in out
    assert "0.5 MB  proofs: " in out
    assert "hub:owner/model@" in out
    assert main(["cache", "list", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["bytes"]["proofs"] == 500_000
    assert [model["id"] for model in report["hub"]] == ["owner/model"]


@pytest.mark.server
def test_the_hub_cache_is_kept_unless_it_is_named(
    filled: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cache", "clear", "all"]) == 0
    assert "gguf: freed 4.0 MB\nproofs: freed 0.5 MB\n" in capsys.readouterr().out
    left = [path.name for path in (cache_folder() / "gguf").iterdir()]
    assert left == [f"partial-{os.getpid()}-abc"]  # this process may still be writing it
    assert len(hub.cached_models()) == 1
    assert main(["cache", "clear", "hub:owner/model"]) == 0
    assert hub.cached_models() == []


@pytest.mark.server
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["clear"], "Name what to delete"),
        (["clear", "gguf", "weights"], "There is no “weights” in the cache"),
        (["clear", "gguf", "hub:owner/other"], "owner/other is not in the Hub cache"),
        (["clear", "gguf", "hub:owner/model@1234567"], "is not in the Hub cache"),
        (["list", "gguf"], "Only clear takes names"),
        (["delete"], "invalid choice"),
    ],
)
def test_wrong_names_delete_nothing(
    filled: HubServer, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cache", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert (cache_folder() / "gguf" / "a-model").is_dir()
    assert len(hub.cached_models()) == 1


def test_an_empty_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    assert main(["cache"]) == 0
    assert "no models" in capsys.readouterr().out
    assert main(["cache", "clear", "all"]) == 0
