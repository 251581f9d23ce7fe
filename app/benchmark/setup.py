"""Set-up of a benchmark: the models of a recipe, or models of given sizes with random weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from tokenizers import Tokenizer, models
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedModel
from transformers.initialization import no_init_weights

from app.checkpoints.devices import free_bytes, resolve_device
from app.checkpoints.loading.divided_head import divide_head
from app.checkpoints.loading.grouped_attention import group_attention
from app.checkpoints.loading.loader import load_recipe
from app.checkpoints.loading.lora import twin
from app.checkpoints.loading.packed_weights import pack_models, packed_weights
from app.checkpoints.loading.weights import TransformersWeights
from app.checkpoints.opening import open_recipe
from app.checkpoints.preflight import preflight
from app.checkpoints.proof.proof_report import Proof, ProofMode
from app.checkpoints.spec import Recipe
from app.checkpoints.status import LoadProgress
from app.checkpoints.vocabulary.compare import require_shared
from app.decoding.combining import Pair
from app.decoding.detokenizer import Detokenizer
from app.decoding.ensemble import Ensemble
from app.decoding.graphs import make_language_model
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.llama_cpp.llama_model import LlamaCppLanguageModel
from app.decoding.types import GenerationConfig
from app.errors import DeviceError, SettingsError

PROMPT_TOKENS = 64
"""Length of the prompt of random ids, for models with random weights."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a Llama model; ``tied`` is whether embedding and output layer share weights."""

    hidden: int
    intermediate: int
    layers: int
    heads: int
    key_value_heads: int
    vocabulary: int = 32_000
    tied: bool = False


SHAPES = {
    "demo": Shape(144, 384, 4, 3, 3, 8_192, tied=True),
    "15m": Shape(288, 768, 6, 6, 6, tied=True),
    "135m": Shape(576, 1536, 30, 9, 3, 49_152, tied=True),
    "0.5b": Shape(896, 4864, 24, 14, 2, 151_936, tied=True),
    "1b": Shape(2048, 5632, 22, 32, 4),
    "1.5b": Shape(1536, 8960, 28, 12, 2, 151_936, tied=True),
    "7b": Shape(4096, 11008, 32, 32, 32),
    "8b": Shape(4096, 14336, 32, 32, 8, 128_256),
    "13b": Shape(5120, 13824, 40, 40, 40),
}
"""Sizes of the demo, of SmolLM2, Qwen2.5, TinyLlama, Llama 2 and 3, and of stories15M.

Pairs get the base's vocabulary.
"""
_CONTEXT = 16_384


@dataclass(frozen=True, slots=True, eq=False)
class Setup:
    """The models, prompts and settings of a benchmark.

    Attributes:
        title: The recipe's name, or the sizes of the models.
        ensemble: The ensemble that Tuneshift decodes with.
        originals: The unmodified transformers model of each model context, for the reference. They
            share tensors with the models of the ensemble, which use shortcuts. Empty if llama.cpp
            reads a role: there is then no reference.
        prompts: The token ids of the prompt of each model context.
        detokenizer: Creates the detokenizer of a run.
        alphas: The alpha of each pair.
        config: The sampling settings.
        packed: Bytes of packed weights.
        proofs: The proof of each role.
    """

    title: str
    ensemble: Ensemble
    originals: tuple[PreTrainedModel, ...]
    prompts: tuple[tuple[int, ...], ...]
    detokenizer: Callable[[], Detokenizer]
    alphas: tuple[float, ...]
    config: GenerationConfig
    packed: int
    proofs: tuple[tuple[str, Proof], ...] = ()

    @property
    def device(self) -> torch.device:
        """The device of the models of transformers; llama.cpp gives its rows in main memory."""
        found = (model.model.device for model in self.language_models)
        return next(found, torch.device("cpu"))

    @property
    def device_name(self) -> str:
        """The name of the base's device."""
        base = self.ensemble.models[0]
        if isinstance(base, LlamaCppLanguageModel):
            return base.weights.device
        return str(self.device)

    @property
    def language_models(self) -> tuple[TransformersLanguageModel, ...]:
        found = self.ensemble.models
        return tuple(model for model in found if isinstance(model, TransformersLanguageModel))


