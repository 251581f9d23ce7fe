"""Models are found in the folders of other programs, under the names that these programs show."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import gguf
import pytest
from huggingface_hub import constants

from app.checkpoints.candidates.local_model import LocalModel, ModelReader
from app.checkpoints.candidates.model_finder import find_local_models
from app.checkpoints.candidates.program_folders import Machine, models_of_programs
from app.checkpoints.ollama_manifests import ollama_models, ollama_name
from app.checkpoints.source_names import model_name
from app.checkpoints.spec import CheckpointSpec
from app.ui.words.candidate_words import about_base
from tests import tiny, tiny_gguf

MEDIA = "application/vnd.ollama.image."
DIGEST = "sha256:" + "ab" * 32


def file_at(path: Path) -> Path:
    """A file with the name of a model, which nothing reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"GGUF")
    return path


def found(machine: Machine) -> set[tuple[str, str, Path]]:
    """The models on a machine: program, name and path."""
    return {(model.program, model.name, model.path) for model in models_of_programs(machine)}


def manifest(store: Path, name: str, layers: dict[str, str]) -> Path:
    """A manifest of Ollama with a digest for each kind of layer."""
    path = store / "manifests" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    listed = [{"mediaType": MEDIA + kind, "digest": digest} for kind, digest in layers.items()]
    path.write_text(json.dumps({"schemaVersion": 2, "layers": listed}))
    return path


@pytest.mark.parametrize(
    ("platform", "folders"),
    [
        (
            "linux",
            {
                "GPT4All": ".local/share/nomic.ai/GPT4All",
                "Jan": ".local/share/Jan/data/llamacpp/models/org/repo",
                "llama.cpp": ".cache/llama.cpp",
            },
        ),
        (
            "darwin",
            {
                "GPT4All": "Library/Application Support/nomic.ai/GPT4All",
                "Jan": "Library/Application Support/Jan/data/llamacpp/models/org/repo",
                "llama.cpp": "Library/Caches/llama.cpp",
            },
        ),
        (
            "win32",
            {
                "GPT4All": "AppData/Local/nomic.ai/GPT4All",
                "Jan": "AppData/Roaming/Jan/data/llamacpp/models/org/repo",
                "llama.cpp": "AppData/Local/llama.cpp",
            },
        ),
    ],
)
def test_the_folders_of_each_system(tmp_path: Path, platform: str, folders: dict[str, str]) -> None:
    folders = folders | {"LM Studio": ".lmstudio/models/owner/model"}
    files = {program: file_at(tmp_path / folder / "a.gguf") for program, folder in folders.items()}
    blob = file_at(tmp_path / ".ollama/models/blobs" / DIGEST.replace(":", "-"))
    manifest(tmp_path / ".ollama/models", "registry.ollama.ai/library/tiny/1b", {"model": DIGEST})
    expected = {(program, "a", path) for program, path in files.items()}
    assert found(Machine(platform, tmp_path, {})) == expected | {("Ollama", "tiny:1b", blob)}


def test_the_folders_that_variables_name(tmp_path: Path) -> None:
    named = {
        "OLLAMA_MODELS": "ollama",
        "LLAMA_CACHE": "llama",
        "JAN_DATA_FOLDER": "jan",
        "XDG_DATA_HOME": "data",
        "XDG_CACHE_HOME": "cache",
    }
    environment = {name: str(tmp_path / folder) for name, folder in named.items()}
    blob = file_at(tmp_path / "ollama/blobs" / DIGEST.replace(":", "-"))
    manifest(tmp_path / "ollama", "hf.co/owner/repo/Q4_K_M", {"model": DIGEST})
    expected = {
        ("llama.cpp", "a", file_at(tmp_path / "llama/a.gguf")),
        ("Jan", "repo", file_at(tmp_path / "jan/llamacpp/models/org/repo/model.gguf")),
        ("GPT4All", "a", file_at(tmp_path / "data/nomic.ai/GPT4All/a.gguf")),
        ("Ollama", "hf.co/owner/repo:Q4_K_M", blob),
    }
    file_at(tmp_path / "cache/llama.cpp/not-asked.gguf")
    file_at(tmp_path / ".ollama/models/blobs" / DIGEST.replace(":", "-"))
    manifest(tmp_path / ".ollama/models", "registry.ollama.ai/library/x/y", {"model": DIGEST})
    assert found(Machine("linux", tmp_path, environment)) == expected


