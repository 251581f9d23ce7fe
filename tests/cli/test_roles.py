"""Model arguments and the sources that they mean."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from app.checkpoints.recipes.recipe_of_models import recipe_of_roles
from app.cli.options.shared import add_placement
from app.cli.roles import with_placement
from app.errors import RecipeError


@pytest.mark.parametrize(
    ("typed", "source"),
    [
        ("/models/a", "folder:/models/a"),
        ("models/a/b", "folder:models/a/b"),
        ("big", "folder:big"),
        ("folder:owner/name", "folder:owner/name"),
        ("builtin:demo/base", "builtin:demo/base"),
        ("hub:owner/name@v1", "hub:owner/name@v1"),
        ("/models/a.Q4_0.gguf", "gguf:/models/a.Q4_0.gguf"),
        ("/models/A.GGUF", "gguf:/models/A.GGUF"),
        ("gguf:/models/a", "gguf:/models/a"),
    ],
)
def test_a_bare_path_is_a_folder_or_a_gguf_file(typed: str, source: str) -> None:
    recipe = recipe_of_roles(typed, [typed], [typed])
    assert {spec.source for spec in recipe.checkpoints()} == {source}
    assert {spec.over for spec in recipe.checkpoints()} == {""}


def test_a_gguf_file_is_found_by_its_bytes_and_alone_in_a_folder(tmp_path: Path) -> None:
    blob = tmp_path / "blobs" / "sha256-0123"
    blob.parent.mkdir()
    blob.write_bytes(b"GGUF")
    assert _base(blob) == f"gguf:{blob}"
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "Model.GgUf").touch()
    (folder / "mmproj-Model.gguf").touch()
    assert _base(folder) == f"gguf:{folder / 'Model.GgUf'}"
    (folder / "other.gguf").touch()
    assert _base(folder) == f"folder:{folder}"


def _base(path: Path) -> str:
    return recipe_of_roles(str(path), [str(path)], [str(path)]).base.source


def test_an_adapter_applies_to_the_antiexpert() -> None:
    recipe = recipe_of_roles("base", ["adapter:/lora", "adapter:hub:o/lora"], ["small", "hub:o/m"])
    experts = [pair.expert for pair in recipe.pairs]
    assert [(spec.source, spec.over) for spec in experts] == [
        ("adapter:/lora", "folder:small"),
        ("adapter:hub:o/lora", "hub:o/m"),
    ]
    with pytest.raises(RecipeError, match="An adapter needs the model that it adapts"):
        recipe_of_roles("adapter:/lora", ["a"], ["b"])


def test_an_existing_folder_that_looks_like_a_hub_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RecipeError, match="write hub:owner/name"):
        recipe_of_roles("owner/name", ["a"], ["b"])
    (tmp_path / "owner/name").mkdir(parents=True)
    assert recipe_of_roles("owner/name", ["a"], ["b"]).base.source == "folder:owner/name"


def test_pairs_are_named_after_their_experts() -> None:
    recipe = recipe_of_roles("hub:o/big", ["hub:o/tuned", "/m/other/"], ["a", "b"])
    assert (recipe.name, [pair.name for pair in recipe.pairs]) == ("big", ["tuned", "other"])


def test_device_and_dtype_apply_to_every_role() -> None:
    recipe = with_placement(recipe_of_roles("a", ["b"], ["c"]), _placement(device="cpu"))
    assert {(spec.device, spec.dtype) for spec in recipe.checkpoints()} == {("cpu", "auto")}
    recipe = with_placement(recipe, _placement(dtype="float16"))
    assert {(spec.device, spec.dtype) for spec in recipe.checkpoints()} == {("cpu", "float16")}


def test_the_engine_and_its_options_apply_to_every_role() -> None:
    given = _placement(engine="llama.cpp", gpu_layers=12, kv_cache="q8_0")
    recipe = with_placement(recipe_of_roles("a.gguf", ["b.gguf"], ["c.gguf"]), given)
    found = {(spec.engine, spec.gpu_layers, spec.kv_cache) for spec in recipe.checkpoints()}
    assert found == {("llama.cpp", 12, "q8_0")}


@pytest.mark.parametrize(
    ("text", "layers"), [("12", 12), ("0", 0), ("all", "all"), ("auto", "auto")]
)
def test_layers_are_a_number_or_a_word(text: str, layers: int | str) -> None:
    assert _placement_options(["--gpu-layers", text]).gpu_layers == layers


@pytest.mark.parametrize("text", ["-1", "many", "", "²"])
def test_other_layers_are_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        _placement_options([f"--gpu-layers={text}"])
    assert "is not a number, auto or all" in capsys.readouterr().err


def _placement_options(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_placement(parser)
    return parser.parse_args(given)


def _placement(**given: object) -> argparse.Namespace:
    options = _placement_options([])
    vars(options).update(given)
    return options
