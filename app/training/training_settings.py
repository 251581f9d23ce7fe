"""The settings of a training, found from the size of the data and of the model.

All defaults are in this file. Imports no torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from app.errors import SettingsError

_MOST_EPOCHS = 8
_FEWEST_STEPS = 20
_MEASURES = 10
"""How many times the held-out loss is measured in a full training."""

_BY_SIZE = ((30e6, 3e-3, 120), (1e9, 5e-4, 60), (math.inf, 2e-4, 60))
"""Learning rates and steps by the number of parameters up to which they hold.

Small models need larger rates, and learn in more steps."""


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """The settings of a training with LoRA.

    Attributes:
        rank: The rank of the adapter's matrices.
        scale: LoRA's alpha: the adapter is multiplied by ``scale / rank``.
        dropout: Dropout in the adapter.
        learning_rate: The highest learning rate; it rises for a twentieth of the steps and then
            falls to 0 along a cosine.
        epochs: How many times each example is read at most.
        batch_size: The number of examples of a step.
        batch_rows: How many of them are computed at once; the rest of a step follows after them.
        most_tokens: Longer examples are cut.
        steps_between: The number of steps between two measurements of the held-out loss, at which
            the state is stored.
        patience: Training ends after so many measurements without a better one.
        recompute: Whether activations are computed again in the backward pass, which takes less
            memory and a third more time (gradient checkpointing).
        seed: The seed of the order of the examples, the first weights and dropout.
    """

    rank: int = 16
    scale: int = 32
    dropout: float = 0.05
    learning_rate: float = 5e-4
    epochs: float = 3.0
    batch_size: int = 8
    batch_rows: int = 8
    most_tokens: int = 512
    steps_between: int = 10
    patience: int = 3
    recompute: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name in (
            "rank",
            "scale",
            "learning_rate",
            "epochs",
            "batch_size",
            "batch_rows",
            "steps_between",
            "patience",
        ):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise SettingsError(
                    f"The setting {name} of a training must be above 0", evidence=f"it is {value}"
                )
        if not 0 <= self.dropout < 1:
            raise SettingsError(
                "The dropout must be at least 0 and below 1", evidence=f"it is {self.dropout}"
            )
        if self.most_tokens < 8:
            raise SettingsError(
                "The number of tokens of an example must be at least 8",
                evidence=f"it is {self.most_tokens}",
            )

    def steps(self, examples: int) -> int:
        """The number of steps of a full training on so many examples."""
        rows = math.ceil(examples / self.batch_rows)
        of_epoch = max(1, math.ceil(rows * self.batch_rows / self.batch_size))
        return max(1, math.ceil(of_epoch * self.epochs))


def settings_for(
    examples: int, longest: int, parameters: int, *, context: int | None, on_cpu: bool
) -> TrainingSettings:
    """Settings that suit the data.

    Small data are read several times, until there were enough steps; large data once. Batches are
    smaller for few examples.

    Args:
        examples: The number of examples.
        longest: The tokens of the longest example.
        parameters: The parameters of the small model.
        context: Its context length, if known.
        on_cpu: Whether it is trained on a CPU, where examples are kept shorter.
    """
    batch = 4 if examples < 100 else 8 if examples < 2_000 or on_cpu else 16
    rate, wanted = next((rate, steps) for size, rate, steps in _BY_SIZE if parameters <= size)
    epochs = max(1.0, min(_MOST_EPOCHS, wanted * batch / examples))
    most = min(512 if on_cpu else 1_024, context or 1_024, max(8, longest))
    steps = math.ceil(examples / batch * epochs)
    return TrainingSettings(
        learning_rate=rate,
        epochs=round(epochs, 2),
        batch_size=batch,
        batch_rows=min(batch, 4 if most > 512 else 8),
        most_tokens=most,
        steps_between=max(2, math.ceil(max(steps, _FEWEST_STEPS) / _MEASURES)),
        patience=3,
    )
