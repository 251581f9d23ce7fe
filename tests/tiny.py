"""Tiny checkpoints with random weights, as real Hugging Face folders with a trained tokenizer.

Logits have a spread of about 2, like those of a real model, and the end-of-sequence token is
improbable, so that a generation seldom ends by itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers import processors as post
from tokenizers.trainers import BpeTrainer
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    GemmaConfig,
    GPT2Config,
    LlamaConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
)

from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.decoding.types import GenerationConfig

ARCHITECTURES = ("llama", "qwen2", "gemma", "gemma2", "gpt2")
CONTEXT = 512
EOS = "<|endoftext|>"
CHAT_TEMPLATE = (
    "{% for message in messages %}[{{ message.role }}] {{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant] {% endif %}"
)
_LINES = (
    "Once upon a time there was a king who had a daughter, and the daughter had a golden ball.",
    "How now, my lord! What say you to the king? I know thee not, good sir; begone, I say.",
    "She has 12 apples and gives 5 of them away, so 12 - 5 = 7 apples are left. #### 7",
    "The sun was low over the hills, and the man walked on without a word to the woman.",
)
_SPREAD = 0.35  # of the weights; gives logits a spread of about 2 at these widths


@cache
def byte_tokenizer(size: int = 384) -> Tokenizer:
    """A byte-level BPE tokenizer of ``size`` entries; id 0 is the end of sequence."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=size,
        special_tokens=[EOS],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_LINES, trainer)
    return tokenizer


@cache
def metaspace_tokenizer(size: int = 384) -> Tokenizer:
    """A tokenizer of Llama 2's kind: ▁ for spaces, bytes as fallback; ids 0–2 are special."""
    learned = Tokenizer(models.BPE())
    learned.pre_tokenizer = pre_tokenizers.Metaspace()
    learned.train_from_iterator(_LINES, BpeTrainer(vocab_size=size - 259, show_progress=False))
    model = json.loads(learned.to_str())["model"]
    specials = ["<unk>", "<s>", "</s>"]
    tokens = specials + [f"<0x{byte:02X}>" for byte in range(256)]
    tokens += sorted(model["vocab"], key=model["vocab"].__getitem__)
    tokenizer = Tokenizer(
        models.BPE(
            {token: index for index, token in enumerate(tokens)},
            [tuple(merge) for merge in model["merges"]],
            unk_token="<unk>",
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(content=" ", left=1),
        ]
    )
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in specials])
    tokenizer.post_processor = post.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return tokenizer


def make_config(architecture: str, rows: int, width: int, **changes: Any) -> PreTrainedConfig:
    """A configuration of ``architecture`` with ``rows`` output rows; ``changes`` are its own names."""
    common = {
        "vocab_size": rows,
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": width // 4,
        "max_position_embeddings": CONTEXT,
        "initializer_range": _SPREAD,
        "bos_token_id": None,
        "eos_token_id": 0,
        "pad_token_id": None,
        "tie_word_embeddings": architecture.startswith("gemma"),
    }
    if architecture == "llama":
        return LlamaConfig(**common | changes)
    if architecture == "qwen2":
        del common["head_dim"]
        return Qwen2Config(**common | changes)
    if architecture == "gemma":
        return GemmaConfig(**common | changes)
    if architecture == "gemma2":
        return Gemma2Config(**common | {"sliding_window": 6} | changes)
    if architecture == "gpt2":
        narrow = {"n_embd": width, "n_layer": 2, "n_head": 4, "n_positions": CONTEXT}
        kept = {key: common[key] for key in ("vocab_size", "initializer_range", "eos_token_id")}
        return GPT2Config(**kept | narrow | {"bos_token_id": None} | changes)
    raise ValueError(architecture)


