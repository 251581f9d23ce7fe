"""The command that ``tuneshift vllm`` runs."""

from __future__ import annotations

import json
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from app.__main__ import main
from app.checkpoints.recipes.recipe_file import write_recipe
from app.checkpoints.spec import CheckpointSpec
from app.errors import RecipeError
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
    variable, *command = shlex.split(line)
    assert variable == "VLLM_USE_V2_MODEL_RUNNER=0"
    assert command[:3] == ["vllm", "serve", str(llama.base.resolve())]
    assert command[-3:] == ["--port", "9000", "--dtype=bfloat16"]
    assert "--dtype" not in command
    given = dict(zip(command[3:-3:2], command[4:-3:2], strict=True))
    assert given["--host"] == "127.0.0.1"
    assert given["--max-model-len"] == "256"
    assert given["--logits-processors"] == "app.inside_vllm.v1_processor:ProxyTuning"
    assert json.loads(given["--additional-config"]) == {"tuneshift_recipe": str(file)}


def test_the_model_runner_of_the_environment(file: Path) -> None:
    variables, command = serve_command(str(file), [], {"VLLM_USE_V2_MODEL_RUNNER": "1"})
    assert variables == {"VLLM_USE_V2_MODEL_RUNNER": "1"}
    assert "app.inside_vllm.v2_processor:ProxyTuning" in command


@pytest.mark.parametrize("source", ["endpoint:http://127.0.0.1:1/v1", "gguf:/x.gguf"])
def test_a_base_that_vllm_cannot_run_is_refused(
    llama: tiny.Family, tmp_path: Path, source: str
) -> None:
    path = tmp_path / "recipe.toml"
    write_recipe(replace(llama.recipe(), base=CheckpointSpec(source)), path)
    with pytest.raises(RecipeError, match="vLLM cannot run the base"):
        serve_command(str(path), [], {})


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


def test_without_vllm_there_is_one_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vllm", "--port", "9000"]) == 2
    assert "--recipe" in capsys.readouterr().err
    assert main(["vllm", "--recipe", str(file.parent / "nothing.toml")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "There is no recipe" in line
