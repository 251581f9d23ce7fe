"""The training of an adapter, by the Trainer of transformers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset
from transformers import EarlyStoppingCallback, PrinterCallback, Trainer, TrainingArguments

from app.training.adapter.example_encoding import Example
from app.training.adapter.small_model import TrainedModel
from app.training.adapter.training_callback import TrainingCallback
from app.training.plan.training_settings import TrainingSettings

_IGNORED = -100
_SHARE_OF_MEASURING = 0.25
_FORWARD_SHARE = 1 / 3
"""The share of the time of a step that its forward pass takes."""

_FEWEST_MEASURED = 8
_WARMUP = 0.05


class _OnOneDevice(TrainingArguments):
    """Arguments of a training where the model is.

    The Trainer would move the model to the first GPU, and split its batches over all of them.
    """

    trained_on = ""

    @property
    def device(self) -> torch.device:
        found: torch.device = super().device  # sets up accelerate, too
        return torch.device(self.trained_on) if self.trained_on else found

    @property
    def n_gpu(self) -> int:
        return min(1, int(super().n_gpu))


@dataclass(frozen=True, slots=True)
class TrainingEnd:
    """How a training ended.

    Attributes:
        step: The step whose weights the model has now.
        steps: The number of steps that were made.
        first_loss: The held-out loss before the first step.
        best_loss: The held-out loss of the weights: the lowest that was measured after a step.
    """

    step: int
    steps: int
    first_loss: float
    best_loss: float


class _Examples(Dataset[dict[str, list[int]]]):
    """Examples as the Trainer reads them."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self._examples = examples

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, place: int) -> dict[str, list[int]]:
        example = self._examples[place]
        ids = list(example.ids)
        first = example.first_learned
        return {"input_ids": ids, "labels": [_IGNORED] * first + ids[first:]}


def train(
    trained: TrainedModel,
    settings: TrainingSettings,
    examples: Sequence[Example],
    held_out: Sequence[Example],
    checkpoints: Path,
    callback: TrainingCallback,
) -> TrainingEnd:
    """Train the adapter, from the last checkpoint if there is one; the model then has the best.

    Args:
        trained: The model with its adapter.
        settings: The settings.
        examples: What is trained on.
        held_out: What the held-out loss is measured on, which decides what is the best.
        checkpoints: The folder of the checkpoints.
        callback: Hears of the progress, and ends the training when asked to.
    """
    last = last_checkpoint(checkpoints)
    measured = held_out[: _measured_count(settings, examples, held_out)]
    arguments = _arguments(trained, settings, checkpoints, fresh=last is None)
    if trained.device != "cpu" and torch.accelerator.device_count() > 1:
        torch.accelerator.set_device_index(arguments.device)  # which is that of accelerate
    trainer = Trainer(
        model=trained.model,
        args=arguments,
        data_collator=_padded,
        train_dataset=_Examples(examples),
        eval_dataset=_Examples(measured),
        callbacks=[EarlyStoppingCallback(settings.patience), callback],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=None if last is None else str(last))
    state = trainer.state
    losses = [entry["eval_loss"] for entry in state.log_history if "eval_loss" in entry]
    return TrainingEnd(
        int(state.best_global_step or state.global_step),
        int(state.global_step),
        float(losses[0]),
        float(losses[-1] if state.best_metric is None else state.best_metric),
    )


def last_checkpoint(folder: Path) -> Path | None:
    """The last complete checkpoint; incomplete ones, of a process that was killed, are removed."""
    complete = []
    for path in folder.glob("checkpoint-*"):
        try:
            state = json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
            complete.append((int(state["global_step"]), path))
        except (OSError, ValueError, KeyError):
            shutil.rmtree(path, ignore_errors=True)
    return max(complete)[1] if complete else None


def _measured_count(
    settings: TrainingSettings, examples: Sequence[Example], held_out: Sequence[Example]
) -> int:
    """How many held-out examples are measured, so that this takes a quarter of the time."""
    steps = settings.steps(len(examples))
    read = sum(len(example.ids) for example in examples) * settings.epochs
    measures = max(1, steps // settings.steps_between)
    budget = read * _SHARE_OF_MEASURING / _FORWARD_SHARE / measures
    within = sum(total <= budget for total in accumulate(len(e.ids) for e in held_out))
    return max(min(_FEWEST_MEASURED, len(held_out)), within)


def _arguments(
    trained: TrainedModel, settings: TrainingSettings, checkpoints: Path, *, fresh: bool
) -> TrainingArguments:
    arguments = _OnOneDevice(
        output_dir=str(checkpoints),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_rows,
        per_device_eval_batch_size=settings.batch_rows,
        gradient_accumulation_steps=settings.batch_size // settings.batch_rows,
        activation_checkpointing=settings.recompute,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=_WARMUP,  # below 1 it is a share of all steps
        weight_decay=0.0,
        max_grad_norm=1.0,
        optim="adamw_torch",
        bf16=trained.in_bfloat16,
        use_cpu=trained.device == "cpu",
        eval_strategy="steps",
        eval_steps=settings.steps_between,
        eval_on_start=fresh,
        save_strategy="steps",
        save_steps=settings.steps_between,
        save_total_limit=2,  # the best and the last
        load_best_model_at_end=True,
        metric_for_best_model="eval_loss",
        greater_is_better=False,
        prediction_loss_only=True,
        restore_callback_states_from_checkpoint=True,
        logging_steps=1,
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        log_level="error",
        report_to="none",
        push_to_hub=False,
        remove_unused_columns=False,
        label_names=["labels"],
        dataloader_pin_memory=False,
        seed=settings.seed,
        data_seed=settings.seed,
    )
    arguments.trained_on = trained.device
    return arguments


def _padded(rows: Sequence[dict[str, list[int]]]) -> dict[str, Tensor]:
    """A batch, padded on the right; padding is masked and has no loss."""
    width = max(len(row["input_ids"]) for row in rows)

    def tensor(values: Callable[[dict[str, list[int]]], list[int]], padding: int) -> Tensor:
        lists = [values(row) for row in rows]
        return torch.tensor([each + [padding] * (width - len(each)) for each in lists])

    return {
        "input_ids": tensor(lambda row: row["input_ids"], 0),
        "labels": tensor(lambda row: row["labels"], _IGNORED),
        "attention_mask": tensor(lambda row: [1] * len(row["input_ids"]), 0),
    }


def adapter_of(trained: TrainedModel, folder: Path, base_name: str) -> None:
    """Write the adapter as PEFT does, in safetensors.

    Args:
        trained: The model with its adapter.
        folder: The folder to write to.
        base_name: The name of the small model in the adapter's configuration.
    """
    configuration: Any = trained.model.peft_config["default"]
    configuration.base_model_name_or_path = base_name
    trained.model.save_pretrained(str(folder), safe_serialization=True, save_embedding_layers=False)
