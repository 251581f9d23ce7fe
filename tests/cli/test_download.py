"""``tuneshift download``: options, output and exit status."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants

from app.__main__ import main
from app.checkpoints import hub
from app.checkpoints.recipes.recipe_file import write_recipe
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from tests import tiny
from tests.checkpoints.hub_server import Fail, HubServer

NAME = "owner/model"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    with HubServer() as running:
        running.connect(monkeypatch, tmp_path)
        yield running
        huggingface_hub.close_session()


@pytest.fixture
def triple(server: HubServer, llama: tiny.Family) -> HubServer:
    """The three tiny checkpoints as repositories."""
    for role in ("base", "expert", "antiexpert"):
        server.add_repo(f"owner/{role}", getattr(llama, role))
    return server


def run_in_terminal(server: HubServer, folder: Path, arguments: list[str]) -> tuple[int, str]:
    """Run the program with stderr on a terminal; returns its status and what that showed."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "app", "download", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env={**os.environ, **server.environment(folder)},
    ) as process:
        os.close(theirs)
        if server.repo(NAME).fail is Fail.STALL:
            server.wait_until_stalled()
            process.send_signal(signal.SIGINT)
        shown = b"".join(iter(partial(_read, ours), b""))
        os.close(ours)
    return process.returncode, shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""  # how a terminal says that its other end has closed


@pytest.mark.slow
def test_download_prints_its_plan_and_downloads(
    triple: HubServer, llama: tiny.Family, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["download", "owner/base", "hub:owner/expert", "owner/base"]) == 0
    output = capsys.readouterr()
    assert output.err == ""
    lines = output.out.splitlines()
    assert re.fullmatch(r"owner/base: [\d.]+ MB, licence apache-2\.0", lines[0])
    assert lines[1].startswith("owner/expert: ")
    assert re.fullmatch(r"To download: [\d.]+ MB; free on the disk: [\d.,]+ GB", lines[2])
    folder = hub.cached_folder(hub.parse("owner/base"))
    assert lines[3] == f"owner/base is in {folder}"
    assert len(lines) == 5
    weights = (folder / "model.safetensors").read_bytes()
    assert weights == (llama.base / "model.safetensors").read_bytes()

    assert main(["download", "owner/base"]) == 0
    assert "already downloaded" in capsys.readouterr().out
    assert triple.downloads_of("model.safetensors") == 2


@pytest.mark.slow
def test_download_of_all_models_of_a_recipe(
    triple: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = Recipe(
        name="from the Hub",
        base=CheckpointSpec("hub:owner/base"),
        pairs=(
            ExpertPair(
                "Style",
                CheckpointSpec("adapter:hub:owner/expert", over="hub:owner/antiexpert"),
                CheckpointSpec("hub:owner/antiexpert"),
            ),
        ),
    )
    write_recipe(recipe, tmp_path / "mine.toml")
    assert main(["download", "--recipe", str(tmp_path / "mine.toml")]) == 0
    said = [line.partition(" is in ") for line in capsys.readouterr().out.splitlines()]
    names = [name for name, found, _ in said if found]
    assert names == ["owner/base", "owner/expert", "owner/antiexpert"]


def test_a_recipe_without_hub_models_downloads_nothing(
    server: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["download", "--recipe", "demo"]) == 0
    assert "nothing to download" in capsys.readouterr().out
    assert server.requests == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Name either models or a recipe"),
        (["owner/model", "--recipe", "demo"], "Name either models or a recipe"),
        (["owner/model@../x"], "not the name of a model"),
        (["owner/nothing"], "no model owner/nothing"),
        (["owner/gated"], "https://huggingface.co/owner/gated"),
        (["owner/pickles"], "can run code"),
        (["--recipe", "nowhere"], "no recipe “nowhere”"),
    ],
)
def test_invalid_options_are_one_line_and_status_2(
    triple: HubServer, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files = triple.repo("owner/base").files
    triple.add_repo("owner/gated", files, gated=True)
    triple.add_repo("owner/pickles", {"config.json": b"{}", "pytorch_model.bin": b""})
    assert main(["download", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert "Traceback" not in error


def test_disk_space_is_checked_for_all_models_together(
    triple: HubServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one = hub.describe(hub.parse("owner/base")).size
    monkeypatch.setattr(hub, "free_disk", lambda: int(one * 1.5))
    assert main(["download", "owner/base", "owner/expert"]) == 2
    assert "not enough free disk space" in capsys.readouterr().err
    assert not any("/resolve/" in request for request in triple.requests)


def test_offline_uses_cached_models(
    triple: HubServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["download", "owner/base"]) == 0
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    capsys.readouterr()
    assert main(["download", "owner/base"]) == 0
    assert (
        f"owner/base is in {hub.cached_folder(hub.parse('owner/base'))}" in capsys.readouterr().out
    )
    assert main(["download", "owner/expert"]) == 2
    assert "HF_HUB_OFFLINE is set" in capsys.readouterr().err


@pytest.mark.process
def test_progress_is_shown_on_a_terminal(
    server: HubServer, llama: tiny.Family, tmp_path: Path
) -> None:
    server.add_repo(NAME, llama.base)
    status, shown = run_in_terminal(server, tmp_path, [NAME])
    assert status == 0
    lines = shown.split("\r\033[K")
    assert "Asking the Hub about owner/model …" in lines
    assert any(re.match(r"owner/model: \d+% of [\d.]+ MB", line) for line in lines)
    assert lines[-1] == ""
    assert "Traceback" not in shown


@pytest.mark.process
def test_ctrl_c_reports_kept_files_and_exits_with_130(
    server: HubServer, llama: tiny.Family, tmp_path: Path
) -> None:
    server.add_repo(NAME, llama.base, fail=Fail.STALL)
    status, shown = run_in_terminal(server, tmp_path, [NAME])
    assert status == 130
    last = shown.split("\r\033[K")[-1].strip()
    expected = r"tuneshift: The download of owner/model was stopped\. Finished files are kept .*"
    assert re.fullmatch(expected, last)
    assert not list(tmp_path.rglob("*.incomplete"))
