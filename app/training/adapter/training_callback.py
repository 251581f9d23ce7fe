"""What happens between two steps: events, samples, and requests to pause or to end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from app.training.messages.training_channel import Channel
from app.training.messages.training_events import HeldOutLoss, Paused, Request, Sample, Step

_SAMPLE_TOKENS = 40


class TrainingCallback(TrainerCallback):
    """Sends events to the program and follows its requests.

    Args:
        channel: The connection to the program.
        sample_prompt: The text that samples continue, and its ids.
        text_of: The text of ids.
        eos_ids: Ids that end a sample.

    Attributes:
        stopped: Whether a person ended the training, keeping the best weights.
        abandoned: Whether the training is to go on at another time.
        seconds: How long the training took in this process, without pauses.
    """

    def __init__(
        self,
        channel: Channel,
        sample_prompt: tuple[str, Sequence[int]],
        text_of: Callable[[Sequence[int]], str],
        eos_ids: Sequence[int],
    ) -> None:
        self.stopped = False
        self.abandoned = False
        self._channel = channel
        self._prompt, self._ids = sample_prompt
        self._text_of = text_of
        self._eos_ids = list(eos_ids)
        self._started = time.monotonic()
        self._first_step = 0

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **more: Any,
    ) -> None:
        """Begin to measure the time."""
        self._started = time.monotonic()
        self._first_step = state.global_step

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **more: Any,
    ) -> None:
        """Send the loss of a step."""
        if logs and "loss" in logs:
            made = state.global_step - self._first_step
            left = self.seconds / made * (state.max_steps - state.global_step) if made else None
            self._channel.send(Step(state.global_step, state.max_steps, logs["loss"], left))

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        model: Any = None,
        **more: Any,
    ) -> None:
        """Send the held-out loss and a sample."""
        loss = (metrics or {})["eval_loss"]
        lowest = float("inf") if state.best_metric is None else state.best_metric
        best = state.global_step > 0 and loss < lowest  # the Trainer keeps no weights of step 0
        self._channel.send(HeldOutLoss(state.global_step, loss, best))
        self._channel.send(Sample(state.global_step, self._prompt, self._continued(model)))

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **more: Any,
    ) -> None:
        """Follow the requests of the program; waits here while it is paused."""
        request = self._channel.request()
        if request is Request.PAUSE:
            self._channel.send(Paused(state.global_step))
            began = time.monotonic()
            request = self._channel.wait_for_request()
            self._started += time.monotonic() - began
        if request in (Request.STOP, Request.ABANDON):
            self.stopped = request is Request.STOP
            self.abandoned = request is Request.ABANDON
            # The weights of now are measured and stored, so that they may be the best ones.
            control.should_evaluate = control.should_save = True
            control.should_training_stop = True

    @torch.no_grad()
    def _continued(self, model: Any) -> str:
        """The greedy continuation of the sample prompt."""
        was_training = model.training
        model.eval()
        ids = torch.tensor([list(self._ids)], device=model.device)
        found = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=_SAMPLE_TOKENS,
            do_sample=False,
            use_cache=True,
            eos_token_id=self._eos_ids or None,
            pad_token_id=self._eos_ids[0] if self._eos_ids else 0,
        )
        model.train(was_training)
        return self._text_of(found[0, ids.shape[1] :].tolist())
