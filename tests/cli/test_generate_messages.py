"""``tuneshift generate`` with messages, a system prompt, a prompt format, or a pipe."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from app.__main__ import main
from app.checkpoints.conversation import conversation_of
from app.cli.messages_file import read_messages, write_messages
from app.errors import PromptError
from tests import tiny

MESSAGES = [
    {"role": "user", "content": "the king"},
    {"role": "assistant", "content": "said"},
    {"role": "user", "content": "what?\n한국어"},
]
PLAIN = "User:\nthe king\n\nAssistant:\nsaid\n\nUser:\nwhat?\n한국어\n\nAssistant:\n"


@pytest.fixture
def roles(llama: tiny.Family, tmp_path: Path) -> list[str]:
    """Three models with a chat template."""
    given = ["generate", "--dtype", "float32", "--max-new-tokens", "5", "--greedy", "--no-proof"]
    for role in ("base", "expert", "antiexpert"):
        copy = tmp_path / role
        tiny.with_chat_template(getattr(llama, role), copy)
        given += [f"--{role}", str(copy)]
    return given


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "messages.json"
    path.write_text(json.dumps(MESSAGES), encoding="utf-8")
    return path


def report(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.slow
def test_messages_are_read_in_the_format_of_the_roles(
    roles: list[str], file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(roles[roles.index("--base") + 1])
    plain = report(capsys, *roles, "--messages", str(file))
    assert (plain["messages"], plain["prompt"]) == (MESSAGES, None)
    text = report(capsys, *roles, PLAIN)
    assert (plain["token_ids"], plain["prompt_tokens"]) == (
        text["token_ids"],
        text["prompt_tokens"],
    )
    options = ("--messages", str(file), "--prompt-format", "chat", "--system", "Be brief.")
    chat = report(capsys, *roles, *options)
    system = {"role": "system", "content": "Be brief."}
    whole = tokenizer.apply_chat_template([system, *MESSAGES], add_generation_prompt=True)
    assert chat["prompt_tokens"]["base"] == len(whole["input_ids"])
    assert chat["messages"] == [system, *MESSAGES]
    same = report(capsys, *roles, tokenizer.decode(whole["input_ids"]))
    assert chat["token_ids"] == same["token_ids"]


@pytest.mark.slow
def test_a_system_prompt_and_a_format_for_all_roles(
    roles: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    def ids(*options: str) -> object:
        return report(capsys, *roles, *options)["token_ids"]

    assert ids("the king", "--system", "Be brief.") == ids("Be brief.\n\nthe king")
    chat = ("--prompt-format", "chat")
    assert ids("a", *chat, "--system", "Be brief.") == ids(
        "[system]Be brief.\n[user]a\n[assistant]"
    )
    template = ("--prompt-format", "{system} Q: {prompt} A:")
    assert ids("a", *template, "--system", "Go.") == ids("Go. Q: a A:")


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        (None, [], "cannot be read (No such file"),
        ("[", [], "are not JSON"),
        ('{"role": "user", "content": "a"}\n{', [], "line 2 of"),
        ("[]", [], "at least one message"),
        ('[{"role": "tool", "content": "a"}]', [], "Message 1 has none of the roles"),
        ('[{"role": "assistant", "content": "a"}]', [], "does not end with a message of the user"),
        (json.dumps(MESSAGES), ["a prompt"], "--messages cannot be combined with a prompt"),
        (
            json.dumps([{"role": "system", "content": "b"}, *MESSAGES]),
            ["--system", "a"],
            "--system",
        ),
        (json.dumps(MESSAGES), ["--again", "last"], "--again cannot be combined with --messages"),
        (json.dumps(MESSAGES), ["--prompt-format", "x"], "must be plain, chat"),
    ],
)
def test_what_cannot_be_read_is_one_line(
    tmp_path: Path,
    content: str | None,
    options: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "messages.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    assert main(["generate", "--messages", str(path), *options]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert said in output.err
    assert output.err.count("\n") == 1


def test_a_template_without_a_place_for_a_system_prompt(
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ["--prompt-format", "Q: {prompt}", "--system", "Be brief."]
    assert main(["generate", "a", *options]) == 2
    assert "has no place for a system prompt" in capsys.readouterr().err


def test_files_of_messages(tmp_path: Path) -> None:
    path = tmp_path / "messages"
    conversation = conversation_of(MESSAGES)
    lines = "\n".join(json.dumps(item) for item in MESSAGES)
    for text in (json.dumps(MESSAGES), json.dumps({"messages": MESSAGES}), f"\n{lines}\n\n"):
        path.write_text(text, encoding="utf-8")
        assert read_messages(str(path)) == conversation
    path.write_text(json.dumps(MESSAGES[0]), encoding="utf-8")
    assert read_messages(str(path)).messages == conversation.messages[:1]
    path.write_bytes("한국어".encode("euc-kr"))
    with pytest.raises(PromptError, match=r"messages is not UTF-8 \(byte 1"):
        read_messages(str(path))
    with pytest.raises(PromptError, match="exists"):
        write_messages(conversation, str(path), replace=False)
    write_messages(conversation, str(path), replace=True)
    assert read_messages(str(path)) == conversation
    with pytest.raises(PromptError, match="cannot be written"):
        write_messages(conversation, str(tmp_path / "nowhere" / "x.json"), replace=False)


@pytest.mark.process
@pytest.mark.slow
def test_a_pipe_is_the_prompt_without_its_last_line_break(roles: list[str]) -> None:
    def prompt(text: str, *more: str) -> object:
        done = subprocess.run(
            [sys.executable, "-m", "app", *roles, *more, "--json", "--quiet"],
            input=text,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )
        assert done.stderr == ""
        report = json.loads(done.stdout)
        return report["prompt"] or report["messages"]

    assert prompt("the king\n") == "the king"
    assert prompt("the king\n\n") == "the king\n"
    assert prompt("the king\n", "-") == "the king\n"  # asked for by name, it is read as it is
    assert prompt("ignored", "the queen") == "the queen"
    assert prompt(json.dumps(MESSAGES), "--messages", "-") == MESSAGES
