"""What a bridge costs: ``python -m tests.bench.bridge_cost TOKENIZER`` prints JSON.

The base has the shape of Qwen2.5-1.5B and random weights in bfloat16; ``TOKENIZER`` is a
tokenizer.json of Qwen. Expert and anti-expert are SmolLM2-135M from build/real in float32, which
read the base's tokens through the bridge, each with a KV cache of its own.

A model of random weights finds no token likely. So that as much is read piece by piece as in use,
the base's row is replaced: the token that comes next in the text has half of the probability, the
tokens that correspond exactly to one of SmolLM2 share the other half as SmolLM2 has it. Turns
follow each other in one text. Milliseconds of processor time of one thread for a token: medians
over the turns, and the mean of the passes that read tokens piece by piece, which few tokens need.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
import time
from itertools import islice, pairwise
from typing import cast

import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import PreTrainedModel, Qwen2Config, Qwen2ForCausalLM
from transformers.initialization import no_init_weights

from app.checkpoints.loading.weights import load_weights
from app.checkpoints.opening import open_recipe
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.checkpoints.vocabulary.bridging import make_bridge
from app.checkpoints.vocabulary.sample_texts import CODE, ENGLISH, SAMPLE_TEXTS
from app.checkpoints.vocabulary.text_encoding import continuation_encoder
from app.decoding.bridge.bridged_model import BridgedLanguageModel
from app.decoding.bridge.opinion import Opinion
from app.decoding.bridge.pair_model import PairModel
from app.decoding.bridge.refinement import refine
from app.decoding.combining import Pair
from app.decoding.ensemble import Ensemble
from app.decoding.language_model import LanguageModel, TransformersLanguageModel
from tests.real.smollm2 import FILE

_TURNS = 9
_TOKENS = 8
"""Tokens of a turn."""
_ALL = _TURNS * _TOKENS
_WARM_UP = 8
"""Tokens before the first turn, after a prompt of one."""


class TimedModel:
    """A language model that adds up the processor time of its forward passes, and counts them."""

    def __init__(self, model: LanguageModel) -> None:
        self.model = model
        self.context_length = model.context_length
        self.vocabulary_size = model.vocabulary_size
        self.can_rewind = model.can_rewind
        self.seconds = 0.0
        self.passes = 0

    @property
    def length(self) -> int:
        return self.model.length

    def extend(self, tokens: Tensor, last: int = 1) -> Tensor:
        started = time.thread_time()
        rows = self.model.extend(tokens, last)
        self.seconds += time.thread_time() - started
        self.passes += 1
        return rows

    def rewind(self, length: int) -> None:
        self.model.rewind(length)


def random_base(vocabulary: int) -> PreTrainedModel:
    """A model in the shape of Qwen2.5-1.5B, whose weights repeat a block of random numbers."""
    config = Qwen2Config(
        vocab_size=vocabulary,
        hidden_size=1536,
        intermediate_size=8960,
        num_hidden_layers=28,
        num_attention_heads=12,
        num_key_value_heads=2,
        tie_word_embeddings=True,
    )
    with no_init_weights():
        model = Qwen2ForCausalLM._from_config(config, dtype=torch.bfloat16)
    block = torch.randn(1 << 20, generator=torch.Generator().manual_seed(0)).mul_(0.02)
    for parameter in model.parameters():
        for part in parameter.data.view(-1).split(len(block)):
            part.copy_(block[: len(part)])
    model.requires_grad_(False)
    return cast("PreTrainedModel", model.eval())


def smollm2() -> tuple[PreTrainedModel, Tokenizer, list[int]]:
    """The model, its tokenizer and its end-of-sequence ids."""
    spec = CheckpointSpec(f"gguf:{FILE}", dtype="float32", engine="transformers")
    role = open_recipe(Recipe("SmolLM2", spec, (ExpertPair("same", spec, spec),))).roles[0]
    weights = load_weights(role, "cpu", lambda done, total: None, lambda: False)
    ends = [cast("int", role.tokenizer.eos_token_id)]
    return weights.model, role.tokenizer.backend_tokenizer, ends


def realistic_row(expert: Tensor, exact: Tensor, following: int) -> Tensor:
    """Log-probabilities of the base: half for the next token, half as the expert has the others."""
    row = torch.where(exact, expert, -math.inf).log_softmax(0) + math.log(0.5)
    row[following] = torch.logaddexp(row[following], torch.tensor(math.log(0.5)))
    return row.clamp_(min=-60.0)


class Cost:
    """A base and a pair of another vocabulary, and what each token of a text takes."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        model, own, ends = smollm2()
        size = tokenizer.get_vocab_size()
        bridge = make_bridge(tokenizer, own, (size, model.config.vocab_size), ([], ends))
        encode = continuation_encoder(own)
        self._base = TimedModel(TransformersLanguageModel(random_base(size)))
        self._pair = [TimedModel(TransformersLanguageModel(model)) for _ in range(2)]
        bridged = [
            BridgedLanguageModel(cast("PairModel", each), bridge, encode) for each in self._pair
        ]
        names = ("base", "expert", "anti-expert")
        self._ensemble = Ensemble([self._base, *bridged], names, (Pair("a", 1, 2),))
        self._exact = torch.from_numpy(bridge.opinions == Opinion.EXACT)
        self._prompt = bridged[0].own(own.encode("The").ids), bridged[0].own([1])

    def of(self, ids: list[int]) -> dict[str, float]:
        """Medians over the turns; of what is read piece by piece, means over all tokens."""
        self._ensemble.prefill([ids[:1], *self._prompt])
        steps = enumerate(pairwise(ids[1:]), start=1)
        tokens = [self._step(index, *each) for index, each in islice(steps, _WARM_UP + _ALL)]
        turns = [list(turn) for turn in zip(*[iter(tokens[_WARM_UP:])] * _TOKENS, strict=True)]
        found = {
            name: statistics.median(
                statistics.mean(token[name] for token in turn) for turn in turns
            )
            for name in ("base", "pair", "bridge")
        }
        pieces, passes = (
            statistics.mean(token[name] for token in tokens[_WARM_UP:])
            for name in ("pieces", "passes")
        )
        forward = found["base"] + found["pair"]
        found |= {"pieces": pieces, "passes": passes, "bridge_share": found["bridge"] / forward}
        return {**found, "share": (found["bridge"] + pieces) / forward}

    def _step(self, index: int, token: int, following: int) -> dict[str, float]:
        models = (self._base, *self._pair)
        before = [each.seconds for each in models]
        passes = sum(each.passes for each in self._pair)
        started = time.thread_time()
        logits = self._ensemble.extend([token])
        read = time.thread_time() - started
        forward = [each.seconds - old for each, old in zip(models, before, strict=True)]
        logits.rows[0, -1] = realistic_row(logits.rows[1, -1], self._exact, following)
        started = time.thread_time()
        refine(self._ensemble, logits, -1, index)
        refined = time.thread_time() - started
        pieces = sum(each.seconds for each in models) - sum(before) - sum(forward)
        return {
            "base": 1e3 * forward[0],
            "pair": 1e3 * sum(forward[1:]),
            "bridge": 1e3 * (read - sum(forward) + refined - pieces),
            "pieces": 1e3 * pieces,
            "passes": (sum(each.passes for each in self._pair) - passes) / len(self._pair),
        }


def main() -> None:
    torch.set_num_threads(1)
    tokenizer = Tokenizer.from_file(sys.argv[1])
    cost = Cost(tokenizer)
    figures: dict[str, object] = {"turns": _TURNS, "tokens": _TOKENS}
    for name in (ENGLISH, CODE):
        found = cost.of(tokenizer.encode(SAMPLE_TEXTS[name], add_special_tokens=False).ids)
        figures[name] = {key: round(value, 4) for key, value in found.items()}
    json.dump(figures, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    with torch.inference_mode():
        main()
