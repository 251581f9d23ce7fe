"""``tuneshift bench``: options, output and errors."""

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
    return [
        "bench",
        *given,
        "--dtype",
        "float32",
        "--tokens",
        "6",
        "--repeats",
        "1",
        "--turns",
        "0",
    ]


@pytest.mark.slow
def test_json_and_plot(
    command: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    plot = tmp_path / "rates.svg"
    options = [
        "--prompt",
        "the king",
        "--pairs",
        "1,2",
        "--contexts",
        "20",
        "--turns",
        "2",
        "--prompts",
        "4,30",
        "--vocabularies",
        "50",
        "--json",
    ]
    assert main([*command, *options, "--plot", str(plot)]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert printed.err == ""
    assert found["tokens"] == 6
    assert [cost["size"] for cost in found["pairs"]] == [1, 2]
    assert found["conversation"]["turns"] == 2
    assert [(each["size"], each["new"]) for each in found["first_tokens"]] == [(4, 2), (30, 15)]
    costs = [(each["vocabulary"], each["pairs"]) for each in found["token_costs"]]
    assert costs == [(50, 1), (50, 2)]
    assert plot.read_text().startswith("<svg")


@pytest.mark.slow
def test_text_table(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--prompt", "the king", "--alpha", "0.5"]) == 0
    printed = capsys.readouterr().out
    assert "plain loop of forwards" in printed
    assert "1.00×" in printed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tokens", "1"], "--tokens must be at least 2"),
        (["--turns", "1"], "--turns must be at least 2, or 0"),
        (["--contexts", "0"], "must be at least 1"),
        (["--contexts", "a"], "Argument --contexts"),
        (["--shapes", "7b,1b,1b"], "has no effect with --shapes"),
        (["--prompt", ""], "The prompt is empty"),
        (["--alpha", "1", "--alpha", "1"], "more alphas than expert pairs"),
    ],
)
def test_invalid_options_of_bench(
    command: list[str], options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, *options]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_an_unwritable_plot_file(
    command: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    target = tmp_path / "missing" / "plot.svg"
    assert main([*command, "--prompt", "a", "--plot", str(target)]) == 2
    printed = capsys.readouterr()
    assert "cannot be written" in printed.err
    assert "tokens/s" in printed.out
