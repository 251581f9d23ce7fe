"""Data model of recipes: checkpoints, expert pairs and settings. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from app.checkpoints.endpoint_address import (
    DEFAULT_LOGPROBS,
    address_of,
    check_logprobs,
    is_endpoint,
)
from app.checkpoints.engine_options import DEFAULT_KV_CACHE, check_engine_options
from app.decoding.types import GenerationConfig, check_alphas
from app.errors import RecipeError

DTYPES = ("auto", "bfloat16", "float16", "float32")
SHARED, BRIDGE, STRICT = "shared", "bridge", "strict"
VOCABULARIES = (SHARED, BRIDGE, STRICT)
QUANTIZATIONS = ("none", "int8", "nf4")
PLAIN, CHAT = "plain", "chat"
PERSONA_TEMPLATE = "{system}\n\n{prompt}"
"""The prompt template with a system prompt for models without a chat template."""


def check_prompt_format(prompt: str) -> None:
    """Check that ``prompt`` is ``plain``, ``chat``, or a template with a place for the prompt.

    Raises:
        RecipeError: It is none of them.
    """
    if prompt not in (PLAIN, CHAT) and "{prompt}" not in prompt:
        raise RecipeError(
            "A prompt format must be plain, chat, or a template that contains {prompt}",
            evidence=f"it is “{prompt}”",
        )


def check_vocabulary(vocabulary: str) -> None:
    """Check that ``vocabulary`` is one of ``VOCABULARIES``.

    Raises:
        RecipeError: It is not.
    """
    if vocabulary not in VOCABULARIES:
        raise RecipeError(
            f"“{vocabulary}” is no way to read another vocabulary",
            next_step=f"Use one of {', '.join(VOCABULARIES)}.",
        )


@dataclass(frozen=True, slots=True)
class PromptFormat:
    """A prompt format with its system prompt, of a role or of a recipe."""

    prompt: str = PLAIN
    system: str = ""

    @property
    def without_chat_template(self) -> PromptFormat:
        """The format of a model without a chat template where this one is ``chat``."""
        if self.prompt != CHAT:
            return self
        return PromptFormat(PERSONA_TEMPLATE, self.system) if self.system else PromptFormat()


@dataclass(frozen=True, slots=True)
class CheckpointSpec:
    """The checkpoint of one role, with its load options and its prompt format.

    Attributes:
        source: ``folder:PATH``, ``builtin:NAME``, ``hub:OWNER/NAME`` (or ``…@REVISION``),
            ``gguf:FILE``, ``adapter:FOLDER`` or ``adapter:FILE.gguf`` (a LoRA adapter, also
            ``adapter:hub:OWNER/NAME``), or for a base ``endpoint:URL``.
        over: For an adapter, the source of the model that it adapts; otherwise empty.
        dtype: One of ``DTYPES``; ``auto`` is the dtype of the checkpoint.
        device: ``auto``, ``cpu``, ``cuda:0``, …
        quantization: One of ``QUANTIZATIONS``, by bitsandbytes.
        offload: Whether layers that do not fit on the device stay in main memory.
        engine: One of ``ENGINES`` of ``engine_options``; ``auto`` is llama.cpp for a GGUF file
            where it is installed, else transformers.
        gpu_layers: For llama.cpp, how many layers go to a GPU: ``auto`` (as many as fit), ``all``
            or a number.
        kv_cache: For llama.cpp, the type of the numbers in the KV cache, one of
            ``KV_CACHE_TYPES``.
        vocabulary: Of a base, one of ``VOCABULARIES``: whether pairs of another vocabulary read the
            base's tokens by their bytes (``bridge``), know only tokens of the same bytes
            (``strict``), or are refused (``shared``).
        prompt: ``plain``, ``chat`` (the model's own template) or a template with ``{prompt}`` and
            optionally ``{system}``.
        system: The system prompt for ``chat`` and templates.
        model: For an endpoint, the server's name for the model; empty for its only model.
        top_logprobs: For an endpoint, the number of log-probabilities to request; −1 is all.
        tuned: For an endpoint, whether the server holds the pairs too and tunes the base itself
            (``tuneshift vllm``).
    """

    source: str
    over: str = ""
    dtype: str = "auto"
    device: str = "auto"
    quantization: str = "none"
    offload: bool = False
    engine: str = "auto"
    gpu_layers: int | str = "auto"
    kv_cache: str = DEFAULT_KV_CACHE
    vocabulary: str = BRIDGE
    prompt: str = PLAIN
    system: str = ""
    model: str = ""
    top_logprobs: int = DEFAULT_LOGPROBS
    tuned: bool = False

    def __post_init__(self) -> None:
        if not self.source:
            raise RecipeError(
                "A role has no checkpoint", next_step="Choose a folder or a built-in checkpoint."
            )
        if self.dtype not in DTYPES:
            raise RecipeError(
                f"“{self.dtype}” is not a dtype", next_step=f"Use one of {', '.join(DTYPES)}."
            )
        if self.quantization not in QUANTIZATIONS:
            raise RecipeError(
                f"“{self.quantization}” is not a quantization",
                next_step=f"Use one of {', '.join(QUANTIZATIONS)}.",
            )
        if self.source.startswith("adapter:") and not self.over:
            raise RecipeError(
                "An adapter needs the model that it adapts",
                evidence=f"{self.source} has no “over”",
                next_step="Set “over” to the source of that model, usually the anti-expert's.",
            )
        check_vocabulary(self.vocabulary)
        check_engine_options(self.engine, self.gpu_layers, self.kv_cache)
        check_prompt_format(self.prompt)
        check_logprobs(self.top_logprobs)
        if self.is_endpoint:
            address_of(self.source)

    @property
    def is_endpoint(self) -> bool:
        """Whether the model is behind an endpoint and has no local files."""
        return is_endpoint(self.source)

    @property
    def is_gguf(self) -> bool:
        """Whether the model, or the model that an adapter adapts, is a GGUF file."""
        model = self.over if self.source.startswith("adapter:") else self.source
        return model.startswith("gguf:")

    @property
    def is_gguf_adapter(self) -> bool:
        """Whether the source is a LoRA adapter in GGUF format, by the name of its file."""
        kind, _, place = self.source.partition(":")
        is_file = place.lower().endswith(".gguf") and not place.startswith("hub:")
        return kind == "adapter" and is_file

    @property
    def prompt_format(self) -> PromptFormat:
        return PromptFormat(self.prompt, self.system)

    def with_format(self, prompt_format: PromptFormat) -> CheckpointSpec:
        """This checkpoint with another prompt format."""
        return replace(self, prompt=prompt_format.prompt, system=prompt_format.system)


@dataclass(frozen=True, slots=True)
class ExpertPair:
    """An expert, its anti-expert and the alpha of their difference.

    Attributes:
        vocabulary: One of ``VOCABULARIES``, where the pair has another setting than the base.
    """

    name: str
    expert: CheckpointSpec
    antiexpert: CheckpointSpec
    alpha: float = 1.0
    vocabulary: str = ""

    def __post_init__(self) -> None:
        if self.vocabulary:
            check_vocabulary(self.vocabulary)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A base and its expert pairs, with a sample prompt and sampling settings.

    Attributes:
        example_prompts: More prompts that show what the recipe does.
        description: What the recipe demonstrates, in a line or two.
        context: The context length in tokens; 0 is the context length of the models.
        accepted_ids: Ids that may be generated although roles spell them differently.
        download_bytes: The total size of its Hub checkpoints; 0 if the recipe does not say.
        untested: Whether the recipe has never been run with its real weights.
        prompt: The prompt format of the recipe. A role follows it if its own is the same: when the
            recipe's changes, the role's changes with it (:meth:`with_format`).
        system: The system prompt of that format.
        new_seeds: Whether the window gives each run a new seed; the command line and repetitions
            use ``sampling.seed``.
    """

    name: str
    base: CheckpointSpec
    pairs: tuple[ExpertPair, ...]
    sample_prompt: str = ""
    example_prompts: tuple[str, ...] = ()
    description: str = ""
    context: int = 0
    accepted_ids: tuple[int, ...] = ()
    download_bytes: int = 0
    untested: bool = False
    sampling: GenerationConfig = field(default_factory=GenerationConfig)
    prompt: str = PLAIN
    system: str = ""
    new_seeds: bool = False

    def __post_init__(self) -> None:
        check_prompt_format(self.prompt)
        if not self.pairs:
            raise RecipeError(
                "A recipe needs at least one expert pair", next_step="Add an expert pair."
            )
        check_alphas(self.alphas, len(self.pairs))
        for name, spec in self.roles()[1:]:
            if spec.is_endpoint:
                raise RecipeError(
                    f"The {name} cannot be behind an endpoint",
                    evidence="an endpoint gives the most probable tokens, a pair needs all logits",
                    next_step="Only the base can; choose a model on this machine.",
                )
        if self.context < 0:
            raise RecipeError(
                "The context must be a number of tokens, or 0", evidence=f"it is {self.context}"
            )

    @property
    def prompts(self) -> tuple[str, ...]:
        """The sample prompt and the example prompts."""
        return tuple(filter(None, (self.sample_prompt, *self.example_prompts)))

    @property
    def alphas(self) -> tuple[float, ...]:
        return tuple(pair.alpha for pair in self.pairs)

    @property
    def models(self) -> tuple[object, ...]:
        """The settings that a load depends on; recipes with equal ones share loaded models."""
        vocabularies = [self.vocabulary_of(pair) for pair in range(len(self.pairs))]
        return self.checkpoints(), vocabularies, self.context, self.accepted_ids

    def vocabulary_of(self, pair: int) -> str:
        """How a pair reads the base's tokens if it has another vocabulary."""
        return self.pairs[pair].vocabulary or self.base.vocabulary

    @property
    def prompt_format(self) -> PromptFormat:
        """The prompt format of the recipe, which roles may follow."""
        return PromptFormat(self.prompt, self.system)

    def follows(self, spec: CheckpointSpec) -> bool:
        """Whether a role with this checkpoint follows the recipe's prompt format."""
        return spec.prompt_format == self.prompt_format

    def with_format(self, prompt_format: PromptFormat) -> Recipe:
        """This recipe, and the roles that follow its prompt format, with another one."""
        changed = replace(self, prompt=prompt_format.prompt, system=prompt_format.system)
        for place, spec in enumerate(self.checkpoints()):
            if self.follows(spec):
                changed = changed.with_role(place, spec.with_format(prompt_format))
        return changed

    def with_seed(self, seed: int) -> Recipe:
        """This recipe with a seed for every run."""
        return replace(self, sampling=replace(self.sampling, seed=seed), new_seeds=False)

    def with_alphas(self, alphas: tuple[float, ...]) -> Recipe:
        """This recipe with other alphas, one for each pair."""
        check_alphas(alphas, len(self.pairs))
        pairs = zip(self.pairs, alphas, strict=True)
        return replace(self, pairs=tuple(replace(pair, alpha=alpha) for pair, alpha in pairs))

    def with_role(self, place: int, spec: CheckpointSpec) -> Recipe:
        """This recipe with another checkpoint in the role at ``place`` of :meth:`roles`."""
        if place == 0:
            return replace(self, base=spec)
        pairs = list(self.pairs)
        index, antiexpert = divmod(place - 1, 2)
        if antiexpert:
            pairs[index] = replace(pairs[index], antiexpert=spec)
        else:
            pairs[index] = replace(pairs[index], expert=spec)
        return replace(self, pairs=tuple(pairs))

    def checkpoints(self) -> list[CheckpointSpec]:
        """The checkpoint of every role, in the order of :meth:`roles`."""
        return [spec for _, spec in self.roles()]

    def hub_sources(self) -> tuple[str, ...]:
        """The distinct ``hub:`` sources of the recipe, including adapters and their models."""
        named = (part for spec in self.checkpoints() for part in (spec.source, spec.over))
        sources = (name.removeprefix("adapter:") for name in named)
        return tuple(dict.fromkeys(source for source in sources if source.startswith("hub:")))

    def roles(self) -> list[tuple[str, CheckpointSpec]]:
        """Name and checkpoint of every role: the base, then expert and anti-expert of each pair."""
        named = [("base", self.base)]
        for pair in self.pairs:
            named.append((f"expert “{pair.name}”", pair.expert))
            named.append((f"anti-expert “{pair.name}”", pair.antiexpert))
        return named


def persona_pair(base: CheckpointSpec, name: str, system: str, *, chat: bool = False) -> ExpertPair:
    """A persona pair: the expert is the base with a system prompt, the anti-expert the base itself.

    The anti-expert shares the base's model context, so that the pair costs one more forward pass
    per token and no more weights. α = 1 is the base with the system prompt; above 1 the persona is
    stronger than with the system prompt alone.
    Source: Sanchez et al., Stay on topic with Classifier-Free Guidance, arXiv 2306.17806.

    Args:
        base: The base's checkpoint with its prompt format.
        name: The name of the pair.
        system: The system prompt, which describes the persona.
        chat: Whether the expert's prompt uses the chat template although the base's does not.
    """
    prompt = CHAT if chat else base.prompt
    if prompt == PLAIN:
        prompt = PERSONA_TEMPLATE
    elif prompt != CHAT and "{system}" not in prompt:
        prompt = PERSONA_TEMPLATE.replace("{prompt}", prompt)
    base = replace(base, vocabulary=BRIDGE)  # the setting of a base is not one of its pairs
    return ExpertPair(name, replace(base, prompt=prompt, system=system), base)
