"""Tokenizers are what the files of a checkpoint define, whatever class its settings name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, processors, trainers

from app.checkpoints.formats.tokenizer_loading import load_tokenizer
from app.checkpoints.opening import open_recipe
from app.checkpoints.preflight import preflight
from app.checkpoints.prompts import encode_prompt
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.checkpoints.vocabulary.tokenizer_proof import PROOF_TEXTS
from app.errors import CheckpointError
from tests import tiny

BOS, EOS = "<s>", "</s>"
Settings = dict[str, object]
Ship = Callable[[Tokenizer, Settings], Path]


def sentencepiece_like(single: str = f"{BOS} $A") -> Tokenizer:
    """A tokenizer as Llama 2 ships it: a space is put before every text, by the normalizer."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    fallback = [f"<0x{byte:02X}>" for byte in range(256)]
    tokenizer.train_from_iterator(
        ["one two three", "one", "two"],
        trainers.BpeTrainer(
            vocab_size=400,
            special_tokens=["<unk>", BOS, EOS, *fallback, "▁▁"],
            show_progress=False,
        ),
    )
    table = json.loads(tokenizer.to_str())
    table["added_tokens"] = table["added_tokens"][:3]
    tokenizer = Tokenizer.from_str(json.dumps(table))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=single, special_tokens=[(BOS, 1), (EOS, 2)]
    )
    return tokenizer


@pytest.fixture
def ship(tmp_path: Path) -> Ship:
    """Writes a checkpoint with this tokenizer.json and this tokenizer_config.json."""

    def write(tokenizer: Tokenizer, settings: Settings) -> Path:
        rows = tokenizer.get_vocab_size()
        folder = tiny.save(tiny.make_model("llama", 1, rows), tmp_path / "shipped")
        tokenizer.save(str(folder / "tokenizer.json"))
        (folder / "tokenizer_config.json").write_text(json.dumps(settings))
        return folder

    return write


def check(folder: Path, prompt: str = "one") -> tuple[list[int], tuple[str, ...]]:
    role = CheckpointSpec(f"folder:{folder}")
    found = preflight(open_recipe(Recipe("r", role, (ExpertPair("p", role, role),))), prompt)
    return list(found.prompts[0].token_ids), found.warnings


LLAMA: Settings = {
    "tokenizer_class": "LlamaTokenizer",
    "legacy": True,
    "add_bos_token": True,
    "bos_token": BOS,
    "eos_token": EOS,
    "unk_token": "<unk>",
}


@pytest.mark.parametrize("text", [*PROOF_TEXTS, f"{EOS} one", "\n one"])
@pytest.mark.parametrize("kind", ["LlamaTokenizer", "GPT2Tokenizer", "PreTrainedTokenizerFast"])
def test_ids_are_those_of_the_file_that_ships(ship: Ship, kind: str, text: str) -> None:
    shipped = sentencepiece_like()
    folder = ship(shipped, LLAMA | {"tokenizer_class": kind})
    read = encode_prompt(load_tokenizer(folder), CheckpointSpec(f"folder:{folder}"), text)
    assert read == shipped.encode(text).ids
    assert check(folder)[1] == ()


def test_padding_and_truncation_of_the_file_are_switched_off(ship: Ship) -> None:
    shipped = sentencepiece_like()
    wanted = shipped.encode("one two three").ids
    shipped.enable_padding(length=64)
    shipped.enable_truncation(2)
    folder = ship(shipped, LLAMA)
    assert check(folder, "one two three") == (wanted, ())


@pytest.mark.parametrize("template", [f"$A {EOS}", f"{BOS} $A {EOS}", f"$A {EOS} {EOS}"])
@pytest.mark.parametrize("typed", ["one", f"one{EOS}"])
def test_nothing_that_the_file_puts_after_a_text_is_read(
    ship: Ship, template: str, typed: str
) -> None:
    folder = ship(sentencepiece_like(template), LLAMA | {"add_bos_token": BOS in template})
    own = sentencepiece_like().encode(typed, add_special_tokens=False).ids
    assert check(folder, typed) == ([1] * (BOS in template) + own, ())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"add_bos_token": False}, f"does not add “{BOS}” before every text"),
        ({"add_prefix_space": False}, "does not add a space before every text"),
        ({"pad_token": "<pad>"}, ""),
    ],
)
def test_settings_that_contradict_the_file_are_named(
    ship: Ship, settings: Settings, said: str
) -> None:
    folder = ship(sentencepiece_like(), LLAMA | settings)
    _, warnings = check(folder)
    assert [said in warning for warning in warnings] == [True] * bool(said)


def test_tokens_that_only_the_settings_name_are_told(ship: Ship) -> None:
    """They are read as one token, by the file they would be several."""
    token = {"content": " one", "special": False, "normalized": False}
    extra = {"added_tokens_decoder": {"9000": token | dict.fromkeys(("lstrip", "rstrip"), False)}}
    _, warnings = check(ship(sentencepiece_like(), LLAMA | extra))
    assert any("and its tokenizer.json as" in warning for warning in warnings)


def test_a_sentencepiece_model_alone_is_refused_by_name(ship: Ship) -> None:
    folder = ship(sentencepiece_like(), LLAMA)
    (folder / "tokenizer.json").rename(folder / "tokenizer.model")
    with pytest.raises(CheckpointError, match=r"only a SentencePiece model.*tokenizer\.model"):
        load_tokenizer(folder)


TEMPLATE = "{% for m in messages %}[{{ m.content }}]{% endfor %}"


def chat(folder: Path) -> tuple[str, tuple[str, ...]]:
    """What the base reads of a chat, and what is said of it."""
    role = CheckpointSpec(f"folder:{folder}", prompt="chat")
    plain = CheckpointSpec(f"folder:{folder}")
    recipe = Recipe("r", role, (ExpertPair("p", plain, plain),))
    found = preflight(open_recipe(recipe), "one")
    return found.prompts[0].text or found.prompts[0].problem, found.warnings


@pytest.mark.parametrize("place", ["chat_template.jinja", "additional_chat_templates"])
def test_a_chat_template_in_a_file_of_its_own(ship: Ship, place: str) -> None:
    folder = ship(sentencepiece_like(), LLAMA)
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    if place == "additional_chat_templates":
        (folder / place).mkdir()
        (folder / place / "tools.jinja").write_text("never this")
    assert chat(folder) == ("[one]", ())


def test_a_template_among_several_without_a_default_is_refused(ship: Ship) -> None:
    named = [{"name": name, "template": TEMPLATE} for name in ("tools", "rag")]
    said, _ = chat(ship(sentencepiece_like(), LLAMA | {"chat_template": named}))
    assert "refuses this prompt" in said


def test_a_template_that_writes_the_date_is_told(ship: Ship) -> None:
    dated = "{{ strftime_now('%Y') | length }}" + TEMPLATE
    text, warnings = chat(ship(sentencepiece_like(), LLAMA | {"chat_template": dated}))
    assert text == "4[one]"
    assert warnings[-1].startswith("The chat template of the base inserts today's date")
