"""The command that ``tuneshift vllm`` runs."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from app.__main__ import main
from app.checkpoints.memory import estimate
from app.checkpoints.recipes.recipe_file import write_recipe
from app.checkpoints.spec import CheckpointSpec
from app.errors import RecipeError, SettingsError
from app.inside_vllm.launching import serve_command
from tests import tiny


@pytest.fixture
def file(llama: tiny.Family, tmp_path: Path) -> Path:
    path = tmp_path / "my recipe.toml"
    write_recipe(replace(llama.recipe(), context=256), path)
    return path


def test_one_line_says_what_runs(
    file: Path, llama: tiny.Family, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--recipe", str(file), "--dry-run", "--port", "9000", "--dtype=bfloat16"]
    assert main(["vllm", *options]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    words = shlex.split(line)
    command = words[words.index("vllm") :]
    variables = words[: -len(command)]
    assert variables[-2:] == ["VLLM_USE_V2_MODEL_RUNNER=0", "VLLM_ENABLE_V1_MULTIPROCESSING=0"]
    assert f"OMP_WAIT_POLICY={os.environ['OMP_WAIT_POLICY']}" in variables
    assert command[:3] == ["vllm", "serve", str(llama.base.resolve())]
    assert command[-3:] == ["--port", "9000", "--dtype=bfloat16"]
    assert "--dtype" not in command
    given = dict(zip(command[3:-3:2], command[4:-3:2], strict=True))
    assert given["--host"] == "127.0.0.1"
    assert given["--max-model-len"] == "256"
    assert given["--logits-processors"] == "app.inside_vllm.v1_processor:ProxyTuning"
    assert json.loads(given["--additional-config"]) == {"tuneshift_recipe": str(file)}


def test_the_variables_of_the_environment(file: Path) -> None:
    chosen = {
        "VLLM_USE_V2_MODEL_RUNNER": "1",
        "VLLM_ENABLE_V1_MULTIPROCESSING": "1",
        "OMP_WAIT_POLICY": "ACTIVE",
    }
    variables, command = serve_command(str(file), [], chosen)
    assert variables == chosen
    assert "app.inside_vllm.v2_processor:ProxyTuning" in command


@pytest.mark.parametrize("source", ["endpoint:http://127.0.0.1:1/v1", "gguf:/x.gguf"])
def test_a_base_that_vllm_cannot_run_is_refused(
    llama: tiny.Family, tmp_path: Path, source: str
) -> None:
    path = tmp_path / "recipe.toml"
    write_recipe(replace(llama.recipe(), base=CheckpointSpec(source)), path)
    with pytest.raises(RecipeError, match="vLLM cannot run the base"):
        serve_command(str(path), [], {})


@pytest.mark.parametrize(
    ("changed", "evidence", "option"),
    [
        ({"quantization": "int8"}, "int8", "--quantization"),
        ({"offload": True}, "offload = true", "--cpu-offload-gb"),
    ],
)
def test_load_options_of_the_base_that_vllm_does_not_have_are_refused(
    file: Path, llama: tiny.Family, changed: dict[str, Any], evidence: str, option: str
) -> None:
    recipe = llama.recipe()
    write_recipe(replace(recipe, base=replace(recipe.base, **changed)), file)
    with pytest.raises(RecipeError, match=f"vLLM does not .*{evidence}.*{option}"):
        serve_command(str(file), [], {})


def test_a_policy_of_alpha_is_refused(file: Path, llama: tiny.Family) -> None:
    sampling = replace(llama.recipe().sampling, alpha_policy="kl:0.5")
    write_recipe(replace(llama.recipe(), sampling=sampling), file)
    with pytest.raises(RecipeError, match=r"cannot change.*kl:0\.5.*tuneshift serve"):
        serve_command(str(file), [], {})


@pytest.mark.parametrize("revision", ["", f"@{'a' * 40}"])
def test_a_base_of_the_hub_is_served_from_the_folder_that_was_checked(
    file: Path,
    llama: tiny.Family,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    revision: str,
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    model = tmp_path / "hub" / "models--owner--tiny"
    snapshot = shutil.copytree(llama.base, model / "snapshots" / ("a" * 40))
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text("a" * 40)
    write_recipe(replace(llama.recipe(), base=CheckpointSpec(f"hub:owner/tiny{revision}")), file)
    _, command = serve_command(str(file), [], {})
    assert command[2] == str(snapshot.resolve())
    assert command[command.index("--served-model-name") + 1] == "owner/tiny"
    assert "--revision" not in command
    _, command = serve_command(str(file), ["--served_model_name", "mine"], {})
    assert "--served-model-name" not in command


def test_options_of_which_vllm_keeps_the_last_are_merged(file: Path) -> None:
    options = ["--additional_config", '{"tuneshift_prefix_megabytes": 4096}']
    options += ["--logits-processors", "x:Y", "a.Z", "--port", "9000"]
    options += ['--additional-config={"other": 1}', "--logits_processors=b:C"]
    _, command = serve_command(str(file), options, {})
    place = command.index("--logits-processors")
    ours = "app.inside_vllm.v1_processor:ProxyTuning"
    assert command[place + 1 : place + 6] == [ours, "x:Y", "a.Z", "b:C", "--middleware"]
    *_, option, value, port, number = command
    assert option == "--additional-config"
    expected = {"tuneshift_recipe": str(file), "tuneshift_prefix_megabytes": 4096, "other": 1}
    assert json.loads(value) == expected
    assert (port, number) == ("--port", "9000")


@pytest.mark.parametrize(
    "options",
    [
        ["--additional-config.tuneshift_prefix_megabytes=4096"],
        ["--additional_config.tuneshift_prefix_megabytes", "4096"],
        ["--additional-c", "{}"],
        ["--logits-processor", "x:Y"],
        ["--additional-config"],
        ["--additional-config", "tuneshift_prefix_megabytes"],
        ["--additional-config", "[4096]"],
        ["--additional-config", '{"tuneshift_recipe": "other.toml"}'],
        ["--revision=main"],
    ],
)
def test_options_that_would_replace_the_recipe_are_refused(file: Path, options: list[str]) -> None:
    with pytest.raises(SettingsError, match=r"--(additional-config|logits-processors|revision)"):
        serve_command(str(file), options, {})


def test_a_damaged_pair_is_refused_before_vllm_starts(
    file: Path, llama: tiny.Family, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = shutil.copytree(llama.expert, tmp_path / "damaged") / "model.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    pair = llama.recipe().pairs[0]
    broken = replace(pair, expert=tiny.spec(damaged.parent))
    write_recipe(replace(llama.recipe(), pairs=(broken,)), file)
    assert main(["vllm", "--recipe", str(file)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "model.safetensors" in line


def test_a_pair_of_another_vocabulary_is_refused_before_vllm_starts(
    file: Path, llama: tiny.Family, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokenizer = tiny.make_metaspace_tokenizer()
    other = tiny.spec(tiny.save(tiny.make_model("llama", 7), tmp_path / "other", tokenizer))
    pair = replace(llama.recipe().pairs[0], expert=other, antiexpert=other)
    write_recipe(replace(llama.recipe(), pairs=(pair,)), file)
    capsys.readouterr()  # of the checkpoint that was written
    assert main(["vllm", "--recipe", str(file)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "another vocabulary than the base" in line


def test_pairs_that_do_not_fit_into_memory_are_refused_before_vllm_starts(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimate, "free_bytes", lambda device: 10_000)
    assert main(["vllm", "--recipe", str(file)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "The pairs do not fit into the memory of cpu" in line
    assert "free 0.0 GB" in line
    assert main(["vllm", "--recipe", str(file), "--dry-run"]) == 0  # for another machine


def test_without_vllm_there_is_one_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vllm", "--port", "9000"]) == 2
    assert "--recipe" in capsys.readouterr().err
    assert main(["vllm", "--recipe", str(file.parent / "nothing.toml")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "There is no recipe" in line
