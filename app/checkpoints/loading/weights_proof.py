"""The proof of weights that transformers holds, against plain forward passes of the original."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from app.checkpoints.loading.shortcuts import read_without, shortcuts_of
from app.checkpoints.loading.stored_proof import ProofFacts, StoredProof
from app.checkpoints.loading.weights import TransformersWeights
from app.checkpoints.opening import OpenedRole
from app.checkpoints.proof.proof_bounds import bound_of
from app.checkpoints.proof.proof_report import Proof, ProofMode
from app.checkpoints.proof.proof_text import TOKENS
from app.checkpoints.proof.proving import Subject, prove
from app.checkpoints.proof.reference import PlainForwards


def proof_of_weights(
    role: OpenedRole,
    weights: TransformersWeights,
    context: int | None,
    mode: ProofMode,
    on_progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> Proof:
    """Prove ``weights``, unless a stored proof is valid or proofs are switched off.

    Args:
        role: A role that has these weights.
        weights: The weights with all their shortcuts, and with their original.
        context: The context length, or None for that of the model.
        mode: When to prove.
        on_progress: Called with the number of readings done and their total.
        cancelled: Called before each block.

    Raises:
        ModelError: The logits of the model are not finite or not reproducible.
        Cancelled: ``cancelled`` returned true.
    """
    fastest = read_without(weights, context, ())
    shortcuts = shortcuts_of(weights, fastest)
    facts = ProofFacts(
        dtype=weights.dtype,
        quantization=weights.quantization,
        device=str(weights.model.device),
        attention=str(weights.model.config._attn_implementation),
        shortcuts=shortcuts,
        offloaded=weights.offloaded,
        context_length=fastest.context_length,
        vocabulary_size=fastest.vocabulary_size,
    )
    subject = Subject(
        name=role.name,
        reference=PlainForwards(weights.original or weights.model),
        shortcuts=shortcuts,
        read=lambda given_up: read_without(weights, context, given_up, TOKENS),
        bound=bound_of(weights.dtype, weights.quantization),
    )
    stored = StoredProof(role, facts, mode)
    # no lambda: the frames of an error keep their functions, and these the models of their closures
    make = partial(prove, subject, on_progress=on_progress, cancelled=cancelled)
    return stored.why_not() or stored.get(make)
