"""Selection of the files of a repository that are needed, or the reason why it cannot be used."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from app.checkpoints.hub.ids import HubId
from app.errors import HubError

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")

_SMALL = {
    CONFIG,
    ADAPTER_CONFIG,
    *TOKENIZERS,
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
    "generation_config.json",
    "merges.txt",
    "preprocessor_config.json",
    "sentencepiece.bpe.model",
    "special_tokens_map.json",
    "tekken.json",
    "tokenizer_config.json",
}
_SHARD = re.compile(r"model-\d+-of-\d+\.safetensors")
_OTHER_FORMATS = (
    ((".bin", ".pt", ".pth", ".ckpt", ".pkl"), "in a format that can run code when opened"),
    ((".gguf",), "in GGUF files"),
    ((".h5", ".msgpack", ".onnx", ".tflite", ".mlmodel", ".npz"), "made for another framework"),
)


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a repository.

    Attributes:
        name: Path in the repository.
        size: Bytes.
        sha256: Hash of the content of files in large-file storage; otherwise empty.
        blob_id: Git object id, which for a small file is a hash of its content.
    """

    name: str
    size: int
    sha256: str = ""
    blob_id: str = ""

    @property
    def is_weights(self) -> bool:
        return self.name.endswith(".safetensors")

    @property
    def blob(self) -> str:
        """The file name of the content in the cache."""
        return self.sha256 or self.blob_id


def needed_files(hub_id: HubId, files: Iterable[HubFile]) -> tuple[HubFile, ...]:
    """The files to download, small ones first.

    Raises:
        HubError: The repository cannot be used; the error says why.
    """
    by_name = {file.name: file for file in files}
    weights = _weights(by_name)
    if not weights:
        raise _no_weights(hub_id, by_name)
    configs = (CONFIG, ADAPTER_CONFIG)
    if not any(name in by_name for name in configs):
        raise HubError(
            f"{hub_id} has no {CONFIG}",
            evidence="it is not a model in the format of transformers",
            next_step="Choose another model.",
        )
    small = sorted(name for name in by_name if name in _SMALL or _is_tiktoken(name))
    small.sort(key=lambda name: name not in configs)  # a configuration says which commit is meant
    index = [INDEX] if INDEX in by_name and WEIGHTS not in weights else []
    return tuple(by_name[name] for name in (*small, *index, *weights))


def _is_tiktoken(name: str) -> bool:
    return name.endswith(".tiktoken") and not set("/\\") & set(name)


def _weights(names: Iterable[str]) -> list[str]:
    names = set(names)
    adapter = {ADAPTER_CONFIG, ADAPTER_WEIGHTS} <= names
    found = [ADAPTER_WEIGHTS] if adapter else []
    if WEIGHTS in names:
        found.append(WEIGHTS)
    elif INDEX in names:
        found += sorted(name for name in names if _SHARD.fullmatch(name))
    return found


def _no_weights(hub_id: HubId, names: Iterable[str]) -> HubError:
    for endings, reason in _OTHER_FORMATS:
        found = sorted(name for name in names if name.endswith(endings))
        if found:
            return HubError(
                f"{hub_id} has weights only {reason}",
                evidence=", ".join(found[:3]),
                next_step=_step_for(reason),
            )
    return HubError(
        f"{hub_id} has no weights that can be used",
        evidence=f"it has no {WEIGHTS}",
        next_step="Choose a model with safetensors weights.",
    )


def _step_for(reason: str) -> str:
    if "GGUF" in reason:
        return "Download one of the files and open it as a GGUF file."
    return "Choose a version of the model with .safetensors files."
