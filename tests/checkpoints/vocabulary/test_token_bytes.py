"""The bytes of tokens of tokenizers with byte fallback."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers

from app.checkpoints.vocabulary.token_bytes import text_bytes
from app.decoding.bridge.opinion import Opinion
from app.decoding.bridge.vocabulary_bridge import VocabularyBridge


@pytest.fixture
def tokenizer() -> Tokenizer:
    """As those of Gemma and Llama 2: every byte is a token, and common characters are again."""
    tokens = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "9", "a", "▁a"]
    made = Tokenizer(
        models.BPE(
            {token: place for place, token in enumerate(tokens)},
            [("▁", "a")],
            byte_fallback=True,
            unk_token="<unk>",
        )
    )
    made.normalizer = normalizers.Replace(" ", "▁")
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    return made


def test_a_character_is_its_own_token_and_not_its_byte(tokenizer: Tokenizer) -> None:
    spelled = text_bytes(tokenizer, tokenizer.get_vocab_size())
    assert [spelled[each] for each in tokenizer.encode(" a9 é").ids] == [
        *(b" a", b"9", b" "),
        *(b"\xc3", b"\xa9"),
    ]
    for token, byte in (("9", 0x39), ("▁", 0x20), ("a", 0x61)):
        assert spelled.index(bytes([byte])) == tokenizer.token_to_id(token)
    assert {token[0] for token in spelled if token and len(token) == 1} == set(range(256))


def test_a_pair_has_an_opinion_of_each_token_that_texts_have(tokenizer: Tokenizer) -> None:
    spelled = text_bytes(tokenizer, tokenizer.get_vocab_size())
    bridge = VocabularyBridge(spelled, [bytes([each]) for each in range(256)], [], [])
    ids = tokenizer.encode("9 a").ids
    assert all(bridge.opinions[each] != Opinion.NONE for each in ids)
