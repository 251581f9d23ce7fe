"""Names of models, from their sources. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from app.checkpoints.endpoint_address import address_of, is_endpoint
from app.checkpoints.formats.gguf_parts import name_without_part
from app.checkpoints.ollama_manifests import ollama_name
from app.checkpoints.spec import CheckpointSpec, Recipe

_GENERIC_FILE = "model.gguf"  # the name of every file of Jan
_GENERIC_ADAPTER = "adapter"  # the folder of every adapter that a training of this program makes


def place_of(source: str) -> str:
    """The path or the id in a source, without its prefixes."""
    kind, _, place = source.partition(":")
    return place_of(place) if kind == "adapter" and place.startswith("hub:") else place


def last_part(source: str) -> str:
    """The name of a model in its source: the last part of its path or id, or Ollama's name.

    For an endpoint, it is the host; for the adapter of a training, the folder of the training.
    """
    if is_endpoint(source):
        return address_of(source).host
    place = place_of(source)
    if source.startswith("gguf:"):
        return gguf_name(Path(place))
    above, _, name = place.rstrip("/").rpartition("/")
    if source.startswith("adapter:") and name == _GENERIC_ADAPTER:
        return above.rpartition("/")[2] or name
    return name


def gguf_name(path: Path) -> str:
    """The name of a GGUF file, without the number of its part.

    It is Ollama's for a file of Ollama, and that of the folder for a file called ``model.gguf``.
    """
    named = ollama_name(path).rpartition("/")[2]
    if named:
        return named
    name = name_without_part(path.name)
    return path.parent.name if name.lower() == _GENERIC_FILE else name


def is_builtin(source: str) -> bool:
    """Whether a source is a checkpoint that ships with the program."""
    return source.startswith("builtin:")


def titled(source: str, name: str) -> str:
    """``name`` with what the kind of the source adds: GGUF, LoRA, or a capital letter."""
    if is_builtin(source):
        return name.replace("_", " ").capitalize() if "/" not in name else name
    if source.startswith("gguf:"):
        return name.removesuffix(".gguf") + " (GGUF)"
    if source.startswith("adapter:"):
        return name.removesuffix(".gguf") + " (LoRA)"
    return name


def model_name(spec: CheckpointSpec) -> str:
    """The name of a model, such as ``Qwen2.5-0.5B-Instruct``."""
    if spec.is_endpoint and spec.model:
        return spec.model
    return titled(spec.source, last_part(spec.source))


def model_names(recipe: Recipe) -> tuple[str, ...]:
    """The distinct names of a recipe's models, the base first; adapters bring their model."""
    names = []
    for spec in recipe.checkpoints():
        names.append(model_name(spec))
        if spec.over:
            names.append(titled(spec.over, last_part(spec.over)))
    return tuple(dict.fromkeys(names))
