"""How each token of a text was, or would be, read by a pair of another vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from app.attribution.explained_token import ExplainedToken
from app.decoding.bridge.correspondence import AlignedText, Block
from app.decoding.bridge.opinion import LIKELY, Opinion
from app.ui.translation import translate


class Reading(StrEnum):
    """What is known of a token of the base through the pair."""

    EXACT = "exact"  # one token of the pair leads to it
    PIECES = "pieces"  # several do; all of them are read where the base finds the token likely
    ALL_PIECES = "all pieces"  # all of them were read, which is exact
    FIRST_PIECE = "first piece"  # only the first was read
    NONE = "none"


_OF_OPINION = {
    Opinion.EXACT: Reading.EXACT,
    Opinion.BOUNDED: Reading.PIECES,
    Opinion.NONE: Reading.NONE,
}


def readings_of(text: AlignedText, answer: Sequence[ExplainedToken] = ()) -> list[Reading]:
    """How the tokens of a text are read.

    Args:
        text: The text.
        answer: The tokens of the run that the text is, if it is one: it is known which of them were
            read piece by piece.
    """
    found = [_OF_OPINION[opinion] for opinion in text.opinions]
    for place, token in enumerate(answer):
        if found[place] is Reading.PIECES:
            whole = token.forced or token.attribution.p_base >= LIKELY
            found[place] = Reading.ALL_PIECES if whole else Reading.FIRST_PIECE
    return found


def reading_word(reading: Reading) -> str:
    """A word or two for a token that is read so."""
    return {
        Reading.EXACT: translate("Correspondence", "exact"),
        Reading.PIECES: translate("Correspondence", "pieces"),
        Reading.ALL_PIECES: translate("Correspondence", "all pieces"),
        Reading.FIRST_PIECE: translate("Correspondence", "first piece"),
        Reading.NONE: translate("Correspondence", "no opinion"),
    }[reading]


def about_reading(reading: Reading) -> str:
    """What it means that a token is read so."""
    return {
        Reading.EXACT: translate("Correspondence", "exact: one token of the pair leads to it"),
        Reading.PIECES: translate(
            "Correspondence",
            "the pair needs several tokens: exact where the base finds it likely, otherwise its "
            "first piece",
        ),
        Reading.ALL_PIECES: translate(
            "Correspondence", "the pair needs several tokens, and all of them were read: exact"
        ),
        Reading.FIRST_PIECE: translate(
            "Correspondence",
            "the pair needs several tokens, of which only the first was read, as the base found it "
            "unlikely",
        ),
        Reading.NONE: translate(
            "Correspondence", "no opinion: the pair does not change its probability"
        ),
    }[reading]


def totals_line(text: AlignedText, readings: Sequence[Reading]) -> str:
    """How many tokens of a text are read how."""
    total = len(text.base)
    if not total:
        return ""
    parts = [
        translate("Correspondence", "{0} of {1} tokens exactly").format(
            f"{readings.count(Reading.EXACT):,}", f"{total:,}"
        )
    ]
    words = {
        Reading.ALL_PIECES: translate("Correspondence", "{0} by all their pieces, exactly"),
        Reading.PIECES: translate("Correspondence", "{0} by pieces"),
        Reading.FIRST_PIECE: translate("Correspondence", "{0} by their first piece"),
        Reading.NONE: translate("Correspondence", "{0} without an opinion"),
    }
    parts += [
        word.format(f"{readings.count(reading):,}")
        for reading, word in words.items()
        if reading in readings
    ]
    begin = translate("Correspondence", "{0} begin where a token of the pair begins")
    parts.append(begin.format(f"{text.at_boundaries / total:.0%}"))
    return " · ".join(parts)


def mass_line(answer: Sequence[ExplainedToken]) -> str:
    """How much of the base's probability was compared exactly in an answer."""
    known = [token.attribution.coverage for token in answer]
    shares = [share for share in known if share is not None]
    if not shares:
        return ""
    text = translate(
        "Correspondence",
        "Of the base's probability, {0} on average was compared exactly; at the least certain "
        "token {1}.",
    )
    return text.format(f"{sum(shares) / len(shares):.1%}", f"{min(shares):.1%}")


def pieces_of(block: Block, token: int) -> tuple[bytes, ...]:
    """The tokens of the pair for a token of the base, or for all tokens of its block."""
    mine = block.base[token]
    inside = [
        each.spelled for each in block.pair if mine.start <= each.start and each.end <= mine.end
    ]
    if b"".join(inside) == mine.spelled:
        return tuple(inside)
    return tuple(each.spelled for each in block.pair)
