"""LoRA adapters as layers of a model: whether an adapter fits a model, and adding its layers."""

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
"""What PEFT puts into the names of layers that it wraps."""


def check_adapter(adapter: AdapterFiles, config: PretrainedConfig) -> None:
    """Check that an adapter fits a model, by adding its layers to that model on the meta device.

    Args:
        adapter: The files of the adapter; the shapes of its weights are in their header.
        config: The configuration of the model. Where tokens had been added before the adapter was
            trained, its vocabulary size is set to that of the adapter.

    Raises:
        CheckpointError: The adapter does not fit the model.
    """
    state = {}
    for tensor in adapter.tensors:
        if tensor.dtype not in _DTYPES:
            raise _does_not_fit(adapter, f"it holds numbers of the kind {tensor.dtype}")
        state[tensor.name] = torch.empty(tensor.shape, dtype=_DTYPES[tensor.dtype], device="meta")
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
        attach_adapter(model, adapter, state)
    config.get_text_config().vocab_size = model.config.get_text_config().vocab_size


def attach_adapter(model: PreTrainedModel, adapter: AdapterFiles, state: dict[str, Tensor]) -> None:
    """Add the layers of an adapter to ``model``, with the tensors of ``state`` as their weights.

    The weights that ``model`` had are not written to, so that other models may share them.

    Raises:
        CheckpointError: The adapter does not fit the model.
    """
    from peft import inject_adapter_in_model, set_peft_model_state_dict

    try:
        _resize(model, adapter)
        plain = _as_peft_holds_it(model, state)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it corrects by itself; the rest is raised
            inject_adapter_in_model(_settings(adapter), model, low_cpu_mem_usage=True)
            found: Any = set_peft_model_state_dict(model, plain, low_cpu_mem_usage=True)
    except CheckpointError:
        raise
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # PEFT raises many kinds for what does not fit
        raise _does_not_fit(adapter, _last_line(error)) from error
    own = [key for key in found.missing_keys if "lora_" in key or "modules_to_save" in key]
    if found.unexpected_keys or own:
        odd = found.unexpected_keys or own
        raise _does_not_fit(
            adapter,
            f"{len(odd)} of its weights have no place in the model, such as {odd[0]}"
            if found.unexpected_keys
            else f"{len(odd)} of its weights are missing, such as {odd[0]}",
        )


def _resize(model: PreTrainedModel, adapter: AdapterFiles) -> None:
    """Give ``model`` as many rows as the adapter was trained with, where tokens had been added.

    The new layers are copies: whatever shares its weights with ``model`` keeps the old ones.
    """
    embedding: Any = model.get_input_embeddings()
    layers = (embedding, model.get_output_embeddings())
    names = [name for name, module in model.named_modules() if any(module is it for it in layers)]
    rows = next((rows for rows in map(adapter.rows_of, names) if rows is not None), None)
    if rows is not None and rows != embedding.weight.shape[0]:
        model.resize_token_embeddings(rows, mean_resizing=False)


def _as_peft_holds_it(model: PreTrainedModel, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights by their names in ``model``, in the dtypes that PEFT has them in.

    Layers that were trained as a whole have the dtype of the model, and the adapter's own weights
    are in float32, whatever they were stored in.
    """
    own = dict(model.named_parameters())
    tied = model.config.get_text_config().tie_word_embeddings
    output = next(
        (name for name, it in model.named_modules() if it is model.get_output_embeddings()), ""
    )
    plain_names = {name.removeprefix(PEFT_PREFIX): tensor for name, tensor in state.items()}
    held = {}
    for plain, tensor in plain_names.items():
        if _WRAPPED.search(plain) and _WRAPPED.sub(".", plain) in plain_names:
            continue  # saved a second time, which PEFT does where tokens had been added
        if tied and plain.endswith("trainable_tokens_delta") and plain.startswith(f"{output}."):
            continue  # the output layer takes the embedding's
        replaced = own.get(_LAYER_BELOW.sub(".", plain))
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
    """The first mismatch that PEFT names is at the end of what it says."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:300] if lines else type(error).__name__
