"""``tuneshift generate --prompts``: many prompts, their totals and the table of their tokens."""

from __future__ import annotations

import csv
import gc
import io
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from app.__main__ import main
from app.attribution.explained_token import ExplainedToken
from app.extras import is_installed
from app.history.export import parquet_file
from app.history.export.growing_table import GrowingTable
from app.history.export.token_table import TokenSource
from tests import tiny

PROMPTS = ("the king said", "and then")


@pytest.fixture
def generate(llama: tiny.Family) -> list[str]:
    options = {"base": llama.base, "expert": llama.expert, "antiexpert": llama.antiexpert}
    given = [part for role, folder in options.items() for part in (f"--{role}", str(folder))]
    fixed = [
        "--dtype",
        "float32",
        "--max-new-tokens",
        "6",
        "--no-proof",
        "--greedy",
        "--no-speculation",
    ]
    return ["generate", *given, *fixed, "--alpha", "0.8"]


def prompt_file(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "prompts.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def without_models(tmp_path: Path) -> list[str]:
    roles = ("--base", "--expert", "--antiexpert")
    return ["generate", *(part for role in roles for part in (role, str(tmp_path / "no model")))]


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_every_prompt_has_the_tokens_that_it_has_alone(
    generate: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "tokens.csv"
    path = prompt_file(tmp_path, *PROMPTS)
    assert main([*generate, "--prompts", str(path), "--token-table", str(table)]) == 0
    told = capsys.readouterr()
    rows = rows_of(table.read_text(encoding="utf-8"))
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


@pytest.mark.skipif(not is_installed("parquet"), reason="pyarrow is not installed")
def test_a_parquet_table_has_the_rows_of_the_csv_table_in_groups(
    generate: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyarrow import parquet

    monkeypatch.setattr(parquet_file, "GROUP_ROWS", 5)
    paths = [tmp_path / "tokens.csv", tmp_path / "tokens.parquet"]
    for path in paths:
        prompts = prompt_file(tmp_path, *PROMPTS)
        assert main([*generate, "--prompts", str(prompts), "--token-table", str(path)]) == 0
    expected = rows_of(paths[0].read_text(encoding="utf-8"))
    found = parquet.ParquetFile(paths[1])
    sizes = [found.metadata.row_group(at).num_rows for at in range(found.metadata.num_row_groups)]
    assert sizes == [5] * (len(expected) // 5) + [len(expected) % 5] * (len(expected) % 5 > 0)
    assert found.schema_arrow.metadata[b"tuneshift.schema"] == parquet_file.SCHEMA.encode()
    rows = found.read().to_pylist()
    assert len(rows) == len(expected)
    for row, text in zip(rows, expected, strict=True):
        assert list(row) == list(text)
        for name, value in row.items():
            if isinstance(value, float):
                assert value == pytest.approx(float(text[name]), abs=1e-4)
            else:
                assert ("" if value is None else str(value)) == text[name]


def test_the_tokens_of_one_prompt_alone_are_held(
    generate: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, add = [], GrowingTable.add

    def count(self: GrowingTable, run: TokenSource) -> None:
        gc.collect()
        held.append(sum(type(each) is ExplainedToken for each in gc.get_objects()))
        add(self, run)

    monkeypatch.setattr(GrowingTable, "add", count)
    path = prompt_file(tmp_path, *(PROMPTS * 4))
    table = tmp_path / "tokens.csv"
    assert main([*generate, "--prompts", str(path), "--token-table", str(table)]) == 0
    assert held[0] > 0
    assert len(held) == 8
    assert max(held) == held[0]


@pytest.mark.kill
def test_what_a_killed_program_has_printed_is_in_the_table(
    generate: list[str], tmp_path: Path
) -> None:
    path, table = prompt_file(tmp_path, *(PROMPTS * 500)), tmp_path / "tokens.csv"
    command = [*generate, "--prompts", str(path), "--token-table", str(table)]
    process = subprocess.Popen(
        [sys.executable, "-m", "app", *command], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("[3]"):
            process.kill()
            break
    process.stdout.close()
    assert process.wait(60) != 0
    text = table.read_text(encoding="utf-8")
    assert text.endswith("\n")
    rows = rows_of(text)
    assert {"1", "2", "3"} <= {row["run_id"] for row in rows}
    assert None not in rows[-1].values()


def test_a_file_that_cannot_be_written_is_told_before_the_models_are_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = prompt_file(tmp_path, *PROMPTS)
    table = tmp_path / "missing" / "tokens.csv"
    assert (
        main([*without_models(tmp_path), "--prompts", str(path), "--token-table", str(table)]) == 2
    )
    assert f"{table} cannot be written" in capsys.readouterr().err


def test_what_a_file_had_stays_if_the_models_cannot_be_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, table = prompt_file(tmp_path, *PROMPTS), tmp_path / "tokens.csv"
    missing = [*without_models(tmp_path), "--prompts", str(path)]
    assert main([*missing, "--token-table", str(table)]) != 0
    assert not table.exists()
    table.write_text("precious", encoding="utf-8")
    assert main([*missing, "--token-table", str(table)]) != 0
    assert table.read_text(encoding="utf-8") == "precious"
    assert "no model" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_full_disk_ends_it_with_an_error(
    generate: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], ending: str
) -> None:
    if ending == "parquet" and not is_installed("parquet"):
        pytest.skip("pyarrow is not installed")
    table = tmp_path / f"tokens.{ending}"
    table.symlink_to("/dev/full")
    path = prompt_file(tmp_path, *PROMPTS)
    assert main([*generate, "--prompts", str(path), "--token-table", str(table)]) == 2
    told = capsys.readouterr().err
    assert f"{table} cannot be written" in told
    assert "No space left on device" in told
