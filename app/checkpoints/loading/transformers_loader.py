"""Loads the roles that transformers reads, with their adapters and shortcuts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from app.checkpoints.context_length import role_context
from app.checkpoints.formats.adapters import AdapterFiles
from app.checkpoints.loading.divided_head import divide_head
from app.checkpoints.loading.engine_loader import LoadControl, held_by, keys_of
from app.checkpoints.loading.grouped_attention import group_attention
from app.checkpoints.loading.loaded_weights import LoadedWeights
from app.checkpoints.loading.lora import adapted
from app.checkpoints.loading.packed_weights import pack_models
from app.checkpoints.loading.shortcuts import (
    is_as_loaded,
    read_without,
    with_original,
    without,
)
from app.checkpoints.loading.weights import TransformersWeights, load_weights
from app.checkpoints.loading.weights_proof import proof_of_weights
from app.checkpoints.opening import OpenedRole
from app.checkpoints.proof.proof_report import Proof, ProofMode
from app.checkpoints.status import LoadProgress
from app.checkpoints.weights_key import WeightsKey
from app.decoding.language_model import LanguageModel
from app.errors import Cancelled, DeviceError


class TransformersLoader:
    """The :class:`EngineLoader` of transformers.

    Args:
        control: The settings of the load.
        held: Weights in memory that need not be read again.
    """

    def __init__(self, control: LoadControl, held: Mapping[WeightsKey, LoadedWeights]) -> None:
        self._control = control
        self._held = held_by(TransformersWeights, held)
        self._proofs: dict[WeightsKey, Proof] = {}
        self._first = ""
        self.weights: dict[WeightsKey, TransformersWeights] = {}

    def forget(self) -> None:
        self.weights.clear()
        self._held.clear()

    def load(self, role: OpenedRole) -> None:
        self._first = self._first or role.name
        key, _ = keys_of(role)
        if key not in self.weights:
            self.weights[key] = self._held.get(key) or with_original(
                load_weights(
                    role,
                    key.device,
                    lambda done, total: self._control.on_progress(
                        LoadProgress(role.name, done, total)
                    ),
                    self._control.cancelled,
                )
            )

    def adapt(self, role: OpenedRole) -> None:
        adapter = role.files.adapter
        if adapter is None:
            return
        plain, key = keys_of(role)
        if key not in self.weights:
            self.weights[key] = self._held.get(key) or self._adapt(
                role, adapter, self.weights[plain]
            )

    def make_faster(self, spare: int) -> None:
        models = [weights.model for weights in self.weights.values()]
        for model in models:
            group_attention(model)
        pack_models(
            models,
            spare,
            lambda done, total: self._control.on_progress(
                LoadProgress(self._first, done, total, packing=True)
            ),
            self._control.cancelled,
        )
        for model in models:
            divide_head(model)

    def prove(self, role: OpenedRole, mode: ProofMode) -> Proof:
        _, key = keys_of(role)
        if key not in self._proofs:
            proof = proof_of_weights(
                role,
                self.weights[key],
                role_context(role, self._control.context),
                mode,
                self._control.proving(role),
                self._control.cancelled,
            )
            self._proofs[key] = proof
            self.weights[key] = without(self.weights[key], proof.given_up)
        return self._proofs[key]

    def language_model(self, role: OpenedRole) -> LanguageModel:
        _, key = keys_of(role)
        context = role_context(role, self._control.context)
        given_up = self._proofs[key].given_up
        return read_without(self.weights[key], context, given_up, self._control.context)

    def _adapt(
        self, role: OpenedRole, adapter: AdapterFiles, weights: TransformersWeights
    ) -> TransformersWeights:
        if weights.offloaded:
            raise DeviceError(
                f"The adapter of the {role.name} cannot be used over layers in main memory",
                evidence=f"{weights.offloaded:.0%} of the weights are offloaded",
                next_step="Switch offload off for this pair, or quantize it so that it fits.",
            )
        if self._control.cancelled():
            raise Cancelled
        assert weights.original is not None
        original = adapted(weights.original, adapter)
        if is_as_loaded(weights):
            return with_original(replace(weights, model=original))
        return replace(weights, model=adapted(weights.model, adapter), original=original)
