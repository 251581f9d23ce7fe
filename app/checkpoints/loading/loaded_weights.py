"""What the program asks of weights in memory, whatever engine holds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol


class HeldPart(NamedTuple):
    """A part of weights in memory; ``identity`` is equal for a part that two models share."""

    identity: int
    device: str
    size: int


class LoadedWeights(Protocol):
    """The weights of one model in memory, and the settings in force."""

    @property
    def dtype(self) -> str:
        """The dtype of the weights that are not quantized, such as ``bfloat16``."""
        ...

    @property
    def quantization(self) -> str:
        """``none``, ``int8``, ``nf4``, or what the checkpoint was quantized with."""
        ...

    @property
    def offloaded(self) -> float:
        """Share of the weights that stays in main memory beside a device, from 0 to 1."""
        ...

    @property
    def gpu_layers(self) -> int:
        """For llama.cpp, the number of layers on a GPU, the output included; otherwise 0."""
        ...

    @property
    def parameters(self) -> int:
        """The number of parameters."""
        ...

    @property
    def eos_ids(self) -> Sequence[object]:
        """The end-of-sequence ids as configurations name them: ids, lists of ids, or None."""
        ...

    def parts(self) -> Iterable[HeldPart]:
        """What is in memory, without packed copies."""
        ...

    def packed(self) -> Mapping[int, int]:
        """Bytes of the packed copies of weights, by their identity."""
        ...
