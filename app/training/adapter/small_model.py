"""The small model in memory as it is trained: its weights, frozen, with a new LoRA adapter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from peft import LoraConfig, PeftModel, TaskType, get_peft_model, prepare_model_for_kbit_training
from transformers import PreTrainedTokenizerBase

from app.checkpoints.devices import cpu_has_bfloat16, resolve_device
from app.checkpoints.loading.weights import load_weights
from app.checkpoints.opening import OpenedRole, open_recipe
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.errors import TrainingError
from app.training.plan.training_settings import TrainingSettings

SMALL_IN_FLOAT32 = 30e6
"""Models up to this many parameters are trained in float32, which costs them little."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainedModel:
    """A model with the adapter that is trained.

    Attributes:
        model: The model; only the adapter's weights are trained.
        tokenizer: Its tokenizer.
        device: Where it is.
        in_bfloat16: Whether it computes in bfloat16.
    """

    model: PeftModel
    tokenizer: PreTrainedTokenizerBase
    device: str
    in_bfloat16: bool


def open_small(small: CheckpointSpec, cancelled: Callable[[], bool] = lambda: False) -> OpenedRole:
    """Check the files of the small model, and read its configuration and tokenizer.

    Raises:
        TuneshiftError: The model is missing, or cannot be trained.
    """
    if small.source.startswith("adapter:"):
        raise TrainingError(
            "An adapter cannot be trained further",
            evidence=f"the small model is {small.source}",
            next_step="Name the model that it adapts, or merge it into that model.",
        )
    alone = Recipe("small", small, (ExpertPair("small", small, small),))
    return replace(open_recipe(alone, cancelled=cancelled).roles[0], name="small model")


def training_dtype(small: CheckpointSpec, parameters: int, device: str) -> str:
    """The dtype in which a model is trained: as asked, else what the processor computes fast."""
    if small.dtype != "auto":
        return small.dtype
    if parameters <= SMALL_IN_FLOAT32:
        return "float32"
    if device == "cpu":
        fast = cpu_has_bfloat16()
    else:
        fast = not device.startswith("cuda") or torch.cuda.is_bf16_supported()
    return "bfloat16" if fast else "float32"


def load_trained_model(
    role: OpenedRole,
    settings: TrainingSettings,
    parameters: int,
    on_progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> TrainedModel:
    """Load the weights and add an adapter with random first weights.

    Raises:
        TuneshiftError: The weights cannot be loaded.
        Cancelled: ``cancelled`` returned True.
    """
    device = resolve_device(role.spec.device)
    dtype = training_dtype(role.spec, parameters, device)
    placed = replace(role, spec=replace(role.spec, dtype=dtype, offload=False))
    weights = load_weights(placed, device, on_progress, cancelled, for_training=True)
    model: Any = weights.model
    model.config.use_cache = False
    if role.spec.quantization != "none":
        prepare: Any = prepare_model_for_kbit_training  # without annotations
        model = prepare(model, use_gradient_checkpointing=False)  # the Trainer switches it on
    if settings.recompute:
        model.enable_input_require_grads()
    torch.manual_seed(settings.seed)
    configuration = LoraConfig(
        task_type=TaskType.CAUSAL_LM,
        r=settings.rank,
        lora_alpha=settings.scale,
        lora_dropout=settings.dropout,
        target_modules="all-linear",
    )
    return TrainedModel(
        get_peft_model(model, configuration), role.tokenizer, device, dtype == "bfloat16"
    )
