"""Models on a disk are found, with the facts that say what goes with what."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from app.checkpoints.candidates.folder_search import model_at, models_in_folder
from app.checkpoints.candidates.local_model import LocalModel
from app.checkpoints.candidates.model_finder import SearchProgress, find_local_models
from app.checkpoints.candidates.model_names import Tuning
from app.checkpoints.candidates.used_folders import (
    remember_folders,
    remember_folders_of,
    used_folders,
)
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from tests import tiny, tiny_gguf


def found(folder: Path) -> dict[str, LocalModel]:
    """The models that are not shipped, by name."""
    models = find_local_models([folder])
    return {model.name: model for model in models if not model.source.startswith("builtin:")}


def adapter(folder: Path, over: str) -> Path:
    folder.mkdir(parents=True)
    config = {"peft_type": "LORA", "base_model_name_or_path": over, "r": 4}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    shutil.copy(tiny_weights(folder.parent), folder / "adapter_model.safetensors")
    return folder


def tiny_weights(folder: Path) -> Path:
    """A safetensors file of one number."""
    path = folder / "one.safetensors"
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    return path


@pytest.mark.slow
def test_folders_files_and_adapters(llama: tiny.Family, tmp_path: Path) -> None:
    family = tmp_path / "owner" / "family"
    shutil.copytree(llama.base, family / "Tiny-1B")
    shutil.copytree(llama.expert, family / "Tiny-0.1B-Instruct")
    model = tiny.make_model("llama", 3)
    file = tiny_gguf.write(model, tmp_path / "Tiny-0.1B.Q8_0.gguf")
    adapter(tmp_path / "lora", str(family / "Tiny-1B"))
    models = found(tmp_path)
    assert {name: model.source for name, model in models.items()} == {
        "Tiny-1B": f"folder:{family / 'Tiny-1B'}",
        "Tiny-0.1B-Instruct": f"folder:{family / 'Tiny-0.1B-Instruct'}",
        "Tiny-0.1B.Q8_0": f"gguf:{file}",
        "lora": f"adapter:{tmp_path / 'lora'}",
    }
    assert not any(model.problem for model in models.values())
    shapes = {(model.architecture, model.shape) for model in models.values()}
    assert shapes == {("llama", (32, 2)), ("", ())}
    folder, packed = models["Tiny-1B"], models["Tiny-0.1B.Q8_0"]
    assert folder.vocabulary is not None
    assert packed.vocabulary is not None
    assert packed.vocabulary.different_from(folder.vocabulary) == 0
    weights = sum(parameter.numel() for parameter in model.parameters())
    assert folder.parameters == packed.parameters == weights
    assert (folder.has_chat_template, packed.has_chat_template) == (False, True)
    assert models["Tiny-0.1B-Instruct"].tuning is Tuning.INSTRUCT
    assert models["lora"].adapts == str(family / "Tiny-1B")


def test_the_shipped_models_are_found_without_any_folder() -> None:
    models = [model for model in find_local_models([]) if model.source.startswith("builtin:")]
    assert {model.name for model in models} == {"base", "antiexpert", "shakespeare", "arithmetic"}
    assert not any(model.problem for model in models)
    assert len({model.vocabulary for model in models}) == 1


@pytest.mark.slow
def test_models_of_the_hub_cache(
    llama: tiny.Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = "a" * 40
    repo = tmp_path / "models--owner--tiny-chat"
    shutil.copytree(llama.base, repo / "snapshots" / commit)
    (repo / "blobs").mkdir()
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    (model,) = [model for model in find_local_models([]) if model.source.startswith("hub:")]
    assert (model.source, model.name, model.problem) == (
        "hub:owner/tiny-chat",
        "owner/tiny-chat",
        "",
    )
    assert model.tuning is Tuning.INSTRUCT
    (repo / "snapshots" / commit / "model.safetensors").unlink()
    assert not [model for model in find_local_models([]) if model.source.startswith("hub:")]


def test_a_model_that_cannot_be_used_says_why(llama: tiny.Family, tmp_path: Path) -> None:
    for name in ("empty", "encoder", "wordless", "cut"):
        shutil.copytree(llama.base, tmp_path / name)
    (tmp_path / "empty" / "model.safetensors").unlink()
    (tmp_path / "wordless" / "tokenizer.json").unlink()
    config = json.loads((tmp_path / "encoder" / "config.json").read_text())
    config["architectures"] = ["BertForMaskedLM"]
    (tmp_path / "encoder" / "config.json").write_text(json.dumps(config))
    (tmp_path / "cut" / "config.json").write_text("{")
    (tmp_path / "broken.gguf").write_bytes(b"GGUF")
    models = found(tmp_path)
    assert "There are no weights" in models["empty"].problem
    assert "There is no tokenizer" in models["wordless"].problem
    assert models["encoder"].problem == "it is a BertForMaskedLM"
    assert "cannot be read" in models["cut"].problem
    assert "is damaged" in models["broken"].problem


@pytest.mark.parametrize(
    ("card", "origin"),
    [
        ("---\nlicense: mit\nbase_model: owner/Tiny-1B\n---\n# pirate", "Tiny-1B"),
        ("---\nbase_model:\n- 'owner/Tiny-1B'\n- other/x\n---\n", "Tiny-1B"),
        ("# base_model: owner/Tiny-1B", ""),
        ("---\nlicense: mit\n---\nbase_model: owner/Tiny-1B", ""),
        ("---\nbase_model: [a, b]\n---\n", ""),
        ("", ""),
    ],
)
def test_the_model_card_says_from_which_model_it_was_tuned(
    llama: tiny.Family, tmp_path: Path, card: str, origin: str
) -> None:
    folder = shutil.copytree(llama.base, tmp_path / "pirate")
    (folder / "README.md").write_text(card)
    model = found(tmp_path)["pirate"]
    assert model.origin == origin
    assert model.tuning is (Tuning.OTHER if origin else Tuning.UNKNOWN)


@pytest.mark.parametrize(
    ("name", "origin", "tuning"),
    [("pirate", "Tiny-1B", Tuning.OTHER), ("Tiny-1B.Q8_0", "Tiny-1B", Tuning.UNKNOWN)],
)
def test_a_gguf_file_says_from_which_model_it_was_tuned(
    tmp_path: Path, name: str, origin: str, tuning: Tuning
) -> None:
    def facts(writer: Any) -> None:
        writer.add_base_model_count(1)
        writer.add_base_model_repo_url(0, "https://huggingface.co/owner/Tiny-1B")

    tiny_gguf.write(tiny.make_model("llama", 3), tmp_path / f"{name}.gguf", facts=[facts])
    model = found(tmp_path)[name]
    assert (model.origin, model.tuning, model.problem) == (origin, tuning, "")


def test_a_gguf_file_of_an_instruct_model_of_any_name(tmp_path: Path) -> None:
    facts = [lambda writer: writer.add_finetune("Instruct")]
    tiny_gguf.write(tiny.make_model("llama", 3), tmp_path / "model.gguf", facts=facts)
    assert found(tmp_path)["model"].tuning is Tuning.INSTRUCT


def test_what_is_not_a_model_is_left_out(tmp_path: Path) -> None:
    deep = tmp_path / "1" / "2" / "3" / "4"
    for folder in (deep, tmp_path / ".hidden" / "model", tmp_path / "notes"):
        folder.mkdir(parents=True)
    for folder in (deep, tmp_path / ".hidden" / "model"):
        (folder / "config.json").write_text("{}")
    (tmp_path / "mmproj-model.gguf").touch()
    (tmp_path / "big-00002-of-00003.gguf").touch()
    (tmp_path / "loop").symlink_to(tmp_path)
    assert list(models_in_folder(tmp_path)) == []
    assert list(models_in_folder(tmp_path / "nowhere")) == []
    assert model_at(tmp_path) is None
    (tmp_path / "big-00001-of-00003.gguf").touch()
    assert {item.name for item in models_in_folder(tmp_path)} == {"big"}


@pytest.mark.slow
def test_one_folder_reached_in_two_ways_is_one_model(llama: tiny.Family, tmp_path: Path) -> None:
    shutil.copytree(llama.base, tmp_path / "models" / "Tiny")
    (tmp_path / "link").symlink_to(tmp_path / "models")
    assert [model.name for model in found(tmp_path).values()] == ["Tiny"]
    models = find_local_models([tmp_path / "models", tmp_path / "models" / "Tiny"])
    assert [model.name for model in models].count("Tiny") == 1


def test_progress_and_cancel(llama: tiny.Family, tmp_path: Path) -> None:
    for name in ("a", "b"):
        shutil.copytree(llama.base, tmp_path / name)
    seen: list[SearchProgress] = []
    find_local_models([tmp_path], on_progress=seen.append)
    total = len(seen)
    assert [(item.done, item.total) for item in seen] == [(i, total) for i in range(total)]
    assert [item.name for item in seen[:2]] == ["a", "b"]
    seen.clear()
    read = find_local_models([tmp_path], on_progress=seen.append, cancelled=lambda: len(seen) == 1)
    assert [model.name for model in read] == ["a"]
    assert find_local_models([tmp_path], cancelled=lambda: True) == ()


@pytest.mark.process
def test_nothing_imports_torch() -> None:
    code = (
        "import sys; from app.checkpoints.candidates import model_finder, partners;"
        "model_finder.find_local_models([]);"
        "print(*{'torch', 'transformers', 'PySide6'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def recipe_of(*folders: str) -> Recipe:
    base, expert, antiexpert = map(CheckpointSpec, folders)
    return Recipe("r", base, (ExpertPair("p", expert, antiexpert),))


def test_folders_of_loaded_recipes_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert used_folders() == []
    for name in ("one", "other", "third"):
        (tmp_path / name).mkdir()
    remember_folders_of(
        recipe_of(f"folder:{tmp_path}/one/base", f"gguf:{tmp_path}/other/x.gguf", "hub:a/b")
    )
    assert used_folders() == [tmp_path / "one", tmp_path / "other"]
    remember_folders([tmp_path / "third"])
    remember_folders_of(recipe_of("builtin:demo/base", "hub:a/b", "hub:a/b"))
    assert used_folders() == [tmp_path / name for name in ("third", "one", "other")]
    (tmp_path / "one").rmdir()
    assert used_folders() == [tmp_path / "third", tmp_path / "other"]
    (tmp_path / "state" / "tuneshift" / "model-folders.toml").write_text("folders = 3")
    assert used_folders() == []
