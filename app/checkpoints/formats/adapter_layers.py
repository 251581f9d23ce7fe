"""The layers of a LoRA adapter: checking that an adapter fits a model, and adding its layers."""

from __future__ import annotations

import dataclasses
import re
import warnings
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, PretrainedConfig, PreTrainedModel

from app.checkpoints.formats.adapters import PEFT_PREFIX, AdapterFiles
from app.errors import CheckpointError

if TYPE_CHECKING:
    from peft import LoraConfig

_DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
_FIELDS_WITHOUT_EFFECT = ("peft_version",)
_WRAPPED = re.compile(r"\.(modules_to_save|original_module)\.")
_LAYER_BELOW = re.compile(r"\.(token_adapter\.)?base_layer\.")
"""What PEFT inserts into the names of layers that it wraps."""


def check_adapter(adapter: AdapterFiles, config: PretrainedConfig) -> None:
    """Check that an adapter fits a model, by adding its layers to that model on the meta device.

    Args:
        adapter: The files of the adapter; only the header of its weights is used.
        config: The configuration of the model. If the adapter was trained with added tokens, the
            vocabulary size of the configuration is set to that of the adapter.

    Raises:
        CheckpointError: The adapter does not fit the model.
    """
    state = {}
    for tensor in adapter.tensors:
        if tensor.dtype not in _DTYPES:
            raise _does_not_fit(adapter, f"its weights have the dtype {tensor.dtype}")
        state[tensor.name] = torch.empty(tensor.shape, dtype=_DTYPES[tensor.dtype], device="meta")
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
        attach_adapter(model, adapter, state)
    config.get_text_config().vocab_size = model.config.get_text_config().vocab_size


def attach_adapter(model: PreTrainedModel, adapter: AdapterFiles, state: dict[str, Tensor]) -> None:
    """Add the layers of an adapter to ``model``, with the tensors of ``state`` as their weights.

    The existing weights of ``model`` are not changed, so that other models may share them.

    Raises:
        CheckpointError: The adapter does not fit the model.
    """
    from peft import inject_adapter_in_model, set_peft_model_state_dict

    try:
        _resize(model, adapter)
        plain = _with_names_and_dtypes_of_peft(model, state)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what PEFT corrects; all else is raised
            inject_adapter_in_model(_settings(adapter), model, low_cpu_mem_usage=True)
            found: Any = set_peft_model_state_dict(model, plain, low_cpu_mem_usage=True)
    except CheckpointError:
        raise
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # PEFT raises exceptions of many types for a mismatch
        raise _does_not_fit(adapter, _last_line(error)) from error
    missing = [key for key in found.missing_keys if "lora_" in key or "modules_to_save" in key]
    if found.unexpected_keys or missing:
        keys = found.unexpected_keys or missing
        raise _does_not_fit(
            adapter,
            f"{len(keys)} of its weights do not exist in the model, such as {keys[0]}"
            if found.unexpected_keys
            else f"{len(keys)} of its weights are missing, such as {keys[0]}",
        )


def _resize(model: PreTrainedModel, adapter: AdapterFiles) -> None:
    """Resize the embedding and output layer if the adapter was trained with added tokens.

    The resized layers are copies, so that models that share weights with ``model`` do not change.
    """
    embedding: Any = model.get_input_embeddings()
    layers = (embedding, model.get_output_embeddings())
    names = [
        name for name, module in model.named_modules() if any(module is layer for layer in layers)
    ]
    rows = next((rows for rows in map(adapter.rows_of, names) if rows is not None), None)
    if rows is not None and rows != embedding.weight.shape[0]:
        model.resize_token_embeddings(rows, mean_resizing=False)


def _with_names_and_dtypes_of_peft(
    model: PreTrainedModel, state: dict[str, Tensor]
) -> dict[str, Tensor]:
    """The adapter's weights by their names in ``model``, in the dtypes that PEFT gives them.

    Layers that were trained in full have the dtype of the model; the LoRA matrices are in float32,
    whatever dtype they were stored in.
    """
    parameters = dict(model.named_parameters())
    tied = model.config.get_text_config().tie_word_embeddings
    output = next(
        (name for name, layer in model.named_modules() if layer is model.get_output_embeddings()),
        "",
    )
    plain_names = {name.removeprefix(PEFT_PREFIX): tensor for name, tensor in state.items()}
    held = {}
    for plain, tensor in plain_names.items():
        if _WRAPPED.search(plain) and _WRAPPED.sub(".", plain) in plain_names:
            continue  # a duplicate, which PEFT saves for added tokens
        if tied and plain.endswith("trainable_tokens_delta") and plain.startswith(f"{output}."):
            continue  # the tied output layer uses that of the embedding
        replaced = parameters.get(_LAYER_BELOW.sub(".", plain))
        if replaced is not None and replaced.is_floating_point():
            held[plain] = tensor.to(replaced.dtype)
        elif tensor.dtype in (torch.float16, torch.bfloat16):
            held[plain] = tensor.float()
        else:
            held[plain] = tensor
    return held


def _settings(adapter: AdapterFiles) -> LoraConfig:
    from peft import LoraConfig

    known = {field.name for field in dataclasses.fields(LoraConfig)}
    unknown = [
        name
        for name, value in adapter.config.items()
        if name not in known and name not in _FIELDS_WITHOUT_EFFECT and value
    ]
    if unknown:
        raise CheckpointError(
            f"The adapter in {adapter.folder} was made by a newer PEFT",
            evidence=f"its settings name {', '.join(sorted(unknown)[:3])}",
            next_step="Update PEFT, or merge the adapter into its model and load that.",
        )
    values = {name: value for name, value in adapter.config.items() if name in known}
    return LoraConfig(**values | {"inference_mode": True, "init_lora_weights": False})


def _does_not_fit(adapter: AdapterFiles, evidence: str) -> CheckpointError:
    trained_on = f"; it was trained on {adapter.base_name}" if adapter.base_name else ""
    return CheckpointError(
        f"The adapter in {adapter.folder} does not fit the model that it is over",
        evidence=f"{evidence}{trained_on}",
        next_step="Set “over” to the model that the adapter was trained on.",
    )


def _last_line(error: Exception) -> str:
    """The last line of the message, where PEFT names the first mismatch."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:300] if lines else type(error).__name__
