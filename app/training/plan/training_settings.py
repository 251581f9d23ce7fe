"""The settings of a training, found from the size of the data and of the model.

All defaults are in this file. Imports no torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.errors import SettingsError

_MOST_EPOCHS = 8
_FEWEST_STEPS = 20
_MEASURES = 10
"""How many times the held-out loss is measured in a full training."""

_BY_SIZE = ((30e6, 3e-3, 120), (1e9, 5e-4, 60), (math.inf, 2e-4, 60))
"""Learning rates and steps by the number of parameters up to which they hold.

Small models need larger rates, and learn in more steps."""

_TOKENS_ON_CPU, _TOKENS_ON_GPU = 512, 1_024
_ROWS, _ROWS_IF_LONG, _LONG = 8, 4, 512
_FEWEST_TOKENS = 8
_SEEDS = 2**32
"""NumPy, which the Trainer seeds too, takes no larger seed."""


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
        batch_rows: How many of them are computed at once, a divisor of ``batch_size``; the rest of
            a step follows after them.
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
        if self.batch_size % self.batch_rows:
            raise SettingsError(
                "The examples of a step must be a multiple of those that are computed at once",
                evidence=f"batch_size is {self.batch_size}, batch_rows {self.batch_rows}",
            )
        _require_tokens(self.most_tokens)
        if not 0 <= self.seed < _SEEDS:
            raise SettingsError(
                f"The seed of a training must be from 0 to {_SEEDS - 1:,}",
                evidence=f"it is {self.seed}",
            )

    def steps(self, examples: int) -> int:
        """The number of steps of a full training on so many examples."""
        return max(1, math.ceil(math.ceil(examples / self.batch_size) * self.epochs))

    def with_fewer_rows(self) -> TrainingSettings:
        """The same training with at most half as many examples computed at once."""
        return replace(self, batch_rows=rows_of(self.batch_size, self.batch_rows // 2))


def rows_of(batch_size: int, most: int) -> int:
    """How many examples of a step are computed at once: a divisor of their number up to ``most``.

    It is 1 for a batch size that is none, which the settings then refuse.
    """
    divisors = (rows for rows in range(1, most + 1) if batch_size % rows == 0)
    return max((rows for rows in divisors if rows <= batch_size), default=1)


def most_tokens_for(
    longest: int, *, context: int | None, on_cpu: bool, given: int | None = None
) -> int:
    """The tokens at which examples are cut: those of the longest one, within what is usual.

    Args:
        longest: The tokens of the longest example.
        context: The context length of the small model, if known.
        on_cpu: Whether it is trained on a CPU, where examples are kept shorter.
        given: What a person chose, which holds up to the context length.

    Raises:
        SettingsError: It is too few.
    """
    usual = min(_TOKENS_ON_CPU if on_cpu else _TOKENS_ON_GPU, max(_FEWEST_TOKENS, longest))
    most = usual if given is None else given
    _require_tokens(most)
    return min(most, context or most)


def _require_tokens(most: int) -> None:
    if most < _FEWEST_TOKENS:
        raise SettingsError(
            f"The number of tokens of an example must be at least {_FEWEST_TOKENS}",
            evidence=f"it is {most}",
        )


def settings_for(
    examples: int,
    most_tokens: int,
    parameters: int,
    *,
    on_cpu: bool,
    given: Mapping[str, Any] | None = None,
) -> TrainingSettings:
    """Settings that suit the data, but for those that are given.

    Small data are read several times, until there were enough steps; large data once. Batches are
    smaller for few examples.

    Args:
        examples: The number of examples, cut at ``most_tokens``.
        most_tokens: As in :class:`TrainingSettings`.
        parameters: The parameters of the small model.
        on_cpu: Whether it is trained on a CPU.
        given: Settings that a person chose, by name; the others follow from them.

    Raises:
        SettingsError: A given setting is out of range.
    """
    chosen = dict(given or {})
    usual = 4 if examples < 100 else 8 if examples < 2_000 or on_cpu else 16
    batch = chosen.setdefault("batch_size", usual)
    rate, wanted = next((rate, steps) for size, rate, steps in _BY_SIZE if parameters <= size)
    chosen.setdefault("learning_rate", rate)
    chosen.setdefault("epochs", round(max(1.0, min(_MOST_EPOCHS, wanted * batch / examples)), 2))
    chosen.setdefault("batch_rows", rows_of(batch, _ROWS_IF_LONG if most_tokens > _LONG else _ROWS))
    found = TrainingSettings(**{**chosen, "most_tokens": most_tokens})
    if "steps_between" in chosen:
        return found
    steps = max(found.steps(examples), _FEWEST_STEPS)
    return replace(found, steps_between=max(2, math.ceil(steps / _MEASURES)))
