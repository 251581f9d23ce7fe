"""How much of sample texts a pair of another vocabulary reads exactly. Imports no torch."""

from __future__ import annotations

from collections.abc import Collection

from tokenizers import Tokenizer

from app.checkpoints.preflight_report import TextShare
from app.checkpoints.vocabulary.readable_tokens import Spelled, readable_tokens
from app.checkpoints.vocabulary.sample_texts import SAMPLE_TEXTS
from app.checkpoints.vocabulary.text_encoding import continuation_encoder
from app.decoding.bridge.correspondence import AlignedText, Correspondence, OpinionsOfFew
from app.decoding.bridge.opinion import Opinion
from app.decoding.bridge.sorted_token_bytes import TokenBytes


def text_shares(
    base: Tokenizer,
    pair: Tokenizer,
    spelled: Spelled,
    rows: int,
    ends: tuple[Collection[int], Collection[int]],
    *,
    strict: bool = False,
) -> tuple[TextShare, ...]:
    """How much of each sample text a pair reads exactly, in tokens of the base.

    Args:
        base: The tokenizer of the base.
        pair: The tokenizer of the pair.
        spelled: The bytes of each id of the pair.
        rows: The rows of the output layer of the base.
        ends: The end-of-sequence ids of the base, and of the pair.
        strict: Whether only tokens of exactly the same bytes correspond to each other.
    """
    of_base, of_pair = TokenBytes(readable_tokens(base, rows, spelled)), TokenBytes(spelled)
    opinions = OpinionsOfFew(of_base, of_pair, ends, strict=strict)
    found = Correspondence(of_base, of_pair, continuation_encoder(pair), opinions.of)
    encode = continuation_encoder(base)
    return tuple(_share(kind, found.align(encode(text))) for kind, text in SAMPLE_TEXTS.items())


def _share(kind: str, aligned: AlignedText) -> TextShare:
    return TextShare(
        kind,
        len(aligned.base),
        exact=aligned.count(Opinion.EXACT),
        pieces=aligned.count(Opinion.BOUNDED),
        boundaries=aligned.at_boundaries,
    )
