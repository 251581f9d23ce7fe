"""Progress of a load, and the properties of loaded roles. Imports no torch: the window uses it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.checkpoints.engine_options import TRANSFORMERS
from app.checkpoints.proof.proof_report import Proof, warning_of


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """The progress of loading one role, in bytes of its weights.

    Attributes:
        role: The role's name, as in ``Recipe.roles``.
        done: Bytes loaded, or bytes written if ``converting``.
        total: Total bytes.
        converting: Whether a GGUF file is being converted, which happens once, before loading.
        proving: Whether the proof of the loaded model is running; ``done`` and ``total`` then count
            readings.
        packing: Whether weights of all models are being rearranged for the CPU; ``done`` and
            ``total`` then count their bytes in memory, not those of the role's files.
    """

    role: str
    done: int
    total: int
    converting: bool = False
    proving: bool = False
    packing: bool = False

    @property
    def reads(self) -> bool:
        """Whether bytes of the role's files are counted."""
        return not (self.proving or self.packing)


@dataclass(frozen=True, slots=True)
class RoleInForce:
    """The properties of a loaded role.

    Attributes:
        role: The role's name, as in ``Recipe.roles``.
        source: The source of the checkpoint in the recipe.
        dtype: Such as ``bfloat16``.
        device: Such as ``cpu`` or ``cuda:0``; for an endpoint, its host.
        parameters: The number of parameters of the model.
        shared: Whether an earlier role holds the same weights.
        quantization: ``none``, ``int8``, ``nf4``, or the quantization of the checkpoint.
        offloaded: The share of the weights that is offloaded to main memory, from 0 to 1.
        over: For an adapter, the source of the model that it adapts; otherwise empty.
        revision: The commit of a Hub checkpoint; otherwise empty.
        fingerprint: The digest of its files by :func:`app.checkpoints.fingerprint.fingerprint`.
        hardware: The name of the accelerator; empty for the CPU.
        engine: What reads the model, ``transformers`` or ``llama.cpp``; empty for an endpoint.
        kv_cache: For llama.cpp, the type of its KV cache; otherwise empty.
        gpu_layers: For llama.cpp, the number of layers on a GPU.
        model: For an endpoint, the server's name for the model; otherwise empty.
        proof: The proof of the weights with the adapter; None in runs of older versions.
    """

    role: str
    source: str
    dtype: str
    device: str
    parameters: int
    shared: bool
    quantization: str = "none"
    offloaded: float = 0.0
    over: str = ""
    revision: str = ""
    fingerprint: str = ""
    hardware: str = ""
    engine: str = TRANSFORMERS
    kv_cache: str = ""
    gpu_layers: int = 0
    model: str = ""
    proof: Proof | None = None


def proof_warnings(roles: Iterable[RoleInForce]) -> list[str]:
    """A sentence for every role whose proof has switched shortcuts off."""
    found = [warning_of(role.role, role.proof) for role in roles if role.proof]
    return [warning for warning in found if warning]
