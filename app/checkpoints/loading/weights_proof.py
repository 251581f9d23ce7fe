"""The proof of loaded weights: a stored one if it is valid, or a new one."""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch

from app.checkpoints.devices import hardware_name
from app.checkpoints.fingerprint import fingerprint
from app.checkpoints.loading.shortcuts import read_without, shortcuts_of
from app.checkpoints.loading.weights import TransformersWeights
from app.checkpoints.opening import OpenedRole
from app.checkpoints.proof.proof_bounds import bound_of
from app.checkpoints.proof.proof_report import Proof, ProofMode, in_one_line, warning_of
from app.checkpoints.proof.proof_store import ProofKey, keep_proof, kept_proof
from app.checkpoints.proof.proof_text import FEWEST, TOKENS, proof_ids
from app.checkpoints.proof.proving import Subject, prove
from app.checkpoints.proof.reference import PlainForwards
from app.settings import cache_folder

log = logging.getLogger(__name__)


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
    if mode is ProofMode.OFF:
        return Proof(not_proved="switched off")
    fastest = read_without(weights, context, ())
    length = min(TOKENS, fastest.context_length or TOKENS)
    if length < FEWEST:
        return Proof(not_proved=f"its context holds {length} tokens")
    shortcuts = shortcuts_of(weights, fastest)
    device = str(weights.model.device)
    key = ProofKey(
        fingerprint=fingerprint(role.files),
        dtype=weights.dtype,
        quantization=weights.quantization,
        device=device.partition(":")[0],
        hardware=hardware_name(device),
        attention=str(weights.model.config._attn_implementation),
        shortcuts=tuple(shortcuts),
        threads=torch.get_num_threads(),
        offloaded=round(weights.offloaded, 2),
        tokens=length,
    )
    folder = cache_folder() / "proofs"
    proof = kept_proof(folder, key) if mode is ProofMode.KEPT else None
    if proof is None:
        subject = Subject(
            name=role.name,
            reference=PlainForwards(weights.original or weights.model),
            shortcuts=shortcuts,
            read=lambda given_up: read_without(weights, context, given_up, TOKENS),
            bound=bound_of(weights.dtype, weights.quantization),
        )
        tokenizer = role.tokenizer
        ids = proof_ids(
            min(len(tokenizer), fastest.vocabulary_size),
            {*tokenizer.all_special_ids, *tokenizer.added_tokens_decoder},
            length,
        )
        proof = prove(subject, ids, on_progress, cancelled)
        keep_proof(folder, key, proof)
    if proof.given_up:
        log.warning("%s", warning_of(role.name, proof))
    log.info("%s: %s, in %.2f s", role.name, in_one_line(proof), proof.seconds)
    return proof
