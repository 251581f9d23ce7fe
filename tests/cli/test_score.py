"""``tuneshift score``: its numbers are those of the Python API and of plain forward passes."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import pytest
import torch
from scipy import stats

import app
from app.__main__ import main
from app.checkpoints.recipes.recipe_file import write_recipe
from app.checkpoints.requantized import requantized
from app.checkpoints.spec import CheckpointSpec
from app.decoding.llama_cpp.library import is_installed
from app.errors import RecipeError
from tests import tiny, tiny_gguf

pytestmark = pytest.mark.slow

PROMPT, TEXT = "the king said", " the king said the queen"


@pytest.fixture
def command(llama: tiny.Family) -> list[str]:
    """The command with the roles, the expert of which has a template of its own."""
    options = {"base": llama.base, "expert": llama.expert, "antiexpert": llama.antiexpert}
    given = [part for role, folder in options.items() for part in (f"--{role}", str(folder))]
    return ["score", *given, "--dtype", "float32", "--no-proof", "--quiet"]


def printed(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    assert main(arguments) == 0
    found = capsys.readouterr()
    assert found.err == ""
    return found.out


def test_prompts_have_the_numbers_of_the_python_api_and_of_plain_forward_passes(
    command: list[str], capsys: pytest.CaptureFixture[str], llama: tiny.Family
) -> None:
    template = "[user]{prompt}[assistant]"
    arguments = [*command, PROMPT, "--prompt-format", template]
    report = json.loads(printed(capsys, [*arguments, "--format", "json"]))
    assert report["prompt"] == PROMPT
    names = [each["role"] for each in report["prompts"]]
    assert names == ["base", "expert “expert”", "anti-expert “expert”"]
    ids = tiny.make_tokenizer().encode(template.format(prompt=PROMPT)).ids
    recipe = llama.recipe()
    for place, spec in enumerate(recipe.checkpoints()):
        changed = CheckpointSpec(spec.source, dtype="float32", prompt=template)
        recipe = recipe.with_role(place, changed)
    with app.load(recipe, prove=False) as models:
        runs = [app.score(models, PROMPT, role=role, candidates=True) for role in range(3)]
        ends = app.score(models, PROMPT)
    assert [token.token_id for token in ends.tokens] == ids[1:]
    for each, run, model in zip(report["prompts"], runs, llama.models(), strict=True):
        first, *rest = each["tokens"]
        assert first["token_id"] == ids[0]
        assert first["probability"] is None
        assert [token["token_id"] for token in rest] == ids[1:]
        with torch.inference_mode():
            rows = model(torch.tensor([ids])).logits[0, :-1].double().log_softmax(-1)
        for shown, token, table, row in zip(rest, run.tokens, run.candidates, rows, strict=True):
            told = token.attribution
            assert shown["logprob"] == told.logprob_tuned
            assert shown["probability"] == told.p_tuned
            assert shown["rank"] == told.rank_tuned
            assert shown["argmax"] == told.argmax_tuned
            assert shown["entropy_bits"] == told.entropy_tuned / math.log(2)
            assert shown["candidates"]["probabilities"] == table.p_tuned.tolist()
            assert shown["logprob"] == pytest.approx(row[token.token_id].item(), abs=1e-4)
        total = sum(token["surprisal_bits"] for token in rest)
        assert each["surprisal_bits"] == pytest.approx(total)


def test_tables_of_prompts_are_aligned_and_the_same_in_csv_and_parquet(
    command: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rows = list(csv.DictReader(io.StringIO(printed(capsys, [*command, PROMPT, "--format", "csv"]))))
    assert len({row["role"] for row in rows}) == 3
    ids = tiny.make_tokenizer().encode(PROMPT).ids
    for place, row in enumerate(rows):
        assert int(row["row"]) == int(row["index"]) == place % len(ids)
        assert int(row["token_id"]) == ids[place % len(ids)]
        assert (row["probability"] == "") == (place % len(ids) == 0)
    parquet = pytest.importorskip("pyarrow.parquet")
    file = tmp_path / "prompts.parquet"
    assert main([*command, PROMPT, "--format", "parquet", "--output", str(file)]) == 0
    table = parquet.read_table(file)
    assert table.schema.metadata[b"tuneshift.prompts"] == b"1"
    assert table.schema.field("entropy_bits").metadata[b"unit"] == b"bits"
    assert table.column_names == list(rows[0])
    for stored, row in zip(table.to_pylist(), rows, strict=True):
        assert stored["role"] == row["role"]
        if row["logprob"]:
            assert stored["logprob"] == float(row["logprob"])


def test_a_text_has_the_numbers_of_the_python_api(
    command: list[str], capsys: pytest.CaptureFixture[str], llama: tiny.Family
) -> None:
    report = json.loads(printed(capsys, [*command, PROMPT, "--text", TEXT, "--format", "json"]))
    assert report["text"] == TEXT
    recipe = llama.recipe()
    for place, spec in enumerate(recipe.checkpoints()):
        recipe = recipe.with_role(place, CheckpointSpec(spec.source, dtype="float32"))
    with app.load(recipe.with_alphas((1.0,)), prove=False) as models:
        run = app.score(models, PROMPT, TEXT)
    assert [each["logprob_tuned"] for each in report["tokens"]] == [
        token.attribution.logprob_tuned for token in run.tokens
    ]
    assert "bits after tuning" in printed(capsys, [*command, PROMPT, "--text", TEXT])


def test_the_same_tokens_are_scored_in_another_dtype(
    command: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = tmp_path / "text.txt"
    text.write_text(TEXT * 12)
    arguments = [*command, PROMPT, "--text-file", str(text), "--against", "bfloat16"]
    report = json.loads(printed(capsys, [*arguments, "--format", "json"]))
    first, other = report["tokens"], report["against"]["tokens"]
    assert [each["token_id"] for each in first] == [each["token_id"] for each in other]
    assert report["against"]["name"] == "bfloat16"
    bits = [
        (after["logprob_tuned"] - before["logprob_tuned"]) / math.log(2)
        for before, after in zip(first, other, strict=True)
    ]
    assert any(bits)
    assert report["against"]["difference_bits"] == pytest.approx(bits)
    assert report["against"]["argmax_changed"] == [
        place
        for place, (before, after) in enumerate(zip(first, other, strict=True))
        if before["argmax_tuned"] != after["argmax_tuned"]
    ]
    mean = report["against"]["mean_difference_bits"]
    low, high = report["against"]["interval_bits"]
    assert mean == pytest.approx(sum(bits) / len(bits))
    blocks = [bits[start : start + 16] for start in range(0, len(bits), 16)]
    assert low < mean < high
    width = stats.t.ppf(0.975, len(blocks) - 1)
    assert high - low <= 2 * width * max(map(abs, bits))
    said = printed(capsys, arguments)
    assert "argmax changed at" in said
    assert "95%" in said
    rows = list(csv.DictReader(io.StringIO(printed(capsys, [*arguments, "--format", "csv"]))))
    assert len(rows) == 2 * len(first)
    assert [row["run_id"] for row in rows[len(first) :]] == ["bfloat16"] * len(first)


def test_what_makes_no_sense_is_refused(
    command: list[str], capsys: pytest.CaptureFixture[str], llama: tiny.Family, tmp_path: Path
) -> None:
    for more in (
        ["--against", "nf4"],
        ["--text", ""],
        ["--text", "a", "--against", "nf5"],
        ["--text-file", str(tmp_path / "missing")],
    ):
        assert main([*command, PROMPT, *more]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
    with pytest.raises(RecipeError):
        requantized(llama.recipe(), "float8")


def test_the_weights_that_the_models_have_are_refused(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [PROMPT, "--text", TEXT, "--against", "float32"]
    as_named, as_stored = command, [part for part in command if part not in ("--dtype", "float32")]
    for given in (as_named, as_stored):
        assert main([*given, *asked]) == 2
        assert "are loaded as float32 already" in capsys.readouterr().err


def test_a_recipe_with_other_tokens_is_refused(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, PROMPT, "--text", TEXT, "--against", "demo"]) == 2
    assert "has another vocabulary" in capsys.readouterr().err


def test_roles_that_are_used_as_they_are_stored_are_named(
    capsys: pytest.CaptureFixture[str], llama: tiny.Family, tmp_path: Path
) -> None:
    if not is_installed():
        pytest.skip("llama.cpp is not installed")
    file = tiny_gguf.write(llama.models()[0], tmp_path / "base.gguf")
    capsys.readouterr()  # the progress of reading them
    recipe = llama.recipe()
    stored = recipe.with_role(0, CheckpointSpec(f"gguf:{file}", engine="llama.cpp"))
    write_recipe(stored, tmp_path / "mixed.toml")
    arguments = ["score", "--recipe", str(tmp_path / "mixed.toml"), PROMPT, "--text", TEXT]
    arguments += ["--against", "bfloat16", "--no-proof", "--quiet"]
    assert "as they are stored: base" in printed(capsys, arguments)
    report = json.loads(printed(capsys, [*arguments, "--format", "json"]))
    assert report["against"]["not_compared"] == ["base"]
    assert any(report["against"]["difference_bits"])


def test_all_models_are_requantized(llama: tiny.Family) -> None:
    recipe = requantized(llama.recipe(), "nf4")
    assert {spec.quantization for spec in recipe.checkpoints()} == {"nf4"}
    again = requantized(recipe, "float32")
    assert {(spec.dtype, spec.quantization) for spec in again.checkpoints()} == {
        ("float32", "none")
    }
