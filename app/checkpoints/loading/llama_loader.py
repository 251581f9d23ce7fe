"""Loads the roles that llama.cpp reads: GGUF files as they are, quantized."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from transformers import GenerationConfig

from app.checkpoints.context_length import role_context
from app.checkpoints.devices import free_bytes
from app.checkpoints.loading.engine_loader import LoadControl, held_by, keys_of
from app.checkpoints.loading.llama_proof import Held, plainer, proof_of_llama
from app.checkpoints.loading.loaded_weights import HeldPart, LoadedWeights
from app.checkpoints.loading.trial_load import try_in_child
from app.checkpoints.memory.llama_layers import LayerSplit, split_layers
from app.checkpoints.memory.role_footprint import footprint_of
from app.checkpoints.opening import OpenedRole
from app.checkpoints.proof.proof_report import Proof, ProofMode
from app.checkpoints.status import LoadProgress
from app.checkpoints.weights_key import WeightsKey
from app.decoding.language_model import LanguageModel
from app.decoding.llama_cpp.llama_context import ContextOptions, KvType
from app.decoding.llama_cpp.llama_model import LlamaCppLanguageModel
from app.decoding.llama_cpp.llama_weights import CPU, LlamaCppWeights
from app.decoding.step_sizes import USUAL_CONTEXT

_PLAIN = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}


@dataclass(frozen=True, slots=True, eq=False)
class LlamaWeights:
    """Weights that llama.cpp holds, and the settings in force.

    Attributes:
        held: The weights.
        dtype: The dtype of the file; ``float32``, in which rows are computed, if it is quantized.
        quantization: The quantization of most of the file, such as ``Q4_K``, or ``none``.
        eos_ids: As in ``LoadedWeights``.
        gpu_layers: Number of layers on a GPU, the output included.
        offloaded: As in ``LoadedWeights``.
        on_host: Bytes of the weights that stay in main memory beside a GPU.
    """

    held: LlamaCppWeights
    dtype: str
    quantization: str
    eos_ids: Sequence[object]
    gpu_layers: int = 0
    offloaded: float = 0.0
    on_host: int = 0

    @property
    def parameters(self) -> int:
        return self.held.parameters

    def parts(self) -> Iterator[HeldPart]:
        model = id(self.held.handle)  # which weights with an adapter share
        yield HeldPart(model, self.held.device, self.held.size - self.on_host)
        if self.on_host:
            yield HeldPart(-model, CPU, self.on_host)

    def packed(self) -> Mapping[int, int]:
        return {}


class LlamaLoader:
    """The :class:`EngineLoader` of llama.cpp.

    Args:
        control: The settings of the load.
        held: Weights in memory that need not be read again.
    """

    def __init__(self, control: LoadControl, held: Mapping[WeightsKey, LoadedWeights]) -> None:
        self._control = control
        self._held = held_by(LlamaWeights, held)
        self._proofs: dict[WeightsKey, Proof] = {}
        self.weights: dict[WeightsKey, LlamaWeights] = {}

    def forget(self) -> None:
        self.weights.clear()
        self._held.clear()

    def load(self, role: OpenedRole) -> None:
        key, _ = keys_of(role)
        if key not in self.weights:
            self.weights[key] = self._held.get(key) or self._read(role, key.device)

    def adapt(self, role: OpenedRole) -> None:
        adapter = role.files.adapter
        plain, key = keys_of(role)
        if adapter is None or key in self.weights:
            return
        held = self._held.get(key)
        if held is None:
            weights = self.weights[plain]
            held = replace(weights, held=weights.held.adapted([(adapter.weights, 1.0)]))
        self.weights[key] = held

    def make_faster(self, spare: int) -> None:
        """Do nothing: llama.cpp rearranges weights for the processor as it reads them."""

    def prove(self, role: OpenedRole, mode: ProofMode) -> Proof:
        _, key = keys_of(role)
        if key not in self._proofs:
            weights = self.weights[key]
            self._proofs[key] = proof_of_llama(
                role,
                self._model(role, key),
                Held(key.device, weights.quantization, weights.offloaded),
                mode,
                self._control.mixed,
                self._control.proving(role),
                self._control.cancelled,
            )
        return self._proofs[key]

    def language_model(self, role: OpenedRole) -> LanguageModel:
        _, key = keys_of(role)
        return plainer(self._model(role, key), self._proofs[key].given_up)

    def _model(self, role: OpenedRole, key: WeightsKey) -> LlamaCppLanguageModel:
        return LlamaCppLanguageModel(
            self.weights[key].held,
            role_context(role, self._control.context),
            ContextOptions(kv_type=KvType[role.spec.kv_cache.upper()]),
        )

    def _read(self, role: OpenedRole, device: str) -> LlamaWeights:
        total = role.files.weight_bytes
        try_in_child(role.files.weights, self._control.cancelled)
        split = None if device == CPU else self._split(role, device)
        held = LlamaCppWeights.open(
            role.files.weights,
            device=device,
            gpu_layers=split.layers if split else 0,
            cancelled=self._control.cancelled,
            on_progress=lambda share: self._control.on_progress(
                LoadProgress(role.name, int(share * total), total)
            ),
        )
        weights = LlamaWeights(held, *_types(role), _eos_ids(role))
        if split is None:
            return weights
        return replace(
            weights,
            gpu_layers=split.layers,
            offloaded=1 - split.share,
            on_host=max(0, held.size - split.on_device),
        )

    def _split(self, role: OpenedRole, device: str) -> LayerSplit:
        context = role_context(role, self._control.context) or USUAL_CONTEXT
        return split_layers(
            role.files.tensors,
            footprint_of(role),
            role.spec.gpu_layers,
            min(context, USUAL_CONTEXT) if self._control.context is None else context,
            role.spec.kv_cache,
            free_bytes(device),
        )


def _types(role: OpenedRole) -> tuple[str, str]:
    """The dtype of a file and its quantization, by which most of its bytes are stored."""
    sizes = Counter[str]()
    for tensor in role.files.tensors:
        sizes[tensor.dtype] += tensor.size
    ((kind, _),) = sizes.most_common(1)
    return (_PLAIN[kind], "none") if kind in _PLAIN else ("float32", kind)


def _eos_ids(role: OpenedRole) -> list[object]:
    generation = GenerationConfig.from_pretrained(role.files.folder, local_files_only=True)
    return [getattr(role.config, "eos_token_id", None), generation.eos_token_id]
