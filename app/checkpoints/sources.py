"""Resolution of checkpoint sources to checked local files, without the network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.checkpoints.engine_choice import engine_of
from app.checkpoints.engine_options import LLAMA_CPP
from app.checkpoints.formats import gguf
from app.checkpoints.formats.adapters import AdapterFiles, open_adapter
from app.checkpoints.formats.configuration import read_configuration
from app.checkpoints.formats.gguf_adapter import open_gguf_adapter
from app.checkpoints.formats.gguf_files import gguf_files_in, is_gguf
from app.checkpoints.formats.stored_tensors import StoredTensor, read_safetensors_header
from app.checkpoints.spec import CheckpointSpec
from app.errors import CheckpointError, NotDownloadedError, RecipeError
from app.resources import resource

_CHOOSE_A_CHECKPOINT = "Choose the folder of a Hugging Face checkpoint."
_PICKLE_ENDINGS = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


@dataclass(frozen=True, slots=True)
class CheckpointFiles:
    """Checked files of a checkpoint.

    Attributes:
        folder: The folder with the configuration and the tokenizer.
        config: The content of ``config.json``.
        weights: The weight files, for llama.cpp the GGUF file itself; empty if they are not
            downloaded or not converted yet.
        tensors: The tensors in the headers of the weight files; empty if no headers are known yet.
        adapter: The LoRA adapter over these weights, or None.
        revision: The commit of a Hub checkpoint; otherwise empty.
    """

    folder: Path
    config: dict[str, Any]
    weights: tuple[Path, ...]
    tensors: tuple[StoredTensor, ...] = ()
    adapter: AdapterFiles | None = None
    revision: str = ""

    @property
    def weight_bytes(self) -> int:
        """Bytes of the stored weights, without the adapter's."""
        return sum(tensor.size for tensor in self.tensors)


def builtin_checkpoints() -> list[str]:
    """Sources of the built-in checkpoints."""
    configs = sorted(resource("demo").glob("*/config.json"))
    return [f"builtin:demo/{path.parent.name}" for path in configs]


def open_checkpoint(spec: CheckpointSpec, *, weights_required: bool = True) -> CheckpointFiles:
    """Find and check the files of a checkpoint, without reading weights and without the network.

    Args:
        spec: The checkpoint; for an adapter, the model that it adapts is opened as well.
        weights_required: Whether a Hub checkpoint without weights, or a GGUF file that has not been
            converted, is an error. If not, the files that exist are opened.

    Raises:
        CheckpointError: A file is missing, damaged or unusable.
        NotDownloadedError: A Hub checkpoint is not downloaded.
        RecipeError: The source is not valid.
    """
    kind, name = split_source(spec.source)
    if engine_of(spec) == LLAMA_CPP:
        path = _path(split_source(model_source(spec))[1])
        header = gguf.read_header(path, by_llama=True)
        files = _open_gguf_as_it_is(header)
        if kind != "adapter":
            return files
        return replace(files, adapter=open_gguf_adapter(_path(name), header))
    if kind != "adapter":
        return _open_model(spec.source, weights_required)
    if split_source(spec.over)[0] == "adapter":
        raise RecipeError(
            "An adapter cannot adapt another adapter",
            evidence=f"{spec.source} is over {spec.over}",
            next_step="Set “over” to the model that the adapter was trained on.",
        )
    adapter = open_adapter(_hub_folder(name) if name.startswith("hub:") else _path(name))
    model = _open_model(spec.over, weights_required)
    return replace(model, adapter=adapter)


def model_source(spec: CheckpointSpec) -> str:
    """The source of a role's model; for an adapter, that is the model that it adapts."""
    return spec.over if split_source(spec.source)[0] == "adapter" else spec.source


def gguf_file(source: str) -> Path | None:
    """The path of a GGUF source, or None for other sources."""
    kind, name = split_source(source)
    return _path(name) if kind == "gguf" else None


def split_source(source: str) -> tuple[str, str]:
    """Split a source at its first colon, into its kind and its path or name.

    Raises:
        RecipeError: The source has an unknown kind or no name.
    """
    kind, _, name = source.partition(":")
    if kind not in ("folder", "builtin", "hub", "gguf", "adapter") or not name:
        raise RecipeError(
            f"“{source}” is not a source of a checkpoint",
            next_step="Use folder:PATH, builtin:NAME, hub:OWNER/NAME, gguf:FILE or adapter:FOLDER.",
        )
    return kind, name


def _open_model(source: str, weights_required: bool) -> CheckpointFiles:
    kind, name = split_source(source)
    if kind == "gguf":
        return _open_gguf(_path(name), weights_required)
    if kind == "hub":
        return _open_hub(source, weights_required)
    return open_folder(_builtin_folder(name) if kind == "builtin" else _path(name))


def open_folder(folder: Path, *, weights_required: bool = True) -> CheckpointFiles:
    """Check the files of a folder in the layout of Hugging Face checkpoints.

    Raises:
        CheckpointError: A file is missing, damaged or unusable.
    """
    _check_gguf(folder)
    if not folder.is_dir():
        raise CheckpointError(
            f"There is no folder {folder}", next_step="Choose the folder that holds config.json."
        )
    config = read_configuration(folder / "config.json", _CHOOSE_A_CHECKPOINT)
    if "auto_map" in config and "model_type" not in config:
        raise needs_code(folder)
    if (folder / "adapter_config.json").is_file():
        raise CheckpointError(
            f"The folder {folder} holds a model and an adapter",
            evidence="there is a config.json and an adapter_config.json",
            next_step="Put the adapter into a folder of its own and choose it as adapter:FOLDER.",
        )
    weights = _weight_files(folder, weights_required)
    tensors = [tensor for path in weights for tensor in read_safetensors_header(path)]
    return CheckpointFiles(folder, config, weights, tuple(tensors))


