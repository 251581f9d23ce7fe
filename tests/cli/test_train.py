"""``tuneshift train``: previews, errors, and a training from the data to the verdict."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from app.__main__ import main
from app.checkpoints.preflight_report import DeviceMemory, MemoryEstimate
from app.checkpoints.recipes.recipe_file import read_recipe
from app.cli.train_command import require_memory_to_judge
from app.errors import DeviceError
from tests import tiny


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "letters.jsonl"
    lines = ({"text": f"the {n} said to the {n * 7} , thou art long"} for n in range(40))
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


@pytest.fixture
def models(llama: tiny.Family) -> list[str]:
    return ["--small", str(llama.antiexpert), "--base", str(llama.base), "--dtype", "float32"]


@pytest.mark.slow
def test_a_preview_shows_what_is_trained_on(
    data: Path, models: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(data), *models, "--preview"]) == 0
    printed = capsys.readouterr().out
    assert "trained on 30, held out 10" in printed
    assert "letters.jsonl, line" in printed
    assert "⟦the" in printed
    assert main(["train", str(data), *models, "--preview", "--json", "--rank", "4"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["plan"]["settings"]["rank"] == 4
    assert found["data"]["training"] == 30
    first = found["previews"][0]
    assert "".join(first["tokens"][first["first_learned"] :]).startswith("the ")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--match", "("], "--match is no regular expression"),
        (["--rank", "0"], "The setting rank of a training must be above 0"),
        (["--prompt-format", "chat"], "no chat template"),
        (["--most-tokens", "3"], "must be at least 8"),
        (["--batch-size", "0"], "The setting batch_size of a training must be above 0"),
        (["--seed", "-1"], "The seed of a training must be from 0 to"),
        (["--match", "[0-9]{9}"], "finds nothing in the expected ones"),
    ],
)
def test_errors_are_one_line_and_status_2(
    data: Path, models: list[str], more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(data), *models, *more]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert said in error


def test_the_models_that_judge_must_fit() -> None:
    fits = DeviceMemory("cpu", (), peak=2_000_000_000, free=2_000_000_000, total=9_000_000_000)
    require_memory_to_judge(MemoryEstimate(512, (fits,)))
    full = replace(fits, device="cuda:0", free=1_000_000_000)
    with pytest.raises(DeviceError, match=r"to judge the expert on cuda:0"):
        require_memory_to_judge(MemoryEstimate(512, (fits, full)))


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.timeout(600)  # a process that imports torch, on a machine that may be busy
def test_from_the_data_to_the_verdict(
    data: Path,
    models: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    models = [os.path.relpath(each) if Path(each).is_absolute() else each for each in models]
    out = tmp_path / "out"
    arguments = ["train", str(data), *models, "--epochs", "2", "--out", "out"]
    assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"]["documents"] == 5
    assert found["trained"]["best_loss"] < found["trained"]["first_loss"]
    recipe = read_recipe(out / "recipe.toml")
    assert recipe.alphas == (found["verdict"]["alpha"],)
    for spec in recipe.checkpoints():  # the recipe is opened from anywhere
        assert Path(spec.source.partition(":")[2]).is_dir(), spec
        assert not spec.over or Path(spec.over.partition(":")[2]).is_dir(), spec
    assert main(["train", str(data), *models, "--rank", "4", "--out", str(out)]) == 2
    assert "holds another training" in capsys.readouterr().err


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_expert_in_what_to_steer_away_from_is_the_anti_expert(
    data: Path, models: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = ["train", str(data), *models, "--negative", "--epochs", "2", "--out", str(out)]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    (pair,) = read_recipe(out / "recipe.toml").pairs
    assert pair.antiexpert.source == f"adapter:{(out / 'adapter').resolve()}"
    assert pair.expert.source == pair.antiexpert.over
    verdict = json.loads((out / "verdict.json").read_text())
    assert verdict["negative"]
    base, *_, tuned = verdict["bits"]["scores"]
    assert tuned["gain"]["value"] == pytest.approx(tuned["judging"] - base["judging"])
    steered = verdict["outcome"] == "steers away"
    assert ("less probable" in printed) == steered


@pytest.mark.slow
def test_data_that_ship_with_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    models = ["--small", "builtin:demo/antiexpert", "--base", "builtin:demo/base"]
    assert main(["train", "builtin:dickens", *models, "--preview"]) == 0
    assert "180 documents" in capsys.readouterr().out
    assert main(["train", "builtin:nobody", *models]) == 2
    assert "There are: dickens." in capsys.readouterr().err


INTERRUPTED = """
import signal, sys
from app.__main__ import main
from app.cli.train_report import ProgressWords
from app.training.messages.training_events import Step

class Words(ProgressWords):
    def after(self, event):
        if isinstance(event, Step) and event.step == 2:
            signal.raise_signal(signal.SIGINT)
        return super().after(event)

if __name__ == "__main__":  # not in the process of the training
    import app.cli.train_command
    app.cli.train_command.ProgressWords = Words
    sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.timeout(600)  # processes that import torch, on a machine that may be busy
@pytest.mark.skipif(sys.platform == "win32", reason="raises SIGINT")
def test_ctrl_c_keeps_the_best(data: Path, models: list[str], tmp_path: Path) -> None:
    script, out = tmp_path / "interrupted.py", tmp_path / "out"
    script.write_text(INTERRUPTED)
    arguments = ["train", str(data), *models, "--epochs", "3000", "--out", str(out)]
    ended = subprocess.run(
        [sys.executable, str(script), *arguments], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 130, ended.stderr
    assert "The adapter is in" in ended.stderr
    assert "Run the same command again to judge it." in ended.stderr
    assert json.loads((out / "trained.json").read_text())["stopped"]
    assert not (out / "verdict.json").exists()
    assert (out / "adapter" / "adapter_model.safetensors").is_file()
