"""A GGUF file that ends the process of llama.cpp ends that of its trial alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from app.checkpoints.formats.gguf import read_header
from app.checkpoints.loading.trial_load import try_in_child
from app.checkpoints.loading.trial_process import verdict_of
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.decoding.llama_cpp.library import is_installed
from app.engine.commands import Load
from app.engine.controls import Cancellation
from app.engine.engine import Engine
from app.engine.events import Event, Failed, Loaded
from app.errors import Cancelled, CheckpointError
from tests import tiny, tiny_gguf

pytestmark = [
    pytest.mark.process,
    pytest.mark.slow,
    pytest.mark.skipif(not is_installed(), reason="llama.cpp is not installed"),
]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def write(path: Path, twice: Sequence[str] = ()) -> Path:
    """A tiny model, in whose vocabulary the last tokens are those of ``twice`` once more."""

    def tokenizer(writer: Any) -> None:
        tiny_gguf.write_tokenizer(writer)
        vocabulary = json.loads(tiny.make_tokenizer().to_str())["model"]["vocab"]
        tokens = sorted(vocabulary, key=vocabulary.__getitem__)
        writer.kv_data[0].pop("tokenizer.ggml.tokens")
        writer.add_token_list([*tokens[: len(tokens) - len(twice)], *twice])

    return tiny_gguf.write(tiny.make_model("llama", 3), path, tokenizer=tokenizer)


def test_a_file_that_passes_is_tried_once(tmp_path: Path) -> None:
    path = write(tmp_path / "whole.gguf")
    asked: list[bool] = []
    try_in_child([path], lambda: bool(asked.append(True)))
    assert asked
    asked.clear()
    try_in_child([path], lambda: bool(asked.append(True)))
    assert not asked


def test_a_file_at_which_the_library_stops_is_an_error_in_words(tmp_path: Path) -> None:
    path = write(tmp_path / "twice.gguf", twice=["e"])
    read_header(path)  # which does not look at the vocabulary
    with pytest.raises(CheckpointError, match="GGML_ASSERT") as caught:
        try_in_child([path])
    assert str(path) in caught.value.cause
    assert "another file" in caught.value.next_step


def test_a_recipe_with_such_a_file_is_refused_and_the_engine_goes_on(tmp_path: Path) -> None:
    twice = write(tmp_path / "twice.gguf", twice=["e"])
    whole = write(tmp_path / "whole.gguf")
    events: list[Event] = []
    engine = Engine(events.append)
    for number, base, kind in ((1, twice, Failed), (2, whole, Loaded)):
        specs = [CheckpointSpec(f"gguf:{path}") for path in (base, whole, whole)]
        recipe = Recipe("r", specs[0], (ExpertPair("p", *specs[1:]),))
        engine.handle(Load(number, recipe, Cancellation()))
        assert isinstance(events[-1], kind), events[-1]


def test_a_changed_file_is_tried_again(tmp_path: Path) -> None:
    path = write(tmp_path / "model.gguf")
    try_in_child([path])
    write(path, twice=["e"])
    with pytest.raises(CheckpointError):
        try_in_child([path])
    with pytest.raises(CheckpointError):  # what did not pass is not remembered
        try_in_child([path])


def test_a_file_that_the_library_refuses(tmp_path: Path) -> None:
    path = write(tmp_path / "cut.gguf")
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(CheckpointError, match="not within the file bounds"):
        try_in_child([path])


def test_a_trial_can_be_cancelled(tmp_path: Path) -> None:
    path = write(tmp_path / "whole.gguf")
    with pytest.raises(Cancelled):
        try_in_child([path], lambda: True)
    assert not list((tmp_path / "cache").rglob("gguf-trials/*"))


@pytest.mark.parametrize("message", [b"", b"[1]", b'{"kind": "checkpoint"}', b'{"kind": []}'])
def test_what_is_no_verdict_is_told_apart(message: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 — of json, or of the program
        verdict_of(message)
