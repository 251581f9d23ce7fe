"""The proof of loaded weights: a stored one if it is valid, or a new one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from app.checkpoints.devices import hardware_name
from app.checkpoints.fingerprint import fingerprint
from app.checkpoints.opening import OpenedRole
from app.checkpoints.proof.proof_report import Proof, ProofMode, in_one_line, warning_of
from app.checkpoints.proof.proof_store import ProofKey, keep_proof, kept_proof
from app.checkpoints.proof.proof_text import FEWEST, TOKENS, proof_ids
from app.checkpoints.vocabulary.text_encoding import prompt_beginning
from app.settings import cache_folder

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProofFacts:
    """What decides whether a stored proof is one of these weights; see :class:`ProofKey`.

    Attributes:
        device: The device, with its number.
        context_length: The context length of the model, or None without a limit.
        vocabulary_size: Columns of its logits.
    """

    dtype: str
    quantization: str
    device: str
    attention: str
    shortcuts: Sequence[str]
    offloaded: float
    context_length: int | None
    vocabulary_size: int


class StoredProof:
    """The proof of one role's weights, kept in the cache folder.

    Args:
        role: A role that has these weights.
        facts: What they are.
        mode: When to prove.
    """

    def __init__(self, role: OpenedRole, facts: ProofFacts, mode: ProofMode) -> None:
        self._role = role
        self._facts = facts
        self._mode = mode
        self._length = min(TOKENS, facts.context_length or TOKENS)
        self._folder = cache_folder() / "proofs"

    def why_not(self) -> Proof | None:
        """A proof that says why nothing is proved; None if something can be."""
        if self._mode is ProofMode.OFF:
            return Proof(not_proved="switched off")
        if self._length < FEWEST:
            return Proof(not_proved=f"its context holds {self._length} tokens")
        return None

    def get(self, make: Callable[[tuple[int, ...]], Proof]) -> Proof:
        """The stored proof if it is valid, or else what ``make`` finds with a text of these ids."""
        proof = self._kept()
        if proof is None:
            proof = make(self._ids())
            self.keep(proof)
        if proof.given_up:
            log.warning("%s", warning_of(self._role.name, proof))
        log.info("%s: %s, in %.2f s", self._role.name, in_one_line(proof), proof.seconds)
        return proof

    def keep(self, proof: Proof) -> None:
        """Store a proof, in place of an earlier one."""
        keep_proof(self._folder, self._key(), proof)

    def _kept(self) -> Proof | None:
        return kept_proof(self._folder, self._key()) if self._mode is ProofMode.KEPT else None

    def _key(self) -> ProofKey:
        facts = self._facts
        return ProofKey(
            fingerprint=fingerprint(self._role.files),
            dtype=facts.dtype,
            quantization=facts.quantization,
            device=facts.device.partition(":")[0],
            hardware=hardware_name(facts.device),
            attention=facts.attention,
            shortcuts=tuple(facts.shortcuts),
            threads=torch.get_num_threads(),
            offloaded=round(facts.offloaded, 2),
            tokens=self._length,
        )

    def _ids(self) -> tuple[int, ...]:
        tokenizer = self._role.tokenizer
        begin = prompt_beginning(tokenizer.backend_tokenizer)
        return proof_ids(
            min(len(tokenizer), self._facts.vocabulary_size),
            {*tokenizer.all_special_ids, *tokenizer.added_tokens_decoder},
            self._length,
            begin,
        )