def make_checkpoint(
    folder: Path,
    architecture: str = "llama",
    *,
    seed: int = 0,
    width: int = 32,
    rows: int | None = None,
    tokenizer: Tokenizer | None = None,
    eos: str | None = None,
    chat: bool = False,
    dtype: torch.dtype = torch.float32,
    near: Path | None = None,
    distance: float = 0.3,
    **config: Any,
) -> Path:
    """Write a checkpoint.

    Args:
        folder: Where to; made when missing.
        architecture: One of ``ARCHITECTURES``.
        seed: Of the weights.
        width: Of the hidden states.
        rows: Of the output matrix; the size of the tokenizer by default.
        tokenizer: :func:`byte_tokenizer` by default.
        eos: The end-of-sequence token; the one that the tokenizer was made with by default.
        chat: Whether it has a chat template.
        dtype: Of the weights.
        near: A checkpoint whose weights to start from, moved by ``distance`` × its own noise.
        distance: See ``near``.
        config: More settings of the configuration.

    Returns:
        ``folder``.
    """
    tokenizer = tokenizer or byte_tokenizer()
    eos = eos or (EOS if tokenizer.token_to_id(EOS) is not None else "</s>")
    rows = rows or tokenizer.get_vocab_size()
    changes = {"eos_token_id": tokenizer.token_to_id(eos)} | config
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(make_config(architecture, rows, width, **changes))
    if near is not None:
        _move_near(model, load_model(near), distance)
    with torch.no_grad():
        model.get_output_embeddings().weight[tokenizer.token_to_id(eos)] = 0
    model.to(dtype).save_pretrained(folder)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=eos)
    fast.chat_template = CHAT_TEMPLATE if chat else None
    fast.save_pretrained(folder)
    return folder


def load_model(folder: Path, dtype: torch.dtype = torch.float32) -> PreTrainedModel:
    """The model in ``folder``, loaded by transformers alone."""
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
    return model.eval()


def edit_weights(folder: Path, changes: dict[str, torch.Tensor | None]) -> None:
    """Replace tensors of the checkpoint in ``folder``; None takes a tensor away."""
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    tensors = load_file(path) | {name: tensor for name, tensor in changes.items()}
    save_file({k: v for k, v in tensors.items() if v is not None}, path, {"format": "pt"})


def source(folder: Path) -> str:
    """How a recipe names ``folder``."""
    return f"folder:{folder}"


@dataclass(frozen=True)
class TinyFamily:
    """Checkpoints over one vocabulary: a wide base, a narrow anti-expert and experts near it."""

    base: Path
    antiexpert: Path
    expert: Path
    other_expert: Path

    def recipe(self, pairs: int = 1, **checkpoint: Any) -> Recipe:
        """A recipe of one or two pairs in float32; ``checkpoint`` is what every role has besides."""
        settings = {"dtype": "float32", "device": "cpu"} | checkpoint

        def spec(folder: Path) -> CheckpointSpec:
            return CheckpointSpec(source(folder), **settings)

        experts = [("First", self.expert, 1.0), ("Second", self.other_expert, 0.5)]
        return Recipe(
            name="Tiny",
            base=spec(self.base),
            pairs=tuple(
                ExpertPair(name, spec(expert), spec(self.antiexpert), alpha)
                for name, expert, alpha in experts[:pairs]
            ),
            sample_prompt="Once upon a time",
            sampling=GenerationConfig(max_new_tokens=32),
        )


def make_family(folder: Path, architecture: str = "llama", **settings: Any) -> TinyFamily:
    """Write the four checkpoints of a :class:`TinyFamily`; ``settings`` as in make_checkpoint."""
    anti = make_checkpoint(folder / "antiexpert", architecture, seed=1, width=16, **settings)
    near: dict[str, Any] = {"width": 16, "near": anti, **settings}
    return TinyFamily(
        base=make_checkpoint(folder / "base", architecture, seed=2, **settings),
        antiexpert=anti,
        expert=make_checkpoint(folder / "expert", architecture, seed=3, **near),
        other_expert=make_checkpoint(folder / "other_expert", architecture, seed=4, **near),
    )


def _move_near(model: PreTrainedModel, start: PreTrainedModel, distance: float) -> None:
    noise = dict(model.state_dict())
    with torch.no_grad():
        moved = {
            name: tensor + distance * noise[name] if tensor.ndim > 1 else tensor
            for name, tensor in start.state_dict().items()
        }
    model.load_state_dict(moved)
