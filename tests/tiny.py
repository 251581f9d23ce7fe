"""Tiny checkpoints with random weights and a real tokenizer, made on the fly."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    GPT2Config,
    LlamaConfig,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
)

from app.checkpoints.spec import CHAT, CheckpointSpec, ExpertPair, Recipe
from app.decoding.types import GenerationConfig

EOS = "<|endoftext|>"
CONTEXT = 512
VOCABULARY = 320
_TEXT = [
    "the king said to the daughter that the night was long and the sea was wide",
    "thou art the king , and the queen is in the garden with 3 apples and 42 pears",
    "How many? 12 + 30 = 42. The answer is 42.",
]


def make_tokenizer() -> Tokenizer:
    """A byte-level BPE tokenizer of ``VOCABULARY`` ids, the end of sequence among them."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        _TEXT,
        trainers.BpeTrainer(
            vocab_size=VOCABULARY,
            special_tokens=[EOS],
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        ),
    )
    return tokenizer


def make_metaspace_tokenizer() -> Tokenizer:
    """A tokenizer with byte fallback and a stripped first space, as Llama 2 has."""
    pieces = ["▁the", "▁king", "▁", "the", "a", "▁a", "한", "!"]
    vocabulary = {"<unk>": 0, **{f"<0x{byte:02X}>": byte + 1 for byte in range(256)}}
    vocabulary |= {piece: 257 + place for place, piece in enumerate(pieces)}
    tokenizer = Tokenizer(
        models.BPE(vocab=vocabulary, merges=[], byte_fallback=True, unk_token="<unk>")
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    return tokenizer


def _llama(rows: int) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=rows,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=CONTEXT,
        eos_token_id=0,
        bos_token_id=None,
    )


def wide_llama() -> LlamaConfig:
    """The Llama with rows of whole blocks of 64 weights, which NF4 needs on a CPU."""
    config = _llama(VOCABULARY)
    config.hidden_size, config.intermediate_size, config.head_dim = 64, 128, 32
    return config


def _qwen2(rows: int) -> Qwen2Config:
    return Qwen2Config(
        vocab_size=rows,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=CONTEXT,
        eos_token_id=0,
        bos_token_id=None,
    )


def _gemma2(rows: int) -> Gemma2Config:
    return Gemma2Config(
        vocab_size=rows,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        sliding_window=8,
        max_position_embeddings=CONTEXT,
        eos_token_id=0,
        bos_token_id=None,
        pad_token_id=None,
    )


def _gpt2(rows: int) -> GPT2Config:
    return GPT2Config(
        vocab_size=rows,
        n_embd=32,
        n_layer=2,
        n_head=2,
        n_positions=CONTEXT,
        eos_token_id=0,
        bos_token_id=None,
    )


ARCHITECTURES = {"llama": _llama, "qwen2": _qwen2, "gemma2": _gemma2, "gpt2": _gpt2}


def make_model(architecture: str, seed: int, rows: int = VOCABULARY) -> PreTrainedModel:
    """Random weights, wide enough that the distributions are far from uniform."""
    return random_model(ARCHITECTURES[architecture](rows), seed)


def random_model(config: PretrainedConfig, seed: int) -> PreTrainedModel:
    """A model of any configuration with such weights."""
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.normal_(0, 0.25)
    return model


def save(model: PreTrainedModel, folder: Path, tokenizer: Tokenizer | None = None) -> Path:
    """Write a checkpoint folder as people have them."""
    model.generation_config.pad_token_id = None
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer or make_tokenizer(), eos_token=EOS
    ).save_pretrained(folder)
    return folder


@dataclass(frozen=True)
class Family:
    """Folders of a base, an expert and an anti-expert that share a vocabulary."""

    base: Path
    expert: Path
    antiexpert: Path

    def models(self) -> list[PreTrainedModel]:
        """The three models in float32, loaded without the code under test."""
        return [
            AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
            for folder in (self.base, self.expert, self.antiexpert)
        ]

    def recipe(self, alpha: float = 1.0, **sampling: object) -> Recipe:
        """A recipe of one pair in float32."""
        return Recipe(
            name="tiny",
            base=spec(self.base),
            pairs=(ExpertPair("Style", spec(self.expert), spec(self.antiexpert), alpha),),
            sample_prompt="the king",
            sampling=GenerationConfig(**{"max_new_tokens": 12, **sampling}),  # type: ignore[arg-type]
        )


CHAT_TEMPLATE = (
    "{% for message in messages %}[{{ message.role }}]{{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)


def with_chat_template(folder: Path, copy: Path, template: str = CHAT_TEMPLATE) -> CheckpointSpec:
    """A copy of a checkpoint that has a chat template and reads prompts with it."""
    shutil.copytree(folder, copy)
    (copy / "chat_template.jinja").write_text(template)
    return spec(copy, prompt=CHAT)


def spec(folder: Path, **options: str) -> CheckpointSpec:
    return CheckpointSpec(f"folder:{folder}", **{"dtype": "float32", **options})


def make_family(root: Path, architecture: str) -> Family:
    tokenizer = make_tokenizer()
    folders = []
    for seed, role in enumerate(("base", "expert", "antiexpert")):
        folders.append(save(make_model(architecture, seed), root / role, tokenizer))
    return Family(*folders)
