"""What corresponds to what in a text, against the bridge and against the tokenizers themselves."""

from __future__ import annotations

import pytest

from app.decoding.bridge.correspondence import Correspondence, OpinionsOfFew
from app.decoding.bridge.opinion import Opinion
from app.decoding.bridge.sorted_token_bytes import TokenBytes
from app.decoding.bridge.vocabulary_bridge import VocabularyBridge
from tests.decoding.bridge.two_vocabularies import sentences, spelled, tokenizer

BASE, PAIR = tokenizer(320, 1), tokenizer(300, 2)
TEXTS = [*sentences(7, 20), "", " ", "각하 the\n\tindexed", "😀 été"]


def correspondence(*, strict: bool = False) -> tuple[Correspondence, VocabularyBridge]:
    base, pair = spelled(BASE), spelled(PAIR)
    ends = ({BASE.token_to_id("<end>")}, {PAIR.token_to_id("<end>")})
    opinions = OpinionsOfFew(TokenBytes(base), TokenBytes(pair), ends, strict=strict)

    def encode(text: str) -> list[int]:
        ids: list[int] = PAIR.encode(text).ids
        return ids

    found = Correspondence(TokenBytes(base), TokenBytes(pair), encode, opinions.of)
    return found, VocabularyBridge(base, pair, *ends, strict=strict)


@pytest.mark.parametrize("strict", [False, True])
def test_opinions_of_single_tokens_are_those_of_the_bridge(strict: bool) -> None:
    found, bridge = correspondence(strict=strict)
    ids = range(BASE.get_vocab_size())
    assert [found.align([each]).opinions[0] for each in ids] == bridge.opinions.tolist()
    assert set(bridge.opinions.tolist()) > {Opinion.EXACT}


def test_opinions_of_all_ends_are_those_of_the_bridge() -> None:
    base, pair, ends = [b"a", None, None, b"</s>"], [b"a", None, None], ([1, 2, 3], [1, 2])
    opinions = OpinionsOfFew(TokenBytes(base), TokenBytes(pair), ends)
    bridge = VocabularyBridge(base, pair, *ends)
    assert [opinions.of(each) for each in range(4)] == bridge.opinions.tolist()


@pytest.mark.parametrize("text", TEXTS)
def test_both_rows_spell_the_text_and_meet_at_common_boundaries(text: str) -> None:
    aligned = correspondence()[0].align(BASE.encode(text).ids)
    assert b"".join(token.spelled for token in aligned.base) == text.encode()
    assert [token.token_id for token in aligned.pair] == PAIR.encode(text).ids
    starts = [token.start for token in aligned.base]
    own = {token.start for token in aligned.pair}
    assert aligned.at_boundaries == sum(start in own for start in starts)
    for block in aligned.blocks:
        row, below = ([token.spelled for token in part] for part in (block.base, block.pair))
        assert b"".join(row) == b"".join(below)
        ends = [{token.end for token in part[:-1]} for part in (block.base, block.pair)]
        assert not ends[0] & ends[1]  # no smaller blocks
    assert [token for block in aligned.blocks for token in block.base] == list(aligned.base)
    assert [token for block in aligned.blocks for token in block.pair] == list(aligned.pair)
    assert [each for block in aligned.blocks for each in block.opinions] == list(aligned.opinions)


def test_a_token_without_bytes_is_a_block_alone() -> None:
    end = BASE.token_to_id("<end>")
    aligned = correspondence()[0].align([*BASE.encode("the").ids, end])
    last = aligned.blocks[-1]
    assert [token.token_id for token in last.base] == [end]
    assert last.pair == ()
    assert last.opinions == (Opinion.EXACT,)
