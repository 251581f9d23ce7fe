"""A language model of another vocabulary, as one over the tokens of the base."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from app.decoding.batch_model import BatchModel, SeparateTexts
from app.decoding.bridge.beginnings import common_length
from app.decoding.bridge.bridged_state import BridgedState
from app.decoding.bridge.changed_row import ChangedRow
from app.decoding.bridge.mixed_text import MixedText
from app.decoding.bridge.opinion import Opinion
from app.decoding.bridge.pair_model import PairModel
from app.decoding.bridge.pair_text import PairText
from app.decoding.bridge.text_reading import RowPart, TextReading
from app.decoding.bridge.vocabulary_bridge import LEAST, VocabularyBridge
from app.decoding.cache_state import CacheState, StatefulModel
from app.errors import ContextLengthError

_MOST_BOUNDARIES = 8
"""The most tokens of the pair at the end of a text that may turn out to be parts of longer ones."""
_ROWS_FOR_REWINDS = 20
"""Rows before those that are needed which are kept, so that drafts can be taken back."""
_LETTER = b"a"


class BridgedLanguageModel:
    """A :class:`LanguageModel` over the base's ids around a model of another vocabulary.

    It reads ids of the base, and ids of its own, which are those at and above the base's vocabulary
    size, less it: prompts are in its own tokens. The ids of the base become bytes, and these the
    tokens that the pair's tokenizer gives for them. Where the last of these tokens may turn out to
    be the first part of a longer one, the row is the mixture of both cases, with the probabilities
    that the model gave them when it read the text: the probability of the next token given all
    bytes so far (the sum over covers of arXiv 2506.14123, without covers whose own beginning the
    tokenizer would have split otherwise).

    Rows are logarithms of probabilities, on the host.

    Args:
        inner: The model of the pair; it must be able to rewind.
        bridge: The bridge from the base's vocabulary to the pair's.
        encode: Encodes a text in the middle of a text with the pair's tokenizer.

    Attributes:
        length: The number of ids that were read, of the base and of its own.
        rewound: How many tokens of the pair were read and taken back since they merged otherwise.
    """

    def __init__(
        self,
        inner: PairModel,
        bridge: VocabularyBridge,
        encode: Callable[[str], Sequence[int]],
    ) -> None:
        self.inner = inner
        self.bridge = bridge
        self._encode = encode
        self._pair_text = PairText(bridge.pair, encode)
        self._text = MixedText(len(bridge.base), bridge.base.__getitem__, self._encoded_apart)
        self.vocabulary_size = len(bridge.base)
        self.context_length = inner.context_length
        self.length = 0
        self.rewound = 0
        self._held: list[int] = []
        self._rows: dict[int, Tensor] = {}

    def another(self) -> BridgedLanguageModel:
        """Another language model over the same weights with an empty cache."""
        return BridgedLanguageModel(self.inner.another(), self.bridge, self._encode)

    def batch(self) -> BatchModel:
        """Texts of a batch are read one by one."""
        return SeparateTexts(self.another)

    @property
    def can_rewind(self) -> bool:
        return self.inner.can_rewind

    def own(self, ids: Sequence[int]) -> list[int]:
        """Ids of the pair's tokenizer as ids that :meth:`extend` reads."""
        return [self.vocabulary_size + each for each in ids]

    def extend(self, tokens: Tensor, last: int = 1) -> Tensor:
        before = self.length
        self._text.append(tokens.tolist())
        self.length += len(tokens)
        lengths = range(self.length - last + 1, self.length + 1)
        try:
            return self._rows_after([self._read(length) for length in lengths])
        except BaseException:
            self.rewind(before)
            self._forget()
            raise

    def rewind(self, length: int) -> None:
        if not 0 <= length <= self.length:
            raise ValueError(f"cannot rewind {self.length} tokens to {length}")
        self.length = length
        self._text.cut(length)  # the pair rewinds when it reads on, as far as its tokens differ
        if length == 0:
            self._forget()

    @property
    def shortens(self) -> bool:
        """Whether a state can be shortened, as :class:`StatefulModel` asks."""
        return self.can_rewind

    def take_state(self) -> CacheState | None:
        """Hand over what was read, and hold nothing; None if the pair's cache cannot be taken."""
        inner = self.inner.take_state() if isinstance(self.inner, StatefulModel) else None
        if inner is None:
            return None
        state = BridgedState(
            self._text, self._held, self._rows, inner, self.bridge.pair, self.shortens
        )
        self._text = self._text.copy(0)
        self._held, self._rows = [], {}
        self.length = 0
        return state

    def put_state(self, state: CacheState) -> None:
        """Continue from ``state`` instead of what was read."""
        assert isinstance(state, BridgedState)
        assert isinstance(self.inner, StatefulModel)
        self.rewind(0)
        self.inner.put_state(state.inner)
        self._text, self._held, self._rows = state.text, state.held, state.rows
        self.length = len(state.text.ids)

    def refined(self, length: int, candidates: Sequence[int]) -> tuple[Tensor, list[int]]:
        """The row after the first ``length`` ids, with exact probabilities of some tokens.

        A candidate of which the pair has a bounded opinion is read piece by piece. Its probability
        is the product along its pieces, and is taken from the token that stood for it: the longest
        other candidate that it begins with, or the token that its first piece leads to. Candidates
        with which the text is split otherwise are read as it is split then.

        Args:
            length: At most what was read.
            candidates: Ids of the base of which the pair has a bounded opinion, or with which the
                text is :meth:`split_otherwise`; the one that is most likely to come next is the
                last, so that its pieces need not be read again.

        Returns:
            Logarithms of probabilities, [V]; and the candidates whose probability is exact now.
        """
        reading = self._read(length)
        row, ends = self._mixture(reading)
        changed = ChangedRow(row)
        found = []
        for each in candidates:
            if self.bridge.opinions[each] != Opinion.BOUNDED:
                continue
            for first, spelled in self._spellings(length, each):
                for ids, at_end in ends:
                    if at_end and spelled[: len(ids)] == ids:
                        pieces = spelled[len(ids) :]
                        exact = at_end * self._product(ids, pieces, self.bridge.base[each], first)
                        changed.add(each, exact)
                        standing = self._stands_for(each, candidates, pieces[0])
                        if standing < self.vocabulary_size:
                            changed.add(standing, -exact)
                        found.append(each)
        changed.keep_some()
        at_end = ends[0][1]
        for each in self.split_otherwise(length, candidates) if at_end else ():
            changed.add(each, at_end * self._ratio_otherwise(reading, length, each))
            found.append(each)
        return changed.normalized(), sorted(set(found))

    def split_otherwise(self, length: int, candidates: Iterable[int]) -> list[int]:
        """The candidates with which the tokens of the first ``length`` ids are others.

        “dear” is a token of many tokenizers, and “dearth” is “de” and “arth”: no token that begins
        where “dear” does goes on.
        """
        reading = self._read(length)
        if not reading.whole or reading.other is not None or self.bridge.strict:
            return []
        found = []
        for each in candidates:
            _, spelled = next(self._spellings(length, each))
            common = common_length(reading.ids, spelled)
            replaced = sum(len(self.bridge.pair[index]) for index in reading.ids[common:])
            if replaced and len(self.bridge.pair[spelled[common]]) <= replaced:
                found.append(each)
        return found

    def _ratio_otherwise(self, reading: TextReading, length: int, following: int) -> float:
        """The probability of a text and a token after it, which is split otherwise, over that of
        the text alone."""
        _, spelled = next(self._spellings(length, following))
        ids = reading.ids
        common = common_length(ids, spelled)
        replaced = ids[common:]
        self._move_to(ids, common)
        here = math.prod(
            max(float(self._rows[place][index]), LEAST)
            for place, index in enumerate(replaced, common)
        )
        rest = b"".join(map(self.bridge.pair.__getitem__, replaced)) + self.bridge.base[following]
        return self._product(ids[:common], spelled[common:], rest, 0) / here

    def _forget(self) -> None:
        self._held.clear()
        self._rows.clear()
        self.inner.rewind(0)

    def _encoded_apart(self, text: bytes) -> list[int]:
        return PairText(self.bridge.pair, self._encode).ids_of(text)[0]

    def _spellings(self, length: int, following: int) -> Iterator[tuple[int, list[int]]]:
        """The tokens of the first ``length`` ids and a token of the base after them.

        Yields:
            Two ways if they differ, the second for a text that goes on with a letter; each with the
            first boundary that it does not share with the one before.
        """
        own, _, text = self._text.parts(length)
        text += self.bridge.base[following]
        spelled = [*own, *self._pair_text.ids_of(text)[0]]
        yield 0, spelled
        if text[-1:].isspace() and not self.bridge.strict:
            ids, ends = self._pair_text.ids_of(text + _LETTER)
            inside = bisect_right(ends, len(text))
            other = [*own, *ids[:inside]]
            shared = common_length(spelled, other)
            if inside and ends[inside - 1] == len(text) and shared < len(other):
                yield shared + 1, other

    def _read(self, length: int) -> TextReading:
        """The first ``length`` ids as the pair reads them."""
        own, following, text = self._text.parts(length)
        reading = self._reading(own, following, text, *self._pair_text.ids_of(text))
        if not text[-1:].isspace() or self.bridge.strict:
            return reading
        ids, ends = self._pair_text.ids_of(text + _LETTER)
        inside = bisect_right(ends, len(text))
        shared = common_length(reading.ids, [*own, *ids[:inside]])
        if shared == len(own) + inside:
            return reading
        other = self._reading(own, following, text, ids[:inside], ends[:inside], shared + 1)
        return replace(reading, other=other)

    def _reading(
        self,
        own: Sequence[int],
        following: Sequence[int],
        text: bytes,
        ids: Sequence[int],
        ends: Sequence[int],
        first: int = 1,
    ) -> TextReading:
        """A reading of ``text`` after ``own`` tokens, with the tails from boundary ``first`` on."""
        whole = (ends[-1] if ends else 0) == len(text)
        tails = []
        for place in range(max(len(ids) - _MOST_BOUNDARIES, 0), len(ids) + (not whole)):
            found = self.bridge.after_tail(text[ends[place - 1] if place else 0 :], following)
            if len(own) + place >= first and len(found.pair_ids):
                tails.append((len(own) + place, found))
        return TextReading([*own, *ids], tuple(tails), whole)

    def _rows_after(self, readings: Sequence[TextReading]) -> Tensor:
        """The row after each of the readings; those on the way to the last one are read with it."""
        final = readings[-1]
        on_the_way = [
            place
            for place, each in enumerate(readings)
            if each.other is None and final.ids[: len(each.ids)] == each.ids
        ]
        if on_the_way:
            self._move_to(final.ids, min(readings[place].earliest for place in on_the_way))
        rows = {place: self._mixture(readings[place])[0] for place in on_the_way}
        for place, reading in enumerate(readings):
            if place not in rows:
                rows[place] = self._mixture(reading)[0]
        oldest = final.earliest - _ROWS_FOR_REWINDS
        self._rows = {at: row for at, row in self._rows.items() if at >= oldest}
        if len(readings) == 1:
            return rows[0].unsqueeze(0)
        return torch.stack([rows[place] for place in range(len(readings))])

    def _move_to(self, ids: list[int], earliest: int) -> None:
        """Hold ``ids``, and perhaps more, with the rows from the boundary ``earliest`` on."""
        kept = common_length(self._held, ids)
        if kept == len(ids) and all(at in self._rows for at in range(earliest, kept + 1)):
            return
        while any(at not in self._rows for at in range(earliest, kept + 1)):
            kept -= 1  # a row that is not there is computed again
        if kept < len(self._held):
            self.rewound += len(self._held) - kept
            self._rows = {at: row for at, row in self._rows.items() if at <= kept}
            self.inner.rewind(kept)
            del self._held[kept:]
        missing = ids[kept:]
        if not missing:
            return
        limit = self.inner.context_length
        if limit is not None and len(ids) > limit:
            raise ContextLengthError(
                "The text is longer than the context of a model of another vocabulary",
                evidence=f"{len(ids):,} of its tokens, the context is {limit:,}",
                next_step="Generate a shorter text or choose a model with a longer context.",
            )
        wanted = len(ids) - max(earliest, kept + 1) + 1
        logits = self.inner.extend(torch.tensor(missing, dtype=torch.int64), max(wanted, 1))
        self._held += missing
        probabilities = torch.softmax(logits.cpu(), dim=-1)
        for at, row in enumerate(probabilities, len(ids) - len(probabilities) + 1):
            self._rows[at] = row

    def _mixture(self, reading: TextReading) -> tuple[Tensor, list[tuple[list[int], float]]]:
        """The logarithms of the probabilities of the base's tokens, [V].

        Returns:
            The row, and the readings of the text whose last token ends with it, each with its
            probability.
        """
        start = reading.earliest
        readings = [reading] if reading.other is None else [reading, reading.other]
        parts = [self._part(each, start) for each in readings]
        highest = max(part.logarithm for part in parts)
        scales = [math.exp(part.logarithm - highest) for part in parts]
        after = parts[0].after * (parts[0].at_end * scales[0])
        for part, scale in zip(parts[1:], scales[1:], strict=True):
            after.add_(part.after, alpha=part.at_end * scale)
        weights = [part.tail_weights * scale for part, scale in zip(parts, scales, strict=True)]
        row, total = self.bridge.log_row(
            after, torch.cat([part.tail_ids for part in parts]), torch.cat(weights)
        )
        ends = [
            (each.ids, part.at_end * scale / total)
            for each, part, scale in zip(readings, parts, scales, strict=True)
        ]
        return row, ends

    def _part(self, reading: TextReading, start: int) -> RowPart:
        """What one reading says, whose boundaries are weighed from ``start`` on."""
        self._move_to(reading.ids, start)
        end = len(reading.ids)
        reached = [0.0]  # the logarithm of the probability of the tokens up to each boundary
        for place in range(start, end):
            probability = max(float(self._rows[place][reading.ids[place]]), LEAST)
            reached.append(reached[-1] + math.log(probability))
        places = [at for at, _ in reading.tails] + [end] * reading.whole
        highest = max((reached[at - start] for at in places), default=-math.inf)
        weights = {at: math.exp(reached[at - start] - highest) for at in places}
        at_end = weights.get(end, 0.0) if reading.whole else 0.0
        ids = [tokens.base_ids for _, tokens in reading.tails]
        tails = [
            self._rows[place].index_select(0, tokens.pair_ids).mul_(weights[place])
            for place, tokens in reading.tails
        ]
        tail_ids = torch.cat([torch.zeros(0, dtype=torch.int64), *ids])
        tail_weights = torch.cat([torch.zeros(0), *tails])
        return RowPart(self._rows[end], at_end, tail_ids, tail_weights, highest)

    def _stands_for(self, token: int, candidates: Iterable[int], first_piece: int) -> int:
        """The id that the probability of ``token`` is counted in unless it is known by itself.

        It is the vocabulary size where no token of the base begins the first piece.
        """
        spelled = self.bridge.base[token]
        begins = (self.bridge.base[each] for each in candidates if each != token)
        shorter = max((each for each in begins if spelled.startswith(each)), key=len, default=b"")
        found = self.bridge.base.id_of(shorter)
        return self.bridge.first_token(first_piece) if found is None else found

    def _product(self, ids: Sequence[int], pieces: Sequence[int], rest: bytes, first: int) -> float:
        """The probability that the text goes on after ``ids`` with ``rest``, in ``pieces``.

        Longer tokens at the end are counted from the boundary ``first`` on.
        """
        start = len(ids)
        self._move_to([*ids, *pieces[:-1]], start)
        reached = 1.0  # the probability of the pieces before a place
        total = 0.0
        for place, piece in enumerate(pieces, start):
            row = self._rows[place]
            if place >= max(start + 1, first):  # a longer token may begin with all that is left
                longer = torch.from_numpy(self.bridge.pair.longer_than(rest))
                total += reached * float(row[longer].sum())
            reached *= float(row[piece])
            rest = rest[len(self.bridge.pair[piece]) :]
        return total + reached
