"""A Hub that means harm, and a token that must not be seen anywhere."""

from __future__ import annotations

import logging
import traceback
from contextlib import suppress
from pathlib import Path

import pytest

from app.checkpoints import hub
from app.errors import TuneshiftError
from tests.checkpoints.hub.repositories import MODEL, SINGLE, contents, get, safetensors
from tests.checkpoints.hub_server import Fail, HubServer

SECRET = "hf_a_secret_that_nobody_may_see"


@pytest.mark.parametrize(
    "name",
    [
        "../../evil.safetensors",
        "..\\..\\evil.json",
        "/tmp/evil.json",
        "a/../../../evil.safetensors",
        "../evil.tiktoken",
        "..\\evil.tiktoken",
    ],
)
def test_names_of_files_do_not_lead_out_of_the_cache(
    server: HubServer, tmp_path: Path, name: str
) -> None:
    server.add_repo(MODEL.repo, {**SINGLE, name: safetensors(2, 2, 2)})
    with suppress(TuneshiftError):  # to refuse the whole is as well
        assert contents(get()) == SINGLE
    written = [path for path in tmp_path.rglob("*") if "evil" in path.name]
    assert written == []
    assert not Path("/tmp/evil.json").exists()


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(
    "fail", [None, Fail.UNAUTHORISED, Fail.FORBIDDEN, Fail.BROKEN, Fail.CAPTIVE, Fail.DROP]
)
def test_a_token_is_sent_and_never_told(
    server: HubServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    fail: Fail | None,
) -> None:
    """Not even to the log of somebody who lets every library say everything."""
    monkeypatch.setenv("HF_TOKEN", SECRET)
    caplog.set_level(logging.DEBUG)
    server.add_repo(MODEL.repo, SINGLE, fail=fail)
    told = []
    for ask in (lambda: hub.describe(MODEL), lambda: hub.search("model"), get):
        try:
            ask()
        except TuneshiftError as error:
            told += traceback.format_exception(error)
    assert SECRET in server.tokens
    out, errors = capfd.readouterr()
    for text in (*told, caplog.text, out, errors):
        assert SECRET not in text
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes()
