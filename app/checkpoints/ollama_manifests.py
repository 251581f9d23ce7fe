"""Models in the store of Ollama: manifests by name, and files by their digest. Imports no torch.

A manifest is a JSON file ``manifests/HOST/OWNER/MODEL/TAG`` that lists layers by media type and
digest; a layer is the file ``blobs/sha256-…``. The format is described in Ollama's
``server/internal/manifest`` and the names in its ``types/model``. Nothing in the store is changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})")
_MEDIA = "application/vnd.ollama.image."
_MODEL = "model"
_USED = frozenset(("model", "license"))
_HOST, _OWNER = "registry.ollama.ai", "library"
_LARGEST_MANIFEST = 1 << 20
_NAME_PARTS = 4


@dataclass(frozen=True, slots=True)
class OllamaModel:
    """A model in the store of Ollama.

    Attributes:
        name: As ``ollama list`` shows it, such as ``qwen2.5:0.5b``.
        weights: Its GGUF file.
        unused: The other layers of the manifest that change what Ollama answers, such as
            ``template`` and ``adapter``. They are not part of the GGUF file.
    """

    name: str
    weights: Path
    unused: tuple[str, ...] = ()


def ollama_models(store: Path) -> Iterator[OllamaModel]:
    """The models of a store whose GGUF file is there, by name."""
    for path in sorted((store / "manifests").glob("*/" * (_NAME_PARTS - 1) + "*")):
        model = _read_manifest(store, path)
        if model is not None:
            yield model


@lru_cache(maxsize=256)
def ollama_name(blob: Path) -> str:
    """Ollama's name of the model whose GGUF file is ``blob``; empty if it is not of a store."""
    if blob.parent.name != "blobs" or not _DIGEST.fullmatch(blob.name):
        return ""
    models = ollama_models(blob.parent.parent)
    return next((model.name for model in models if model.weights.name == blob.name), "")


def _read_manifest(store: Path, path: Path) -> OllamaModel | None:
    """The model of a manifest; None if it is damaged, or has no GGUF file that is there."""
    try:
        if path.stat().st_size > _LARGEST_MANIFEST:
            return None
        listed = json.loads(path.read_text(encoding="utf-8"))["layers"]
        layers = [(_kind_of(layer["mediaType"]), layer["digest"]) for layer in listed]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    weights = next((_blob(store, digest) for kind, digest in layers if kind == _MODEL), None)
    if weights is None:
        return None
    unused = dict.fromkeys(kind for kind, _ in layers if kind and kind not in _USED)
    return OllamaModel(_name_of(path.relative_to(store / "manifests").parts), weights, (*unused,))


def _kind_of(media_type: str) -> str:
    """The kind of a layer, such as ``model``; empty for one that Ollama does not read."""
    name = media_type.partition(";")[0]
    return name.removeprefix(_MEDIA) if name.startswith(_MEDIA) else ""


def _blob(store: Path, digest: object) -> Path | None:
    """The file of a digest, if it is there; older versions of Ollama wrote a colon in its name."""
    found = _DIGEST.fullmatch(digest) if isinstance(digest, str) else None
    if found is None:
        return None
    paths = (store / "blobs" / f"sha256{mark}{found[1]}" for mark in "-:")
    return next((path for path in paths if path.is_file()), None)


def _name_of(parts: tuple[str, ...]) -> str:
    """The name for people, without the host and the owner that Ollama leaves out as well."""
    host, owner, model, tag = parts
    shown = [host, owner, model]
    if host == _HOST:
        shown = [model] if owner == _OWNER else [owner, model]
    return f"{'/'.join(shown)}:{tag}"
