"""Prompts as files, pipes and shells give them: in any encoding, or in none."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest

from app.__main__ import main
from app.cli.text_input import decode_text, read_standard_input
from app.errors import PromptError
from tests import tiny

TEXT = "Crème brûlée, 한 😀"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_texts_that_say_what_they_are(encoding: str) -> None:
    assert decode_text(TEXT.encode(encoding)) == TEXT


@pytest.mark.parametrize(
    ("content", "evidence"),
    [
        ("Crème".encode("latin-1"), "byte 3 is 0xE8"),
        ("“Crème”".encode("cp1252"), "byte 1 is 0x93"),
        ("Crème".encode("utf-16-le"), "0xE8|UTF-16 without a byte order mark"),
        ("Creme".encode("utf-16-be"), "UTF-16 without a byte order mark"),
        ("Crème".encode("utf-16")[:-1], "not UTF-16"),
        ("한국어".encode("euc-kr"), "byte 1 is 0xC7"),
    ],
)
def test_texts_in_other_encodings_are_refused(content: bytes, evidence: str) -> None:
    with pytest.raises(PromptError, match=evidence):
        decode_text(content)


def test_line_breaks_and_odd_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    content = io.BytesIO(b"\xef\xbb\xbfone\r\ntwo\rthree\n\0four")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(content, encoding="ascii"))
    assert read_standard_input() == "one\ntwo\nthree\n\0four"


def test_no_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(PromptError, match=r"Standard input cannot be read \(it is closed\)"):
        read_standard_input()


@pytest.mark.parametrize(
    "arguments",
    [
        ["generate", "Cr\udce8me"],
        ["generate", "the king", "--stop", "\udce8"],
        ["check", "--prompt", "Cr\udce8me"],
        ["bench", "--prompt", "Cr\udce8me"],
    ],
)
def test_an_argument_that_is_no_text_is_refused_in_one_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert "is byte 0xE8" in said
    assert said.count("\n") == 1


def test_a_prompt_in_another_encoding_is_refused_in_one_line(
    llama: tiny.Family, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("Crème".encode("latin-1"))))
    roles = ["--base", llama.base, "--expert", llama.expert, "--antiexpert", llama.antiexpert]
    assert main(["generate", "-", *map(str, roles)]) == 2
    said = capsys.readouterr().err
    assert "is not UTF-8 (byte 3 is 0xE8)" in said
    assert said.count("\n") == 1


def test_a_folder_whose_name_is_no_text_is_refused_by_name(
    llama: tiny.Family, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "cr\udce8me"
    shutil.copytree(llama.base, folder)
    assert main(["check", str(folder), str(llama.expert), str(llama.antiexpert)]) == 2
    said = capsys.readouterr().err
    assert "is not UTF-8" in said
    assert "Rename it" in said
    assert said.count("\n") == 1
