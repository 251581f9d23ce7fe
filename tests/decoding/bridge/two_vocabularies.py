"""Two small byte-level tokenizers of one language, and a model that counts its tokens."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cache

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor

from app.checkpoints.vocabulary.token_bytes import text_bytes

WORDS = (
    *("the", "them", "theme", "then", "there", "in", "inn", "inner", "index", "indexed", "indent"),
    *("on", "one", "only", "once", "12", "123", "7", "70", "각", "각하", "하루", "é", "été"),
    *("x", "=", "y", "+=", "\n\t"),
)
END = "<end>"


def sentences(seed: int, count: int) -> list[str]:
    """Sentences in which every word depends on the one before it."""
    chance = random.Random(seed)
    following = {word: chance.sample(WORDS, 4) for word in WORDS}
    found = []
    for _ in range(count):
        words = [chance.choice(WORDS)]
        while len(words) < 3 or chance.random() > 0.1:
            words.append(chance.choice(following[words[-1]]))
        found.append(" ".join(words))
    return found


@cache
def tokenizer(size: int, seed: int) -> Tokenizer:
    """A byte-level tokenizer with about ``size`` tokens, the last of which ends a text."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size - 1,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(sentences(seed, 200), trainer)
    made.add_special_tokens([END])
    return made


def spelled(made: Tokenizer) -> list[bytes | None]:
    """The bytes of each id, None for the token that ends a text."""
    return text_bytes(made, made.get_vocab_size())


class CountedModel:
    """A model whose next token depends on the last two, as often as they came in its sentences.

    It gives no probability to what its tokenizer would have split otherwise, as a trained model
    hardly does.
    """

    context_length: int | None = None
    can_rewind = True

    def __init__(self, made: Tokenizer, texts: Sequence[str]) -> None:
        self.vocabulary_size = made.get_vocab_size()
        self.begin = self.end = made.token_to_id(END)
        self._counts = defaultdict[tuple[int, ...], Counter[int]](Counter)
        for text in texts:
            ids = [self.begin, *made.encode(text).ids, self.end]
            for place in range(1, len(ids)):
                self._counts[tuple(ids[max(place - 2, 0) : place])][ids[place]] += 1
        self.ids: list[int] = []
        self.reads: list[int] = []

    @property
    def length(self) -> int:
        return len(self.ids)

    def after(self, ids: Sequence[int]) -> dict[int, float]:
        """The probabilities of the next tokens that are possible."""
        counts = self._counts[tuple(ids[-2:])]
        total = sum(counts.values())
        return {index: count / total for index, count in counts.items()}

    def extend(self, tokens: Tensor, last: int = 1) -> Tensor:
        self.ids += tokens.tolist()
        self.reads.append(len(tokens))
        rows = torch.full((last, self.vocabulary_size), -80.0)
        for place, row in enumerate(rows):
            for index, probability in self.after(
                self.ids[: self.length - last + 1 + place]
            ).items():
                row[index] = torch.tensor(probability).log()
        return rows

    def rewind(self, length: int) -> None:
        del self.ids[length:]
