"""Options are written out: an abbreviation is refused, in the command and in every subcommand."""

from __future__ import annotations

import pytest

from app.__main__ import main
from app.cli.options.command_line import parse

COMMANDS = [
    "generate",
    "chat",
    "check",
    "download",
    "serve",
    "vllm",
    "inspect",
    "bench",
    "eval",
    "train",
    "cache",
    "selftest",
    "completion",
]


@pytest.mark.parametrize(
    ("arguments", "option", "command"),
    [
        (["--reci=demo"], "--reci=demo", "tuneshift"),
        (["serve", "--pref=-1"], "--pref=-1", "tuneshift serve"),
        (["generate", "--json", "--shift"], "--shift", "tuneshift generate"),
        (["bench", "--shapes=none", "--turn=0"], "--turn=0", "tuneshift bench"),
    ],
)
def test_an_abbreviated_option_is_refused(
    arguments: list[str], option: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"nrecognized arguments: {option}" in err
    assert f"See {command} --help." in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_no_subcommand_takes_an_abbreviation_for_help(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--hel"]) == 2  # the help would end the program with 0
    assert capsys.readouterr().out == ""


def test_an_abbreviation_of_an_own_option_is_passed_on_to_vllm() -> None:
    options = parse(["vllm", "--recipe", "my.toml", "--dry", "--port", "9000"])
    assert not options.dry_run
    assert options.vllm_options == ["--dry", "--port", "9000"]
