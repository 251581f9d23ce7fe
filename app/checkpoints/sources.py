"""From what a recipe names to a folder that can be loaded, with every doubt spoken before."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.checkpoints.spec import CheckpointSpec
from app.errors import CheckpointError, RecipeError
from app.resources import resource

_PICKLE_ENDINGS = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_MOST_HEADER_BYTES = 100_000_000


@dataclass(frozen=True, slots=True)
class CheckpointFiles:
    """A checked folder: its configuration and its weight files."""

    folder: Path
    config: dict[str, Any]
    weights: tuple[Path, ...]

    @property
    def weight_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.weights)


def builtin_checkpoints() -> list[str]:
    """Sources of the checkpoints that ship with the program."""
    configs = sorted(resource("demo").glob("*/config.json"))
    return [f"builtin:demo/{path.parent.name}" for path in configs]


def folder_of(source: str) -> Path:
    """The folder that a source names.

    Raises:
        RecipeError: When the source is of an unknown kind or leaves the built-in checkpoints.
    """
    kind, _, name = source.partition(":")
    if kind == "folder":
        return Path(name).expanduser()
    if kind == "builtin":
        if source not in builtin_checkpoints():
            raise RecipeError(
                f"There is no built-in checkpoint “{name}”",
                next_step=f"There are: {', '.join(builtin_checkpoints()) or 'none'}.",
            )
        return resource(*name.split("/"))
    raise RecipeError(
        f"“{source}” is not a source of a checkpoint", next_step="Use folder:PATH or builtin:NAME."
    )


def open_checkpoint(spec: CheckpointSpec) -> CheckpointFiles:
    """Check everything that can be checked without reading weights.

    Raises:
        CheckpointError: Says what is missing, damaged or unusable.
        RecipeError: When the source cannot be understood.
    """
    folder = folder_of(spec.source)
    if not folder.is_dir():
        raise CheckpointError(
            f"There is no folder {folder}", next_step="Choose the folder that holds config.json."
        )
    config = _read_json(folder / "config.json")
    if "auto_map" in config and "model_type" not in config:
        raise CheckpointError(
            f"The model in {folder} needs code of its own to run",
            next_step="Tuneshift runs no code from checkpoints; choose another model.",
        )
    weights = _weight_files(folder)
    for path in weights:
        _check_safetensors(path)
    return CheckpointFiles(folder, config, weights)


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise CheckpointError(
            f"There is no {path.name} in {path.parent}",
            next_step="Choose the folder of a Hugging Face checkpoint.",
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read", evidence=str(error)) from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} does not hold a configuration")
    return content


def _weight_files(folder: Path) -> tuple[Path, ...]:
    index = folder / "model.safetensors.index.json"
    single = folder / "model.safetensors"
    if single.is_file():
        return (single,)
    if index.is_file():
        places = _read_json(index).get("weight_map")
        if not isinstance(places, dict) or not places:
            raise CheckpointError(f"{index} does not say where the weights are")
        if not all(isinstance(place, str) for place in places.values()):
            raise CheckpointError(f"{index} does not say where the weights are")
        shards = sorted({folder / place for place in places.values()})
        for shard in shards:
            if shard.parent != folder or not shard.is_file():
                raise CheckpointError(
                    f"The weight file {shard.name} is missing in {folder}",
                    evidence=f"the index names {len(shards)} files",
                    next_step="Finish the download or copy the file.",
                )
        return tuple(shards)
    pickles = [path.name for path in folder.iterdir() if path.suffix in _PICKLE_ENDINGS]
    if pickles:
        raise CheckpointError(
            f"The weights in {folder} are in a format that can run code when opened",
            evidence=", ".join(sorted(pickles)[:3]),
            next_step="Use a version of the model with .safetensors files.",
        )
    raise CheckpointError(
        f"There are no weights in {folder}", next_step="It must hold .safetensors files."
    )


def _check_safetensors(path: Path) -> None:
    """Compare the header with the size of the file, so that a cut-off file is found at once."""
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > min(size, _MOST_HEADER_BYTES):
                raise ValueError("its header is longer than the file")
            header = json.loads(file.read(length))
        ends = [
            entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"
        ]
        expected = 8 + length + max(ends)
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise CheckpointError(
            f"The weight file {path} is damaged",
            evidence=str(error) or "its header is incomplete",
            next_step="Download or copy it again.",
        ) from error
    except struct.error as error:
        raise CheckpointError(
            f"The weight file {path} is damaged",
            evidence=f"it has {size:,} bytes",
            next_step="Download or copy it again.",
        ) from error
    if size != expected:
        raise CheckpointError(
            f"The weight file {path} is incomplete",
            evidence=f"it has {size:,} bytes of {expected:,}",
            next_step="Download or copy it again.",
        )
