"""``tuneshift check``: options, output and exit status."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from transformers import OpenAIGPTConfig

from app.__main__ import main
from app.checkpoints.memory import estimate as memory
from app.checkpoints.recipes.recipe_file import write_recipe
from tests import tiny
from tests.bridged_recipes import bridged_recipe
from tests.checkpoints.hub_server import HubServer


@pytest.fixture
def models(llama: tiny.Family) -> list[str]:
    return [str(folder) for folder in (llama.base, llama.expert, llama.antiexpert)]


def renamed(folder: Path, tmp_path: Path, names: dict[str, str]) -> str:
    """A copy of a checkpoint that calls some tokens otherwise."""
    copy = Path(shutil.copytree(folder, tmp_path / "renamed"))
    path = copy / "tokenizer.json"
    content = json.loads(path.read_text())
    vocabulary = content["model"]["vocab"]
    content["model"]["vocab"] = {names.get(token, token): i for token, i in vocabulary.items()}
    content["model"]["merges"] = []
    path.write_text(json.dumps(content))
    return str(copy)


def report(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    main(["check", *arguments, "--json"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.slow
def test_compatible_models(models: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", *models, "--prompt", "12?"]) == 0
    output = capsys.readouterr()
    assert output.err == ""
    lines = output.out.splitlines()
    assert lines[0] == "base"
    assert "  expert “expert”       320 tokens, 320 rows  identical" in lines
    assert (
        f"  expert “expert”, {len(tiny.make_tokenizer().encode('12?').ids)} tokens of 512: '12?'"
        in lines
    )
    (needed,) = (line for line in lines if line.startswith("  cpu: needs"))
    assert needed.endswith(": fits")


def test_several_pairs(models: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    found = report([*models, models[0], models[2]], capsys)
    assert [role["role"] for role in found["vocabulary"]["roles"]] == [
        "base",
        "expert “expert”",
        "anti-expert “expert”",
        "expert “base”",
        "anti-expert “base”",
    ]


def test_differing_tokens_are_listed(
    models: list[str], llama: tiny.Family, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models[1] = renamed(llama.expert, tmp_path, {"a": "other", "?": "another"})
    assert main(["check", *models, "--accept", str(ids("a"))]) == 0
    out = capsys.readouterr().out
    assert "a few tokens differ" in out
    assert f"{ids('a'):>7}  “a” in the base, “other” here, accepted by the recipe" in out
    assert f"{ids('?'):>7}  “?” in the base, “another” here\n" in out
    assert "Masked (never generated): 1 of the base's rows" in out


def ids(token: str) -> int:
    found = tiny.make_tokenizer().token_to_id(token)
    assert found is not None
    return found


def test_a_different_vocabulary_is_rejected_after_the_report(
    models: list[str], llama: tiny.Family, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models[1] = renamed(llama.expert, tmp_path, {letter: letter * 9 for letter in "abcdefghijk"})
    assert main(["check", *models]) == 2
    output = capsys.readouterr()
    assert "different vocabulary: refused" in output.out
    assert "11 of 320 tokens differ" in output.err
    assert output.err.count("\n") == 1
    found = report(models, capsys)
    assert found["usable"] is False
    assert found["vocabulary"]["roles"][1]["different"] == 11


@pytest.mark.slow
def test_a_pair_of_another_tokenizer_has_one_line_for_each_role(
    llama: tiny.Family, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "recipe.toml"
    write_recipe(bridged_recipe(llama, tmp_path), path)
    assert main(["check", "--recipe", str(path)]) == 0
    out = capsys.readouterr().out
    lines = out[: out.index("\n\nPrompts")].splitlines()
    (expert,) = (line for line in lines if line.startswith("  expert “A”"))
    said = r"another tokenizer, by its bytes: \d+% of English, \d+% of code, \d+% of Korean exactly"
    assert re.search(said, expert)
    assert len(lines) == 6  # the recipe, an empty line, a title and a line for each role
    found = report(["--recipe", str(path)], capsys)
    assert found["usable"]
    shares = found["vocabulary"]["roles"][1]["shares"]
    assert [share["text"] for share in shares] == ["English", "code", "Korean"]
    assert all(0 < share["exact"] + share["pieces"] <= share["tokens"] for share in shares)


def test_a_recipe_that_exceeds_memory_is_reported_but_usable(
    models: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: 1000)
    assert main(["check", *models]) == 0
    assert "does not fit, but can be loaded anyway" in capsys.readouterr().out
    found = report(models, capsys)
    assert (found["usable"], found["memory"]["fits"]) == (True, False)
    (device,) = found["memory"]["devices"]
    assert (device["device"], device["free"], device["fits"]) == ("cpu", 1000, False)
    assert device["peak"] > 1000


def test_prompts_and_warnings_of_a_recipe_file(
    llama: tiny.Family, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = llama.recipe()
    pair = replace(recipe.pairs[0], expert=tiny.spec(llama.expert, prompt="Q: {prompt}"))
    path = tmp_path / "mine.toml"
    write_recipe(replace(recipe, pairs=(pair,), accepted_ids=(9999,)), path)
    assert main(["check", "--recipe", str(path)]) == 0
    out = capsys.readouterr().out
    assert "expert “Style”, " in out
    assert "'Q: the king'" in out
    assert "Warnings\n  The recipe accepts ids that not every role has" in out
    found = report(["--recipe", str(path)], capsys)
    assert [prompt["text"] for prompt in found["prompts"]] == [
        "the king",
        "Q: the king",
        "the king",
    ]
    assert len(found["warnings"]) == 1


def test_an_unencodable_prompt_is_rejected_after_the_report(
    llama: tiny.Family, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = llama.recipe()
    pair = replace(recipe.pairs[0], expert=tiny.spec(llama.expert, prompt="chat"))
    path = tmp_path / "mine.toml"
    write_recipe(replace(recipe, pairs=(pair,)), path)
    assert main(["check", "--recipe", str(path)]) == 2
    output = capsys.readouterr()
    assert "Memory" in output.out
    assert "The expert “Style” cannot encode the prompt" in output.err
    assert "has no chat template" in output.err
    assert report(["--recipe", str(path)], capsys)["usable"] is False


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/nowhere", "/nowhere", "/nowhere"], "/nowhere"),
        (["/nowhere"], "The base has no expert pair"),
        (["/nowhere", "/nowhere"], "experts: 1, anti-experts: 0"),
        (["owner/a", "owner/b", "owner/c"], "write hub:owner/a"),
        (["/a", "/b", "/c", "--recipe", "demo"], "cannot be combined with"),
        (["--recipe", "nowhere"], "no recipe “nowhere”"),
        (["--accept", "x"], "invalid int"),
    ],
)
def test_missing_inputs_are_one_line_and_status_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *arguments]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert said in output.err
    assert output.err.count("\n") == 1


@pytest.fixture
def hub_models(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: tiny.Family
) -> Iterator[list[str]]:
    with HubServer() as server:
        server.connect(monkeypatch, tmp_path)
        for role in ("base", "expert", "antiexpert"):
            server.add_repo(f"owner/{role}", getattr(llama, role))
        yield ["hub:owner/base", "hub:owner/expert", "hub:owner/antiexpert"]
        huggingface_hub.close_session()


@pytest.mark.slow
def test_fetch_downloads_metadata_without_weights(
    hub_models: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["check", *hub_models]) == 2
    assert "owner/base is not on this machine yet. Add --fetch" in capsys.readouterr().err
    assert main(["check", *hub_models, "--fetch"]) == 0
    fetched = capsys.readouterr().out
    assert "expert “expert”" in fetched
    assert "cpu: needs" in fetched
    assert not list(tmp_path.rglob("*.safetensors"))
    assert main(["check", *hub_models]) == 0
    assert capsys.readouterr().out.split("Memory")[0] == fetched.split("Memory")[0]


@pytest.mark.slow
def test_models_are_proved_where_that_is_asked_for(
    models: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *models, "--dtype", "float32", "--prove"]) == 0
    output = capsys.readouterr()
    assert output.err == ""
    proof = output.out.split("\nProof\n")[1].splitlines()
    assert proof[0].startswith("  base: Proved: largest difference ")
    assert "e-" in proof[0]
    assert [line.split(":")[0].strip() for line in proof[1:8]] == [
        "without a cache",
        "one token at a time",
        "a prompt in chunks",
        "after a rewind",
        "in blocks",
        "in a batch of texts",
        "expert “expert”",
    ]
    found = report([*models, "--dtype", "float32", "--prove"], capsys)
    assert list(found["proofs"]) == ["base", "expert “expert”", "anti-expert “expert”"]
    for told in found["proofs"].values():
        assert 0 < told["largest_difference"] < 1e-3
        assert told["given_up"] == told["faults"] == told["skipped"] == []
    assert "proofs" not in report(models, capsys)


@pytest.mark.slow
def test_what_a_proof_gives_up_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """GPT-1, as if nobody knew that it takes no cache."""
    monkeypatch.setattr("app.decoding.graphs.why_not_cached", lambda model: "")
    config = OpenAIGPTConfig(
        vocab_size=tiny.VOCABULARY, n_embd=32, n_layer=2, n_head=2, n_positions=64
    )
    folder = str(tiny.save(tiny.random_model(config, 2), tmp_path / "gpt"))
    assert main(["check", *[folder] * 3, "--prove"]) == 0
    lines = capsys.readouterr().out.splitlines()
    told = [line for line in lines if line.startswith("  The base is read without a cache")]
    assert len(told) == 1
    assert "one token at a time, log-probabilities differ by " in told[0]
    proof = report([*[folder] * 3, "--prove"], capsys)["proofs"]["base"]
    assert proof["given_up"][-1] == "cache"
    assert proof["faults"][0]["reading"] == "one token at a time"
    assert proof["faults"][0]["largest_difference"] > 0.1


@pytest.mark.slow
def test_a_model_that_cannot_be_proved_is_refused(
    models: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tiny.make_model("llama", 3)
    with torch.no_grad():
        model.model.norm.weight[4] = torch.nan
    folder = str(tiny.save(model, tmp_path / "nan"))
    assert main(["check", models[0], folder, models[2]]) == 0  # the files are in order
    capsys.readouterr()
    assert main(["check", models[0], folder, models[2], "--prove"]) == 2
    output = capsys.readouterr()
    assert output.out.startswith("base\n")
    assert len(output.err.splitlines()) == 1
    assert "The expert “nan” computed logits that are not numbers (32 of 32 rows" in output.err


def test_what_several_texts_take_is_told(
    models: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    found = report([*models, "--parallel", "4"], capsys)["memory"]
    (device,) = found["devices"]
    cache = (
        3 * tiny.CONTEXT * 2 * 2 * 32 * 4
    )  # roles, tokens, layers, keys and values, width, bytes
    assert (found["texts"], found["beside"], device["each_text"]) == (4, 4 * cache, cache)
    assert found["texts_at_once"] == max(1, (device["free"] - device["peak"]) // cache)
    main(["check", *models, "--parallel", "4"])
    assert "4 texts at once take 3.1 MB more: fit" in capsys.readouterr().out
    assert main(["check", *models, "--parallel", "0"]) == 2
