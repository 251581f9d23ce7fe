"""``tuneshift bench`` from its options to what it prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.__main__ import main
from app.benchmark import hardware
from tests import tiny


@pytest.fixture
def command(llama: tiny.Family, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(hardware, "_BYTES", 1 << 16)
    options = {"base": llama.base, "expert": llama.expert, "antiexpert": llama.antiexpert}
    given = [part for role, folder in options.items() for part in (f"--{role}", str(folder))]
    return ["bench", *given, "--dtype", "float32", "--tokens", "6", "--repeats", "1"]


def test_json_alone_on_stdout_and_a_plot(
    command: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    plot = tmp_path / "rates.svg"
    options = ["--prompt", "the king", "--pairs", "1,2", "--contexts", "20", "--json"]
    assert main([*command, *options, "--plot", str(plot)]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert printed.err == ""
    assert found["tokens"] == 6
    assert [cost["size"] for cost in found["pairs"]] == [1, 2]
    assert plot.read_text().startswith("<svg")


def test_a_table_for_people(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--prompt", "the king", "--alpha", "0.5"]) == 0
    printed = capsys.readouterr().out
    assert "plain loop of forwards" in printed
    assert "1.00×" in printed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tokens", "1"], "--tokens must be at least 2"),
        (["--contexts", "0"], "must be at least 1"),
        (["--contexts", "a"], "Argument --contexts"),
        (["--shapes", "7b,1b,1b"], "--shapes cannot be combined with"),
        (["--prompt", ""], "The prompt is empty"),
        (["--alpha", "1", "--alpha", "1"], "more alphas than expert pairs"),
    ],
)
def test_what_cannot_be_measured_is_said(
    command: list[str], options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, *options]) == 2
    assert message in capsys.readouterr().err


def test_a_plot_that_cannot_be_written(
    command: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    target = tmp_path / "missing" / "plot.svg"
    assert main([*command, "--prompt", "a", "--plot", str(target)]) == 2
    printed = capsys.readouterr()
    assert "cannot be written" in printed.err
    assert "tokens/s" in printed.out
