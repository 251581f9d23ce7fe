"""The estimate of a training's memory against what autograd keeps for a backward pass."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from app.checkpoints.memory.role_footprint import footprint_of
from app.training.adapter.small_model import load_trained_model, open_small
from app.training.plan.training_memory import estimate_memory
from app.training.plan.training_plan import TrainingPlan
from app.training.plan.training_settings import TrainingSettings

pytestmark = pytest.mark.filterwarnings(
    "ignore:.is_gradient_checkpointing:FutureWarning"  # in PEFT
)
_KEPT_OF_LOGIT, _TAKEN_BY_LOGIT = 4, 16
"""Bytes of a logit between the passes, its log-softmax, and those of the peak that is estimated."""


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_activations_are_those_that_autograd_keeps(plan: TrainingPlan, dtype: str) -> None:
    rows, tokens = 2, 64
    settings = TrainingSettings(rank=1, batch_size=rows, batch_rows=rows, most_tokens=tokens)
    role = open_small(replace(plan.small, dtype=dtype))
    model = load_trained_model(role, settings, 1e9, lambda *_: None, lambda: False).model.train()
    weights = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    kept: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        place = tensor.untyped_storage().data_ptr()
        if place not in weights:
            kept[place] = tensor
        return tensor

    ids = torch.randint(0, 16, (rows, tokens), generator=torch.Generator().manual_seed(0))
    with (
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bfloat16"),
    ):
        loss = model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=ids).loss
    assert loss.requires_grad
    footprint = footprint_of(role)
    estimate = estimate_memory(
        footprint,
        role.config.num_hidden_layers,
        settings,
        dtype=dtype,
        quantization="none",
        device="cuda:0",
        free=0,
    )
    logits = rows * tokens * footprint.rows
    found = sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
    found += logits * (_TAKEN_BY_LOGIT - _KEPT_OF_LOGIT)
    assert estimate.activations == pytest.approx(found, rel=0.2), found / estimate.activations
