"""Tokenizers of GGUF files give the ids of those that the files were made of, and end texts."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gguf as library
import pytest
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import (
    AutoConfig,
    AutoTokenizer,
    Gemma2Config,
    GenerationConfig,
    Phi3Config,
    PreTrainedTokenizerFast,
)

from app.checkpoints.formats.gguf_checkpoint import write_checkpoint
from app.checkpoints.formats.gguf_metadata import UnusableError
from tests import tiny, tiny_gguf

Facts = Callable[[library.GGUFWriter], None]

_END, _TURN = "<|endoftext|>", "<|turn|>"
_TEXTS = [
    "The King's 12345 ships, they'LL sail; isn't it 3.14?\n\n  Two  spaces\tand\r\nlines  ",
    " a leading space and I'VE BEEN THERE: HTTPServer2Go camelCase x=f(1)+23;",
    "한국어 문장 😀 naïve cafe\u0301 Ελλάδα ١٢٣ 中文字符。",
    "12 123 1234 12345678 1,000,000.00",
]
_ROWS = 2000
# As the original tokenizers have them, which is where llama.cpp's names come from.
_LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_QWEN2 = _LLAMA3.replace("{1,3}", "")
_TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_GPT4O = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def byte_level(pre: str) -> Tokenizer:
    """A tokenizer as the models that llama.cpp calls ``pre`` have it."""
    made = Tokenizer(models.BPE(ignore_merges=pre in ("llama-bpe", "tekken")))
    patterns = {
        "llama-bpe": _LLAMA3,
        "dbrx": _LLAMA3,
        "qwen2": _QWEN2,
        "tekken": _TEKKEN,
        "gpt-4o": _GPT4O,
    }
    pattern = patterns.get(pre)
    steps: list[Any] = []
    if pre in ("smollm", "starcoder"):
        steps.append(pre_tokenizers.Digits(individual_digits=True))
    if pattern:
        steps.append(pre_tokenizers.Split(Regex(pattern), behavior="isolated"))
    steps.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=not pattern))
    made.pre_tokenizer = pre_tokenizers.Sequence(steps)
    made.decoder = decoders.ByteLevel()
    if pre == "qwen2":
        made.normalizer = normalizers.NFC()
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        special_tokens=[_END, _TURN],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    made.train_from_iterator(_TEXTS * 3, trainer)
    return made


def convert(path: Path, tokenizer: Facts, *facts: Facts, config: Any = None) -> Path:
    """The folder of a file with the vocabulary that ``tokenizer`` writes."""
    model = tiny.random_model(config, 7) if config else tiny.make_model("llama", 7, _ROWS)
    tiny_gguf.write(model, path / "m.gguf", tokenizer=tokenizer, facts=facts)
    folder = path / "converted"
    folder.mkdir()
    write_checkpoint(path / "m.gguf", folder, weights=False)
    return folder


def writes(made: Tokenizer, pre: str, **ids: int) -> Facts:
    def write(writer: library.GGUFWriter) -> None:
        tiny_gguf.write_byte_level(writer, made, (_END, _TURN), pre)
        writer.kv_data[0].pop("llama.vocab_size", None)
        for name, index in ids.items():
            getattr(writer, f"add_{name}_token_id")(index)

    return write


@pytest.mark.parametrize(
    "pre", ["gpt-2", "smollm", "starcoder", "llama-bpe", "dbrx", "qwen2", "tekken", "gpt-4o"]
)
def test_words_are_split_as_the_file_says(pre: str, tmp_path: Path) -> None:
    made = byte_level(pre)
    folder = convert(tmp_path, writes(made, pre, eos=0))
    read = AutoTokenizer.from_pretrained(folder)
    for text in (*_TEXTS, f"{_TEXTS[0]}{_TURN}{_TEXTS[3]}{_END} x"):
        ids = made.encode(text).ids
        assert read(text, add_special_tokens=False)["input_ids"] == ids
        assert read.backend_tokenizer.decode(ids, skip_special_tokens=False) == made.decode(
            ids, skip_special_tokens=False
        )


def test_the_ways_of_splitting_differ_on_these_texts() -> None:
    """What the test before compares would not be seen if all were the same."""
    splits = [
        tuple(
            word
            for text in _TEXTS
            for word, _ in byte_level(pre).pre_tokenizer.pre_tokenize_str(text)
        )
        for pre in ("gpt-2", "smollm", "llama-bpe", "qwen2", "tekken", "gpt-4o")
    ]
    assert len(set(splits)) == len(splits)


def test_a_word_of_the_vocabulary_is_taken_whole_in_llama_3(tmp_path: Path) -> None:
    """Its merges would not lead to it; the original tokenizer says ``ignore_merges``."""
    table = json.loads(byte_level("llama-bpe").to_str())
    table["model"]["vocab"]["Ġzyzzyva"] = len(table["model"]["vocab"])
    made = Tokenizer.from_str(json.dumps(table))
    assert len(made.encode(" zyzzyva").ids) == 1
    read = AutoTokenizer.from_pretrained(convert(tmp_path, writes(made, "llama-bpe", eos=0)))
    assert read(" zyzzyva", add_special_tokens=False)["input_ids"] == made.encode(" zyzzyva").ids


@pytest.mark.parametrize(
    ("pre", "facts", "around"),
    [
        ("gpt-2", [], ([], [])),
        ("llama-bpe", [], ([1], [])),
        ("llama-bpe", [lambda writer: writer.add_add_bos_token(False)], ([], [])),
        ("gpt-2", [lambda writer: writer.add_add_bos_token(True)], ([1], [])),
        ("gpt-2", [lambda writer: writer.add_add_eos_token(True)], ([], [0])),
    ],
)
def test_what_stands_around_a_text(
    pre: str, facts: Sequence[Facts], around: tuple[list[int], list[int]], tmp_path: Path
) -> None:
    made = byte_level(pre)
    read = AutoTokenizer.from_pretrained(convert(tmp_path, writes(made, pre, bos=1, eos=0), *facts))
    assert read("a b")["input_ids"] == [*around[0], *made.encode("a b").ids, *around[1]]


@pytest.mark.parametrize(
    ("ids", "ends"),
    [
        ({"eos": 5}, [5, 0]),  # <|endoftext|> is one whatever the file says, as in llama.cpp
        ({"eos": 0}, [0]),
        ({"eos": 5, "eot": 1}, [5, 1, 0]),
        ({"eos": 5, "eot": 1, "eom": 6}, [5, 1, 6, 0]),
        ({}, [0]),
    ],
)
def test_every_end_that_the_file_names_ends_a_text(
    ids: dict[str, int], ends: list[int], tmp_path: Path
) -> None:
    def write(writer: library.GGUFWriter) -> None:
        writes(byte_level("gpt-2"), "gpt-2")(writer)
        for name, index in ids.items():
            writer.add_uint32(f"tokenizer.ggml.{name}_token_id", index)

    folder = convert(tmp_path, write)
    assert GenerationConfig.from_pretrained(folder).eos_token_id == ends
    assert AutoConfig.from_pretrained(folder).eos_token_id == ends


def test_templates_with_names_are_kept_beside_the_usual_one(tmp_path: Path) -> None:
    def templates(writer: library.GGUFWriter) -> None:
        writer.add_chat_template(
            [
                {"name": "default", "template": "one {{ messages[0].content }}"},
                {"name": "tool_use", "template": "two"},
            ]
        )

    read = AutoTokenizer.from_pretrained(
        convert(tmp_path, writes(byte_level("gpt-2"), "gpt-2", eos=0), templates)
    )
    assert read.chat_template == {"default": "one {{ messages[0].content }}", "tool_use": "two"}
    text = read.apply_chat_template([{"role": "user", "content": "a"}], tokenize=False)
    assert text == "one a"


def test_user_defined_tokens_are_found_whole_and_are_not_special(tmp_path: Path) -> None:
    made = byte_level("gpt-2")
    made.add_tokens([AddedToken("<think>", normalized=False, special=False)])

    def write(writer: library.GGUFWriter) -> None:
        writes(made, "gpt-2", eos=0)(writer)
        kinds = [
            library.TokenType.USER_DEFINED if index == made.token_to_id("<think>") else
            library.TokenType.CONTROL if index < 2 else library.TokenType.NORMAL
            for index in range(made.get_vocab_size())
        ]  # fmt: skip
        writer.kv_data[0].pop("tokenizer.ggml.token_type")
        writer.add_token_types(kinds)

    read = AutoTokenizer.from_pretrained(convert(tmp_path, write))
    ids = made.encode("a<think>b").ids
    assert read("a<think>b")["input_ids"] == ids
    assert made.token_to_id("<think>") in ids
    assert read.decode(ids, skip_special_tokens=True) == "a<think>b"


def test_a_token_with_a_role_that_is_a_word_stays_a_word(tmp_path: Path) -> None:
    """Some files name a comma as their beginning, which they never put there."""
    made = byte_level("gpt-2")
    comma = made.token_to_id(",")
    read = AutoTokenizer.from_pretrained(convert(tmp_path, writes(made, "gpt-2", bos=comma, eos=0)))
    ids = made.encode("a, b").ids
    assert read("a, b")["input_ids"] == ids
    assert read.decode(ids, skip_special_tokens=True) == "a, b"


def test_a_file_without_kinds_of_tokens_has_those_with_roles(tmp_path: Path) -> None:
    made = byte_level("gpt-2")

    def write(writer: library.GGUFWriter) -> None:
        writes(made, "gpt-2", eos=0)(writer)
        writer.kv_data[0].pop("tokenizer.ggml.token_type")

    read = AutoTokenizer.from_pretrained(convert(tmp_path, write))
    assert read(f"a{_END}")["input_ids"] == made.encode(f"a{_END}").ids
    assert read.eos_token == _END


def test_a_token_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    def write(writer: library.GGUFWriter) -> None:
        writes(byte_level("gpt-2"), "gpt-2", eos=0)(writer)
        tokens = writer.kv_data[0]["tokenizer.ggml.tokens"].value
        tokens[7] = tokens[8]

    with pytest.raises(UnusableError, match="occurs twice"):
        convert(tmp_path, write)


# SentencePiece


def _sentencepiece() -> tuple[list[str], list[float], list[int]]:
    """Tokens, scores and kinds as in Llama 2: control, bytes, pieces by rank, characters."""
    kind = library.TokenType
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    kinds = [kind.UNKNOWN, kind.CONTROL, kind.CONTROL, *[kind.BYTE] * 256]
    scores = [0.0] * len(tokens)
    pieces = ["▁t", "he", "▁a", "in", "▁the", "ing", "▁k", "▁king", "king"]
    tokens += [*pieces, *sorted(set("▁thekinga.,!"))]
    kinds += [kind.NORMAL] * (len(tokens) - len(kinds))
    scores += [-float(rank) for rank in range(len(tokens) - len(scores))]
    return tokens, scores, kinds


def _llama2(tokens: list[str], spaced: bool) -> Tokenizer:
    """The tokenizer of Llama 2 in its own tokenizer.json; merges are those of its pieces."""
    merges = [
        *(("▁", "t"), ("h", "e"), ("▁", "a"), ("i", "n"), ("▁t", "he"), ("in", "g")),
        *(("▁", "k"), ("▁k", "ing"), ("k", "ing")),
    ]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    made = Tokenizer(
        models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    before = [normalizers.Prepend("▁")] if spaced else []
    made.normalizer = normalizers.Sequence([*before, normalizers.Replace(" ", "▁")])
    made.add_special_tokens(["<unk>", "<s>", "</s>"])
    made.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    return made


def sentencepiece(
    tokens: list[str], kinds: list[int], scores: list[float], *, spaced: bool = True
) -> Facts:
    def write(writer: library.GGUFWriter) -> None:
        writer.kv_data[0].pop("llama.vocab_size", None)
        writer.add_tokenizer_model("llama")
        writer.add_tokenizer_pre("default")
        writer.add_token_list(tokens)
        writer.add_token_scores(scores)
        writer.add_token_types(kinds)
        writer.add_bos_token_id(1)
        writer.add_eos_token_id(2)
        writer.add_unk_token_id(0)
        if not spaced:
            writer.add_add_space_prefix(False)

    return write


@pytest.mark.parametrize("spaced", [True, False])
def test_sentencepiece_is_merged_by_scores(spaced: bool, tmp_path: Path) -> None:
    tokens, scores, kinds = _sentencepiece()
    made = _llama2(tokens, spaced)
    write = sentencepiece(tokens, kinds, scores, spaced=spaced)
    read: PreTrainedTokenizerFast = AutoTokenizer.from_pretrained(convert(tmp_path, write))
    for text in (
        "the king",
        " the king",
        "  thinking  a",
        "a\nb 한 <0x41>",
        "the</s>king <s>the",
    ):
        assert read(text)["input_ids"] == made.encode(text).ids, text
    assert read("the king")["input_ids"][0] == 1
    assert read.backend_tokenizer.decode(made.encode("the king").ids) == "the king"


def test_control_tokens_of_phi_3_take_the_white_space_after_them(tmp_path: Path) -> None:
    """Its chat template puts line breaks there, which the model has never seen."""
    tokens, scores, kinds = _sentencepiece()
    tokens += ["<|endoftext|>", "<|user|>", "<|end|>"]
    kinds += [library.TokenType.CONTROL] * 3
    scores += [-100.0] * 3
    made = _llama2(tokens, spaced=True)
    made.add_special_tokens(["<|endoftext|>"])
    made.add_special_tokens(
        [AddedToken(token, rstrip=True, normalized=False) for token in ("<|user|>", "<|end|>")]
    )
    config = Phi3Config(
        vocab_size=_ROWS,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=1,
        num_attention_heads=2,
        pad_token_id=None,
    )
    folder = convert(tmp_path, sentencepiece(tokens, kinds, scores), config=config)
    read = AutoTokenizer.from_pretrained(folder)
    for text in ("<|user|>\nthe king<|end|>\n<|user|>\n", "a<|endoftext|>\n the", "<s> the"):
        assert read(text)["input_ids"] == made.encode(text).ids, text


def test_gemma_merges_in_the_order_of_its_tokens(tmp_path: Path) -> None:
    """Whatever their scores, and runs of spaces first, which the file writes as they are."""
    kind = library.TokenType
    tokens = ["<unk>", "<bos>", "<eos>", *(f"<0x{byte:02X}>" for byte in range(256)), "\n\n"]
    kinds = [kind.UNKNOWN, kind.CONTROL, kind.CONTROL, *[kind.BYTE] * 256, kind.USER_DEFINED]
    runs = ["  ", "   "]
    pieces = ["th", "▁t", "▁th", "in", "▁k", "he", "▁the", "king"]
    characters = sorted(set("▁thekingab\n"))
    scores = [0.0] * (len(tokens) + len(runs)) + [float(rank) for rank in range(len(pieces))]
    tokens += [*runs, *pieces, *characters]
    kinds += [kind.USER_DEFINED] * len(runs) + [kind.NORMAL] * (len(pieces) + len(characters))
    scores += [0.0] * len(characters)
    marked = [token.replace(" ", "▁") for token in tokens]
    merges = [
        *(("▁", "▁"), ("▁", "▁▁"), ("▁▁", "▁"), ("t", "h"), ("▁", "t"), ("▁", "th"), ("▁t", "h")),
        *(("i", "n"), ("▁", "k"), ("h", "e"), ("▁t", "he"), ("▁th", "e"), ("▁", "the")),
    ]
    merges = [pair for pair in merges if "".join(pair) in marked and set(pair) <= set(marked)]
    made = Tokenizer(
        models.BPE(
            {token: index for index, token in enumerate(marked)},
            merges,
            unk_token="<unk>",
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    made.normalizer = normalizers.Replace(" ", "▁")
    made.add_special_tokens(["<unk>", "<bos>", "<eos>"])
    made.add_tokens([AddedToken("\n\n", normalized=False)])
    made.post_processor = processors.TemplateProcessing("<bos> $A", special_tokens=[("<bos>", 1)])
    config = Gemma2Config(
        vocab_size=_ROWS,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        pad_token_id=None,
    )
    write = sentencepiece(tokens, kinds, scores, spaced=False)
    read = AutoTokenizer.from_pretrained(convert(tmp_path, write, config=config))
    for text in ("a the king", "the   king  a    b", "a\n\nb\n b\n\n\n", "  a", "한"):
        assert read(text)["input_ids"] == made.encode(text).ids, text
