"""What loading tells while it runs and when it is done. Imports no torch: the window uses it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.checkpoints.proof.proof_report import Proof, warning_of


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """How far the loading of one role is, in bytes of its weights.

    Attributes:
        role: The role's name, as in ``Recipe.roles``.
        done: Bytes loaded, or written where ``converting``.
        total: Bytes in all.
        converting: Whether a GGUF file is being converted, which is done once before loading.
        proving: Whether the loaded model is being compared with plain forward passes; ``done`` and
            ``total`` are readings then.
    """

    role: str
    done: int
    total: int
    converting: bool = False
    proving: bool = False


@dataclass(frozen=True, slots=True)
class RoleInForce:
    """What a role really runs as.

    Attributes:
        role: The role's name, as in ``Recipe.roles``.
        source: The checkpoint, as the recipe names it.
        dtype: Such as ``bfloat16``.
        device: Such as ``cpu`` or ``cuda:0``.
        parameters: How many the model has.
        shared: Whether another role before it holds the same weights.
        quantization: ``none``, ``int8``, ``nf4``, or what the checkpoint was quantized with.
        offloaded: Share of the weights that stays in main memory, from 0 to 1.
        over: For an adapter, the checkpoint that it is kept over; otherwise nothing.
        revision: The commit of a Hub checkpoint; otherwise nothing.
        fingerprint: Of its files; see :func:`app.checkpoints.fingerprint.fingerprint`.
        hardware: The name of the accelerator; nothing for the CPU.
        model: Of an endpoint, what the server calls the model; its ``device`` is the host.
        proof: Of the weights, with the adapter; None in runs of older versions.
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
    model: str = ""
    proof: Proof | None = None


def proof_warnings(roles: Iterable[RoleInForce]) -> list[str]:
    """A sentence for every role that is read in a plainer way than usual."""
    found = [warning_of(role.role, role.proof) for role in roles if role.proof]
    return [warning for warning in found if warning]
