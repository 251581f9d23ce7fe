"""``tuneshift generate --prompts``: many prompts, their totals and the table of their tokens."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import pytest

from app.__main__ import main
from tests import tiny

PROMPTS = ("the king said", "and then")


@pytest.fixture
def generate(llama: tiny.Family) -> list[str]:
    options = {"base": llama.base, "expert": llama.expert, "antiexpert": llama.antiexpert}
    given = [part for role, folder in options.items() for part in (f"--{role}", str(folder))]
    fixed = ["--dtype", "float32", "--max-new-tokens", "6", "--no-proof", "--greedy"]
    return ["generate", *given, *fixed, "--alpha", "0.8"]


def prompt_file(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "prompts.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_every_prompt_has_the_tokens_that_it_has_alone(
    generate: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "tokens.csv"
    path = prompt_file(tmp_path, *PROMPTS)
    assert main([*generate, "--prompts", str(path), "--token-table", str(table)]) == 0
    told = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8"), newline="")))
    logprobs = []
    for number, prompt in enumerate(PROMPTS, 1):
        assert main([*generate, prompt, "--json"]) == 0
        alone = json.loads(capsys.readouterr().out)
        own = [row for row in rows if row["run_id"] == str(number)]
        assert [int(row["token_id"]) for row in own] == alone["token_ids"]
        assert f"[{number}] {prompt} →{alone['text']}" in told.out
        logprobs += [float(row["logprob_tuned"]) for row in own]
    assert len(logprobs) == len(rows)
    perplexity = math.exp(-sum(logprobs) / len(logprobs))
    assert f"2 of 2 prompts, {len(rows)} tokens" in told.err
    assert f"{perplexity:.2f} after tuning" in told.err


def test_a_prompt_that_fails_is_told_and_the_others_are_generated(
    generate: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = prompt_file(tmp_path, PROMPTS[0], "king " * 5000, PROMPTS[1])
    assert main([*generate, "--prompts", str(path)]) == 1
    told = capsys.readouterr()
    assert "Prompt 2: " in told.err
    assert "[3] and then →" in told.out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--json"], "--json has no effect with --prompts"),
        (["--token-table", "out.txt"], "End its name with .csv or .parquet"),
    ],
)
def test_what_has_no_effect_is_refused(
    generate: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    said: str,
) -> None:
    path = prompt_file(tmp_path, *PROMPTS)
    assert main([*generate, "--prompts", str(path), *more]) == 2
    assert said in capsys.readouterr().err
    assert main([*generate, "one", "--token-table", "out.csv"]) == 2
    assert "--token-table needs --prompts" in capsys.readouterr().err