def of_recipe(
    recipe: Recipe,
    prompt: str,
    config: GenerationConfig,
    on_progress: Callable[[LoadProgress], None] = lambda progress: None,
    proof: ProofMode = ProofMode.KEPT,
) -> Setup:
    """Load a recipe for a benchmark.

    Raises:
        SettingsError: The base is behind an endpoint, or a pair has another vocabulary.
        TuneshiftError: The recipe cannot be loaded.
    """
    opened = open_recipe(recipe, on_progress=on_progress)
    found = preflight(opened, prompt, kept_rows=0)
    require_shared(found.vocabulary)
    if any(role.spec.is_endpoint for role in opened.roles):
        raise SettingsError("Only models on this machine can be measured")
    if found.vocabulary.bridged:
        raise SettingsError(
            "The benchmark measures pairs with the vocabulary of the base",
            evidence=f"another one: {', '.join(found.vocabulary.bridged)}",
            next_step="Measure this recipe with: generate --json",
        )
    loaded = load_recipe(
        opened,
        found.vocabulary.masked_ids,
        on_progress,
        spare=found.memory.spare,
        proof=proof,
    )
    computed = [
        model.model
        for model in loaded.ensemble.models
        if isinstance(model, TransformersLanguageModel)
    ]
    held = [each for each in loaded.weights.values() if isinstance(each, TransformersWeights)]
    original_of = {id(each.model): each.original or each.model for each in held}
    originals = tuple(original_of[id(model)] for model in computed)
    if len(computed) < len(loaded.ensemble.models):
        originals = ()
    packed = {id(part): part.nbytes for model in computed for part in packed_weights(model)}
    prompts = tuple(map(tuple, loaded.encode(prompt)))
    return Setup(
        title=recipe.name,
        ensemble=loaded.ensemble,
        originals=originals,
        prompts=prompts,
        detokenizer=lambda: loaded.detokenizer(prompts[0]),
        alphas=recipe.alphas,
        config=config,
        packed=sum(packed.values()),
        proofs=tuple((role.role, role.proof) for role in loaded.roles if role.proof),
    )


def of_shapes(names: Sequence[str], device: str, dtype: str, config: GenerationConfig) -> Setup:
    """Create models of given sizes with random weights, for a benchmark.

    Args:
        names: Names of :data:`SHAPES`: the base, then an expert and an anti-expert for each pair.
        device: The device, such as ``auto``.
        dtype: The dtype, such as ``bfloat16``, which is also what ``auto`` means.
        config: The sampling settings.

    Raises:
        SettingsError: A size is unknown, or a role has none.
        DeviceError: The models do not fit into memory.
    """
    _check(names)
    target = resolve_device(device)
    kind: torch.dtype = torch.bfloat16 if dtype == "auto" else getattr(torch, dtype)
    vocabulary = SHAPES[names[0]].vocabulary
    shapes = [replace(SHAPES[name], vocabulary=vocabulary) for name in names]
    _check_memory(shapes, target, kind)
    originals = tuple(_random_model(shape, target, kind, seed) for seed, shape in enumerate(shapes))
    computed = list(map(twin, originals))
    for model in computed:
        group_attention(model)
    packed = pack_models(computed, free_bytes("cpu") // 2)
    for model in computed:
        divide_head(model)
    pairs = [
        Pair(f"pair {place}", 2 * place - 1, 2 * place) for place in range(1, len(names) // 2 + 1)
    ]
    labels = ["base", *(f"{role} {n}" for n in range(1, len(pairs) + 1) for role in _ROLES)]
    tokenizer = Tokenizer(models.WordLevel({str(n): n for n in range(vocabulary)}, "0"))
    ids = torch.randint(vocabulary, (PROMPT_TOKENS,), generator=torch.Generator().manual_seed(0))
    return Setup(
        title=f"random weights, {' + '.join(names)}, {str(kind).removeprefix('torch.')}",
        ensemble=Ensemble([make_language_model(m) for m in computed], labels, pairs),
        originals=originals,
        prompts=(tuple(ids.tolist()),) * len(names),
        detokenizer=lambda: Detokenizer(tokenizer),
        alphas=(1.0,) * len(pairs),
        config=config,
        packed=packed,
    )


_ROLES = ("expert", "anti-expert")


def _check(names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in SHAPES]
    if unknown:
        raise SettingsError(
            f"There is no size {unknown[0]!r}", next_step=f"Choose of: {', '.join(SHAPES)}."
        )
    if len(names) < 3 or len(names) % 2 == 0:
        raise SettingsError(
            "Sizes are needed for a base and for both models of each pair",
            evidence=f"{len(names)} given",
            next_step="For example: 13b,7b,7b",
        )


def _check_memory(shapes: Sequence[Shape], device: str, dtype: torch.dtype) -> None:
    needed = 0
    for shape in shapes:
        with torch.device("meta"), no_init_weights():
            model = AutoModelForCausalLM.from_config(_config(shape))
        needed += model.num_parameters() * dtype.itemsize
    free = free_bytes(device)
    if needed > free:
        raise DeviceError(
            f"Models of these sizes do not fit into the memory of {device}",
            evidence=f"needed {needed / 1e9:.1f} GB, free {free / 1e9:.1f} GB",
            next_step="Choose smaller ones.",
        )


def _config(shape: Shape) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_value_heads,
        max_position_embeddings=_CONTEXT,
        tie_word_embeddings=shape.tied,
    )


def _random_model(shape: Shape, device: str, dtype: torch.dtype, seed: int) -> PreTrainedModel:
    with torch.device(device), no_init_weights():
        model: PreTrainedModel = AutoModelForCausalLM.from_config(_config(shape), dtype=dtype)
    generator = torch.Generator(device).manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, 0.02, generator=generator)
            else:
                parameter.fill_(1.0)
    model.requires_grad_(False)
    model.eval()
    return model
