"""What the loader of recipes asks of each engine, step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from app.checkpoints.devices import resolve_device
from app.checkpoints.loading.loaded_weights import LoadedWeights
from app.checkpoints.opening import OpenedRole
from app.checkpoints.proof.proof_report import Proof, ProofMode
from app.checkpoints.status import LoadProgress
from app.checkpoints.weights_key import WeightsKey, weights_keys
from app.decoding.language_model import LanguageModel

_W = TypeVar("_W", bound=LoadedWeights)


@dataclass(frozen=True, slots=True)
class LoadControl:
    """The settings of one load, and its connection to whoever asked for it.

    Attributes:
        context: The context length of the recipe, or None for that of the models.
        on_progress: Called for each role as its weights are read.
        cancelled: Called for every tensor.
        mixed: Whether the recipe has roles of both engines, whose difference is then measured.
    """

    context: int | None
    on_progress: Callable[[LoadProgress], None]
    cancelled: Callable[[], bool]
    mixed: bool = False

    def proving(self, role: OpenedRole) -> Callable[[int, int], None]:
        """What a proof of ``role`` calls with the number of readings done and their total."""
        return lambda done, total: self.on_progress(
            LoadProgress(role.name, done, total, proving=True)
        )


class EngineLoader(Protocol):
    """Loads the weights of the roles that one engine reads, each set of weights once."""

    @property
    def weights(self) -> Mapping[WeightsKey, LoadedWeights]:
        """The weights that were loaded."""
        ...

    def load(self, role: OpenedRole) -> None:
        """Load the weights of ``role`` without its adapter, unless they are loaded."""
        ...

    def adapt(self, role: OpenedRole) -> None:
        """Apply the adapter of ``role``, if it has one, to the weights that it adapts."""
        ...

    def make_faster(self, spare: int) -> None:
        """Add shortcuts, with at most ``spare`` more bytes of main memory."""
        ...

    def prove(self, role: OpenedRole, mode: ProofMode) -> Proof:
        """Compare the model of ``role`` with its reference, unless another role has it.

        Raises:
            ModelError: The logits of the model are not finite or not reproducible.
        """
        ...

    def language_model(self, role: OpenedRole) -> LanguageModel:
        """A language model with a KV cache of its own, once the weights are proved."""
        ...

    def forget(self) -> None:
        """Drop all references to weights."""
        ...


def held_by(engine: type[_W], held: Mapping[WeightsKey, LoadedWeights]) -> dict[WeightsKey, _W]:
    """Those of the weights in memory that one engine holds, by the class of its weights."""
    return {key: weights for key, weights in held.items() if isinstance(weights, engine)}


def keys_of(role: OpenedRole) -> tuple[WeightsKey, WeightsKey]:
    """The keys of a role's weights without and with its adapter."""
    return weights_keys(role, resolve_device(role.spec.device, role.engine))