def test_the_folders_that_settings_name(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    (home / ".lmstudio-home-pointer").write_text(f"{elsewhere / 'studio'}\n")
    studio = {"downloadsFolder": str(elsewhere / "mine")}
    for path, content in (
        (elsewhere / "studio/settings.json", json.dumps(studio)),
        (home / ".local/share/Jan/settings.json", json.dumps({"data_folder": str(elsewhere)})),
        (
            home / ".config/nomic.ai/GPT4All.ini",
            f"[General]\nmodelPath={elsewhere / 'four'}\nx=1\n",
        ),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    expected = {
        ("LM Studio", "a", file_at(elsewhere / "mine/owner/model/a.gguf")),
        ("Jan", "a", file_at(elsewhere / "llamacpp/models/org/repo/a.gguf")),
        ("GPT4All", "a", file_at(elsewhere / "four/a.gguf")),
    }
    assert found(Machine("linux", home, {})) == expected


@pytest.mark.parametrize("content", ["", "{", "[]", '{"downloadsFolder": 3}', "[" * 100_000])
def test_damaged_settings_stand_for_none(tmp_path: Path, content: str) -> None:
    file = file_at(tmp_path / ".lmstudio/models/owner/model/a.gguf")
    (tmp_path / ".lmstudio/settings.json").write_text(content)
    assert found(Machine("linux", tmp_path, {})) == {("LM Studio", "a", file)}


@pytest.mark.parametrize(
    "layers",
    [
        {"model": "sha256:../../../../etc/passwd"},
        {"model": "sha256:" + "cd" * 32},  # there is no such file
        {"template": DIGEST},
        {},
    ],
)
def test_a_manifest_without_its_file_is_no_model(tmp_path: Path, layers: dict[str, str]) -> None:
    file_at(tmp_path / "blobs" / DIGEST.replace(":", "-"))
    manifest(tmp_path, "registry.ollama.ai/library/tiny/1b", layers)
    assert list(ollama_models(tmp_path)) == []


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"layers": 3}', '{"layers": [3]}', '{"layers": [{}]}', "[" * 99999]
)
def test_a_damaged_manifest_is_no_model(tmp_path: Path, content: str) -> None:
    manifest(tmp_path, "registry.ollama.ai/library/tiny/1b", {}).write_text(content)
    assert list(ollama_models(tmp_path)) == []


def test_names_of_ollama(tmp_path: Path) -> None:
    blob = file_at(tmp_path / "blobs" / DIGEST.replace(":", "-"))
    names = {
        "registry.ollama.ai/library/tiny/latest": "tiny:latest",
        "registry.ollama.ai/owner/tiny/1b": "owner/tiny:1b",
        "hf.co/owner/repo/Q4_K_M": "hf.co/owner/repo:Q4_K_M",
    }
    for place in names:
        manifest(tmp_path, place, {"model": DIGEST, "license": DIGEST})
    assert {model.name for model in ollama_models(tmp_path)} == set(names.values())
    assert ollama_name(blob) in names.values()
    assert ollama_name(blob.with_name("sha256-" + "0" * 64)) == ""
    assert ollama_name(blob.parent.parent / blob.name) == ""


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A packed file of a tiny model that names its quantization."""

    def facts(writer: Any) -> None:
        writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_K_M)

    return tiny_gguf.write(tiny.make_model("llama", 3), tmp_path / "tiny.gguf", facts=[facts])


def own(folders: list[Path]) -> list[LocalModel]:
    """The models that are not shipped."""
    return [model for model in find_local_models(folders) if model.program]


@pytest.mark.slow
def test_a_model_of_ollama_can_be_a_role(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    blob = store / "blobs" / DIGEST.replace(":", "-")
    blob.parent.mkdir(parents=True)
    shutil.copy(packed, blob)
    kinds = ("model", "adapter", "template", "license", "params")
    manifest(store, "registry.ollama.ai/library/qwen2.5/0.5b", dict.fromkeys(kinds, DIGEST))
    before = {path: path.stat() for path in store.rglob("*")}
    monkeypatch.setenv("OLLAMA_MODELS", str(store))
    (model,) = own([store])
    assert (model.name, model.source, model.problem) == ("qwen2.5:0.5b", f"gguf:{blob}", "")
    assert (model.program, model.unused) == ("Ollama", ("adapter", "template", "params"))
    assert (model.quantization, model.size) == ("Q4_K_M", packed.stat().st_size)
    assert model.stem == "qwen2.5-0.5b"
    assert model_name(CheckpointSpec(model.source)) == "qwen2.5:0.5b (GGUF)"
    words = about_base(model)
    assert "Q4_K_M, 0." in words
    unused = "its LoRA adapter, Ollama's template, its sampling settings"
    assert words.endswith(f"Ollama · not used: {unused}")
    assert {path: path.stat() for path in store.rglob("*")} == before


@pytest.mark.slow
def test_gguf_files_of_the_hub_cache(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = tmp_path / "hub" / "models--owner--tiny-GGUF"
    snapshot = repo / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (repo / "blobs").mkdir()
    shutil.copy(packed, repo / "blobs" / "0123")
    (snapshot / "tiny-Q4_K_M.gguf").symlink_to(repo / "blobs" / "0123")
    (snapshot / "mmproj-tiny.gguf").symlink_to(repo / "blobs" / "0123")
    (snapshot / "config.json").write_text("{}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    (model,) = own([])
    assert (model.program, model.name, model.problem) == ("Hugging Face", "tiny-Q4_K_M", "")


@pytest.mark.slow
def test_a_file_reached_through_a_program_is_named_after_it(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    shutil.copy(packed, folder / "tiny.gguf")
    monkeypatch.setenv("LLAMA_CACHE", str(folder))
    assert [model.program for model in own([folder])] == ["llama.cpp"]


def test_equal_vocabularies_of_files_are_read_once(packed: Path, tmp_path: Path) -> None:
    other = shutil.copy(packed, tmp_path / "other.gguf")
    reader = ModelReader()
    models = [reader.read(f"gguf:{path}", path.stem, path) for path in (packed, Path(other))]
    assert models[0].vocabulary is models[1].vocabulary is not None
    assert models[0].vocabulary.count == len(tiny.make_tokenizer().get_vocab())


def test_the_quantization_of_a_file_that_names_none(tmp_path: Path) -> None:
    kind = gguf.GGMLQuantizationType.Q8_0
    path = tiny_gguf.write(tiny.make_model("llama", 3), tmp_path / "tiny.gguf", kind)
    assert ModelReader().read(f"gguf:{path}", "tiny", path).quantization == "Q8_0"
