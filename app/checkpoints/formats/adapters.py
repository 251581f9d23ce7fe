"""The files of a LoRA adapter, and whether one of PEFT can share the weights of its model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.checkpoints.formats.configuration import read_configuration
from app.checkpoints.formats.stored_tensors import StoredTensor, read_safetensors_header
from app.errors import CheckpointError

_CONFIG = "adapter_config.json"
_WEIGHTS = "adapter_model.safetensors"
_PICKLE = "adapter_model.bin"
PEFT_PREFIX = "base_model.model."
"""Prefix of PEFT's wrapper before the names of layers; the wrapper itself is not used here."""

# These adapters need a base with changed weights, which other roles could then not share.
_STARTS_THAT_CHANGE_THE_BASE = ("pissa", "olora", "corda", "loftq", "lora_ga")
_SETTINGS_THAT_CHANGE_THE_BASE = ("layer_replication", "target_parameters", "kasa_config")
_SETTINGS_NOT_SUPPORTED = {
    "alora_invocation_tokens": "it is active only after certain tokens",
    "arrow_config": "it chooses between several adapters",
    "megatron_config": "it is for Megatron models",
    "monteclora_config": "its weights are sampled at random",
    "use_bdlora": "its weights are split over several devices",
}


@dataclass(frozen=True, slots=True)
class AdapterFiles:
    """A checked adapter.

    Attributes:
        folder: The folder of the adapter.
        config: The content of ``adapter_config.json``; empty for a GGUF file.
        weights: The weight file.
        tensors: The tensors in the header of the weight file.
        is_gguf: Whether it is a GGUF file, which nothing else in its folder belongs to.
    """

    folder: Path
    config: dict[str, Any]
    weights: Path
    tensors: tuple[StoredTensor, ...]
    is_gguf: bool = False

    @property
    def base_name(self) -> str:
        """The name of the model that it was trained on, from its configuration; may be empty."""
        return str(self.config.get("base_model_name_or_path") or "")

    @property
    def has_tokenizer(self) -> bool:
        """Whether the folder has a tokenizer, possibly with a chat template."""
        return not self.is_gguf and (self.folder / "tokenizer.json").is_file()

    @property
    def weight_bytes(self) -> int:
        """Bytes of the weights in memory; PEFT keeps them in float32 at least."""
        if self.is_gguf:
            return sum(tensor.size for tensor in self.tensors)
        return sum(max(tensor.size, 4 * tensor.elements) for tensor in self.tensors)

    def rows_of(self, module: str) -> int | None:
        """Rows of the embedding or output layer that the adapter was trained with.

        Args:
            module: The name of the layer in the model.

        Returns:
            The number of rows, or None if it does not follow from the adapter's tensors.
        """
        sizes = {
            tensor.name.removeprefix(PEFT_PREFIX): tensor.shape
            for tensor in self.tensors
            if len(tensor.shape) == 2
        }
        for name, axis in (
            (f"{module}.weight", 0),
            (f"{module}.base_layer.weight", 0),
            (f"{module}.token_adapter.base_layer.weight", 0),
            (f"{module}.lora_embedding_A", 1),
            (f"{module}.lora_B.weight", 0),
        ):
            if name in sizes:
                return sizes[name][axis]
        return None


def open_adapter(folder: Path) -> AdapterFiles:
    """Check the files of an adapter without reading its weights.

    Raises:
        CheckpointError: A file is missing or damaged, or the adapter is of an unsupported kind.
    """
    if not folder.is_dir():
        raise CheckpointError(
            f"There is no folder {folder}", next_step=f"Choose the folder that holds {_CONFIG}."
        )
    config = read_configuration(
        folder / _CONFIG, "Choose the folder of an adapter that PEFT saved."
    )
    _check_kind(folder, config)
    weights = folder / _WEIGHTS
    if not weights.is_file():
        if (folder / _PICKLE).is_file():
            raise CheckpointError(
                f"The adapter in {folder} is in a format that can run code when opened",
                evidence=_PICKLE,
                next_step=f"Save it again with PEFT, which writes {_WEIGHTS}.",
            )
        raise CheckpointError(
            f"There are no weights of an adapter in {folder}",
            next_step=f"It must hold {_WEIGHTS}.",
        )
    return AdapterFiles(folder, config, weights, read_safetensors_header(weights))


def _check_kind(folder: Path, config: dict[str, Any]) -> None:
    kind = config.get("peft_type")
    if kind != "LORA":
        raise CheckpointError(
            f"The adapter in {folder} is of a kind that Tuneshift cannot use",
            evidence=f"it is {kind}",
            next_step="Use a LoRA adapter, or merge this one into its model and load that.",
        )
    unsupported = [name for name in _SETTINGS_NOT_SUPPORTED if _is_set(config.get(name))]
    if unsupported:
        name = unsupported[0]
        raise CheckpointError(
            f"The adapter in {folder} has a setting that Tuneshift does not support",
            evidence=f"{name} is set: {_SETTINGS_NOT_SUPPORTED[name]}",
            next_step="Use another adapter.",
        )
    start = config.get("init_lora_weights")
    reasons = [
        f"{name} is set" for name in _SETTINGS_THAT_CHANGE_THE_BASE if _is_set(config.get(name))
    ]
    if isinstance(start, str) and start.lower().startswith(_STARTS_THAT_CHANGE_THE_BASE):
        reasons.append(f"init_lora_weights is {start}")
    if reasons:
        raise CheckpointError(
            f"The adapter in {folder} changes the weights of the model that it adapts",
            evidence=", ".join(reasons),
            next_step="Merge it into its model with PEFT and load the result.",
        )


def _is_set(value: object) -> bool:
    """Whether a setting is in effect; an empty table is, with default values."""
    return value not in (None, False, [])