def _check_gguf(folder: Path) -> None:
    """Reject a GGUF file, or a folder of GGUF files, given as the folder of a checkpoint."""
    if is_gguf(folder):
        raise CheckpointError(
            f"{folder} is a GGUF file and no folder", next_step=f"Write gguf:{folder}"
        )
    files = gguf_files_in(folder)
    if files:
        raise CheckpointError(
            f"The folder {folder} holds GGUF files",
            evidence=", ".join(path.name for path in files[:5]) + (", …" if len(files) > 5 else ""),
            next_step=f"Choose one of them, such as gguf:{files[0]}",
        )


def needs_code(folder: Path) -> CheckpointError:
    """The error for a model that needs the code that its checkpoint brings."""
    return CheckpointError(
        f"The model in {folder} needs code of its own to run",
        evidence="its config.json names an “auto_map”",
        next_step="Tuneshift runs no code from checkpoints; choose another model.",
    )


def _path(name: str) -> Path:
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise RecipeError(
            "The name of a checkpoint's folder or file is not UTF-8",
            evidence=name.encode(errors="backslashreplace").decode(),
            next_step="Rename it: tokenizers cannot be opened there.",
        ) from error
    return Path(name).expanduser()


def _builtin_folder(name: str) -> Path:
    if f"builtin:{name}" not in builtin_checkpoints():
        raise RecipeError(
            f"There is no built-in checkpoint “{name}”",
            next_step=f"There are: {', '.join(builtin_checkpoints()) or 'none'}.",
        )
    return resource(*name.split("/"))


def _open_hub(source: str, weights_required: bool) -> CheckpointFiles:
    from app.checkpoints import hub

    hub_id = hub.parse(source)
    folder = hub.cached_folder(hub_id)
    if folder is None and not weights_required:
        folder = hub.metadata_folder(hub_id)
    if folder is None:
        raise NotDownloadedError(source)
    files = replace(open_folder(folder, weights_required=weights_required), revision=folder.name)
    if files.weights:
        return files
    headers = hub.tensor_headers(hub_id) or {}
    return replace(
        files,
        tensors=tuple(
            StoredTensor.of(name, dtype, shape) for name, (dtype, shape) in headers.items()
        ),
    )


def _hub_folder(source: str) -> Path:
    from app.checkpoints import hub

    folder = hub.cached_folder(hub.parse(source))
    if folder is None:
        raise NotDownloadedError(source)
    return folder


def _open_gguf(path: Path, weights_required: bool) -> CheckpointFiles:
    header = gguf.read_header(path)
    for folder in (gguf.weights_folder(path), gguf.metadata_folder(path)):
        if folder.is_dir():
            files = open_folder(folder, weights_required=False)
            if files.weights:
                return files
            if not weights_required:
                return CheckpointFiles(folder, files.config, (), header.converted)
    raise CheckpointError(
        f"The file {path} has not been converted yet", next_step="Load the recipe again."
    )


def _open_gguf_as_it_is(header: gguf.GgufHeader) -> CheckpointFiles:
    """The files for llama.cpp: the GGUF file, and its configuration and tokenizer, converted."""
    for folder in (gguf.weights_folder(header.path), gguf.metadata_folder(header.path)):
        if folder.is_dir():
            config = open_folder(folder, weights_required=False).config
            return CheckpointFiles(folder, config, header.files, header.stored)
    raise CheckpointError(
        f"The tokenizer of {header.path} has not been converted yet",
        next_step="Load the recipe again.",
    )


def _weight_files(folder: Path, required: bool) -> tuple[Path, ...]:
    single = folder / "model.safetensors"
    index = folder / "model.safetensors.index.json"
    if single.is_file():
        return (single,)
    if index.is_file():
        return _shards(folder, index, required)
    if not required:
        return ()
    pickles = [path.name for path in folder.iterdir() if path.suffix in _PICKLE_ENDINGS]
    if pickles:
        raise CheckpointError(
            f"The weights in {folder} are in a format that can run code when opened",
            evidence=", ".join(sorted(pickles)[:3]),
            next_step="Use a version of the model with .safetensors files.",
        )
    unfinished = sorted(path.name for path in folder.glob("*.safetensors*"))
    raise CheckpointError(
        f"There are no weights in {folder}",
        evidence=f"there is {', '.join(unfinished[:3])}" if unfinished else "",
        next_step="It must hold .safetensors files; finish the download if it was cut off.",
    )


def _shards(folder: Path, index: Path, required: bool) -> tuple[Path, ...]:
    places = read_configuration(index, _CHOOSE_A_CHECKPOINT).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise CheckpointError(f"{index} does not say where the weights are")
    if not all(isinstance(place, str) for place in places.values()):
        raise CheckpointError(f"{index} does not say where the weights are")
    shards = sorted({folder / place for place in places.values()})
    for shard in shards:
        if shard.parent != folder or not shard.is_file():
            if not required:
                return ()
            raise CheckpointError(
                f"The weight file {shard.name} is missing in {folder}",
                evidence=f"the index names {len(shards)} files",
                next_step="Finish the download or copy the file.",
            )
    return tuple(shards)
