"""The proof of weights that llama.cpp holds: every way of reading against one pass over the text.

Rows are compared with those of llama.cpp's own plain pass, which has an empty cache and reads the
whole text at once. In a recipe of both engines, a small model is also compared with transformers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from app.checkpoints.engine_options import LLAMA_CPP
from app.checkpoints.loading.beside_transformers import difference_of_engines
from app.checkpoints.loading.stored_proof import ProofFacts, StoredProof
from app.checkpoints.opening import OpenedRole
from app.checkpoints.proof.logit_difference import difference
from app.checkpoints.proof.proof_bounds import bound_of_llama
from app.checkpoints.proof.proof_report import Difference, Proof, ProofMode, Shortcut
from app.checkpoints.proof.proving import Subject, prove
from app.decoding.batch_model import BatchModel, SeparateTexts
from app.decoding.cache_state import CacheState
from app.decoding.llama_cpp.llama_model import LlamaCppLanguageModel

_BLOCK = 8
"""Tokens of the block that is compared with the same tokens one by one."""
_SHORTCUTS = (Shortcut.PADDING, Shortcut.REWINDING, Shortcut.BLOCKS, Shortcut.CACHE)


@dataclass(frozen=True, slots=True)
class Held:
    """How weights are held; the attributes are those of ``WeightsKey`` and ``LoadedWeights``."""

    device: str
    quantization: str
    offloaded: float


class PlainerLlamaModel(LlamaCppLanguageModel):
    """A language model of llama.cpp that does without some shortcuts.

    Args:
        model: The language model with all shortcuts; its weights are shared.
        given_up: The shortcuts to leave out.
    """

    def __init__(self, model: LlamaCppLanguageModel, given_up: Collection[Shortcut]) -> None:
        super().__init__(model.weights, model.context_length, model.options)
        self._given_up = frozenset(given_up)
        self._read_so_far = torch.empty(0, dtype=torch.int64)
        self.shortens = self.shortens and Shortcut.REWINDING not in self._given_up

    def another(self) -> PlainerLlamaModel:
        return PlainerLlamaModel(self, self._given_up)

    def batch(self) -> BatchModel:
        return SeparateTexts(self.another) if self._given_up else super().batch()

    def extend(self, tokens: Tensor, last: int = 1) -> Tensor:
        if Shortcut.CACHE in self._given_up:
            whole = torch.cat([self._read_so_far, tokens])
            self.rewind(0)
            wanted = super().extend(whole, last)
            self._read_so_far = whole
            return wanted
        if Shortcut.BLOCKS in self._given_up:
            rows = deque[Tensor](maxlen=last)
            for token in tokens.split(1):
                rows.append(super().extend(token))
            return torch.cat(list(rows))
        return super().extend(tokens, last)

    def rewind(self, length: int) -> None:
        if Shortcut.CACHE in self._given_up and length > 0:
            kept = self._read_so_far[:length]
            super().rewind(0)
            self._read_so_far = torch.empty(0, dtype=torch.int64)
            self.extend(kept)
            return
        self._read_so_far = self._read_so_far[:length]
        super().rewind(length)

    def take_state(self) -> CacheState | None:
        return None if Shortcut.CACHE in self._given_up else super().take_state()

    def release(self) -> None:
        self._read_so_far = torch.empty(0, dtype=torch.int64)
        super().release()


class _WholeTexts:
    """The reference: passes over whole texts, each with an empty cache."""

    def __init__(self, model: LlamaCppLanguageModel) -> None:
        self._model = model

    def rows(self, text: Tensor) -> Tensor:
        reader = self._model.another()
        rows = reader.extend(text, len(text))
        reader.release()
        return rows

    def model(self) -> LlamaCppLanguageModel:
        return PlainerLlamaModel(self._model, {Shortcut.CACHE})


def plainer(model: LlamaCppLanguageModel, given_up: Collection[Shortcut]) -> LlamaCppLanguageModel:
    """``model`` without the given shortcuts; ``model`` itself if there are none."""
    return PlainerLlamaModel(model, given_up) if given_up else model


def proof_of_llama(
    role: OpenedRole,
    model: LlamaCppLanguageModel,
    held: Held,
    mode: ProofMode,
    mixed: bool,
    on_progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> Proof:
    """Prove the model of a role, unless a stored proof is valid or proofs are switched off.

    Args:
        role: The role.
        model: Its language model, with an empty cache.
        held: How its weights are held.
        mode: When to prove.
        mixed: Whether to measure the difference between the engines as well, if the model is small.
        on_progress: Called with the number of readings done and their total.
        cancelled: Called before each block.

    Raises:
        ModelError: The logits of the model are not finite or not reproducible.
        Cancelled: ``cancelled`` returned true.
    """
    facts = ProofFacts(
        dtype=role.spec.kv_cache,
        quantization=held.quantization,
        device=held.device,
        attention=LLAMA_CPP,
        shortcuts=_SHORTCUTS,
        offloaded=held.offloaded,
        context_length=model.context_length,
        vocabulary_size=model.vocabulary_size,
    )
    stored = StoredProof(role, facts, mode)
    if unproved := stored.why_not():
        return unproved
    subject = Subject(
        name=role.name,
        reference=_WholeTexts(model),
        shortcuts=_SHORTCUTS,
        read=lambda given_up: plainer(model, given_up),
        bound=bound_of_llama(role.spec.kv_cache, held.quantization),
        engine=LLAMA_CPP,
    )
    # no closure: the frames of an error keep their functions, and these what they close over
    proof = stored.get(partial(_prove, subject, model, on_progress, cancelled))
    if mixed and proof.engines is None:
        found = difference_of_engines(role, model, cancelled)
        if found is not None:
            proof = replace(proof, engines=found)
            stored.keep(proof)
    model.release()
    return proof


def _prove(
    subject: Subject,
    model: LlamaCppLanguageModel,
    on_progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
    ids: tuple[int, ...],
) -> Proof:
    proof = prove(subject, ids, on_progress, cancelled)
    return replace(proof, blocks=_block_difference(model, ids))


def _block_difference(model: LlamaCppLanguageModel, ids: Sequence[int]) -> Difference:
    """How far the rows of a block are from those of the same tokens, read one by one."""
    text = torch.tensor(ids[:-_BLOCK])
    block = torch.tensor(ids[-_BLOCK:])
    rows = []
    for parts in (block.split(1), (block,)):
        model.rewind(0)
        model.extend(text)
        rows.append(torch.cat([model.extend(part, len(part)) for part in parts]))
    one_by_one, together = rows
    return difference(together, one_by_one)
