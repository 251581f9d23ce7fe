"""Every kind of causal language model, loaded as the program does and read in every way.

What is read is compared with forward passes of transformers, of a model that was loaded without the
program.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from app.checkpoints.loading.loader import load_recipe
from app.checkpoints.opening import OpenedRecipe, open_recipe
from app.checkpoints.preflight import preflight
from app.checkpoints.spec import ExpertPair, Recipe
from app.decoding.cache_support import (
    continues_by_single_tokens,
    has_recurrent_state,
    why_not_cached,
)
from app.decoding.capturing import uncaptured
from app.decoding.graphs import GraphedLanguageModel, make_language_model, why_not_captured
from app.decoding.language_model import LanguageModel, TransformersLanguageModel
from app.decoding.rescaled_model import RescaledLanguageModel
from app.decoding.uncached_model import UncachedLanguageModel
from app.errors import ModelError, TuneshiftError
from tests import tiny
from tests.architectures.tiny_configurations import VARIANTS, tiny_configuration

KINDS = (*MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, *VARIANTS)
"""Model types that transformers has causal language models for, and more configurations of some."""
TOKENS = 40
TEXT = tuple(
    (7 * place * place + 11 * place + 5) % (tiny.VOCABULARY - 1) + 1 for place in range(40)
)
_TOLERANCE = 2e-4
"""For log-probabilities in float32."""
_ROUNDING = 1e-2
"""Up to this, two forward passes of one text that differ differ by rounding alone."""


def plain_rows(model: PreTrainedModel, text: Sequence[int]) -> Tensor:
    """Log-probabilities after each token of ``text``, each by a forward pass of what comes before.

    The text is read anew for each of them, without a cache; [n, V].
    """
    rows = [
        model(input_ids=torch.tensor([text[:end]], device=model.device), use_cache=False)
        .logits[0, -1]
        .float()
        for end in range(1, len(text) + 1)
    ]
    return torch.log_softmax(torch.stack(rows), -1).cpu()


def tolerance(model: PreTrainedModel, text: Sequence[int], expected: Tensor) -> float:
    """The greatest difference in float32 that rounding explains, from one pass over ``text``."""
    tokens = torch.tensor([text], device=model.device)
    whole = model(input_ids=tokens, use_cache=False).logits[0].float().cpu()
    rounding = float((torch.log_softmax(whole, -1) - expected).abs().max())
    return _TOLERANCE + (10 * rounding if rounding < _ROUNDING else 0)


class Reader:
    """Reads a text with ``model`` and keeps the greatest difference from ``expected``."""

    def __init__(self, model: LanguageModel, text: Sequence[int], expected: Tensor) -> None:
        self._model = model
        self._text = torch.tensor(text)
        self._expected = expected
        self.worst = 0.0
        self.where = ""

    def read(self, end: int, last: int, way: str) -> None:
        """Read on up to ``end`` in one block and compare the rows of the ``last`` tokens."""
        start = self._model.length
        logits = self._model.extend(self._text[start:end], last)
        rows = torch.log_softmax(logits.float().cpu(), -1)
        error = float((rows - self._expected[end - last : end]).abs().max())
        if not error <= self.worst:
            self.worst, self.where = error, way

    def back_to(self, length: int) -> None:
        """Rewind, or, where that is refused, read the beginning again."""
        try:
            self._model.rewind(length)
        except ModelError:
            self._model.rewind(0)
            if length:
                self._model.extend(self._text[:length], 1)

    def misread(self, count: int) -> None:
        """Read tokens that are not in the text, as refused drafts are, and go back."""
        length = self._model.length
        wrong = (self._text[length : length + count] + 17) % self._expected.shape[1]
        self._model.extend(wrong, count)
        self.back_to(length)


def read_in_every_way(model: LanguageModel, text: Sequence[int], expected: Tensor) -> Reader:
    """Read ``text`` in chunks, token by token, in blocks and after rewinds."""
    reader = Reader(model, text, expected)
    reader.read(13, 1, "the first chunk of a prompt")
    reader.read(22, 1, "another chunk")
    for end in range(23, 31):
        reader.read(end, 1, "one token at a time")
    reader.read(35, 5, "a block")
    reader.back_to(32)
    reader.misread(3)
    reader.read(36, 4, "a block after a rewind")
    reader.misread(1)
    reader.read(37, 1, "one token after a rewind")
    reader.back_to(15)
    reader.read(TOKENS, TOKENS - 15, "a block after a rewind into the prompt")
    reader.back_to(0)
    reader.read(1, 1, "a single token first")
    reader.read(7, 6, "a block after a single token")
    return reader


@dataclass(frozen=True)
class Outcome:
    """What became of one kind of model.

    Attributes:
        name: The class, or the kind where there is no model.
        way: How it is read, or ``refused``.
        why: The reason, where it is not read with a KV cache or not at all.
        error: The greatest difference of a log-probability from plain forward passes.
        tolerated: The greatest that rounding explains.
        where: Which way of reading had the greatest difference.
        captured: Whether steps are captured on CUDA: ``yes``, or why not; empty if refused.
    """

    name: str
    way: str
    why: str = ""
    error: float = 0.0
    tolerated: float = _TOLERANCE
    where: str = ""
    captured: str = ""


REFUSED = "refused"
YES = "yes"


def try_kind(kind: str, folder: Path) -> Outcome:
    """Save a tiny model of ``kind``, load it as the program does, and read with it."""
    config = tiny_configuration(kind, tiny.VOCABULARY)
    model = _save(config, folder)
    name = type(model).__name__ if model else kind
    spec = tiny.spec(folder)
    recipe = Recipe(name="tiny", base=spec, pairs=(ExpertPair("Same", spec, spec, 1.0),))
    try:
        opened = open_recipe(recipe)
        preflight(opened, "the king")
        return _read(opened, name)
    except TuneshiftError as error:
        return Outcome(name, REFUSED, f"{error.cause.replace(str(folder), 'it')}: {error.evidence}")


def _save(config: PretrainedConfig, folder: Path) -> PreTrainedModel | None:
    """Write a checkpoint; None where transformers cannot make a model of its own configuration."""
    folder.mkdir()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=tiny.make_tokenizer(), eos_token=tiny.EOS)
    tokenizer.save_pretrained(folder)
    model = make_model(config)
    if model is None:
        config.save_pretrained(folder)
        save_file({"nothing": torch.zeros(1)}, folder / "model.safetensors")
        return None
    model.save_pretrained(folder)
    config.save_pretrained(folder)  # also what belongs to other parts than the text model
    return model


def make_model(config: PretrainedConfig) -> PreTrainedModel | None:
    """A model with random weights; None where transformers makes none of its own configuration."""
    torch.manual_seed(3)
    try:
        model: PreTrainedModel = AutoModelForCausalLM.from_config(config).eval()
    except Exception:
        return None
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.normal_(0, 0.25)
            elif parameter.ndim > 2:
                parameter.mul_(4)
    return model


def _read(opened: OpenedRecipe, name: str) -> Outcome:
    loaded = load_recipe(opened, ())
    model = loaded.ensemble.models[0]
    assert isinstance(model, TransformersLanguageModel)
    with torch.inference_mode():
        plain = AutoModelForCausalLM.from_pretrained(
            opened.roles[0].files.folder, dtype=torch.float32, local_files_only=True
        ).eval()
        expected = plain_rows(plain, TEXT)
        tolerated = tolerance(plain, TEXT, expected)
        reader = read_in_every_way(model, TEXT, expected)
        captured_on_cuda = captured(plain)
        if captured_on_cuda == YES:
            # What CUDA would capture, run uncaptured.
            steps = GraphedLanguageModel(plain, capture=uncaptured)
            replayed = read_in_every_way(steps, TEXT, expected)
            if not replayed.worst <= reader.worst:
                replayed.where = f"captured steps: {replayed.where}"
                reader = replayed
    way, why = _way_of(model)
    return Outcome(name, way, why, reader.worst, tolerated, reader.where, captured_on_cuda)


def captured(model: PreTrainedModel) -> str:
    """Whether steps of ``model`` are captured on CUDA in bfloat16: ``yes``, or why not."""
    if type(make_language_model(model)) is not TransformersLanguageModel:
        return "no"
    reason = why_not_captured(model)
    return f"no: {reason}" if reason else YES


def _way_of(model: TransformersLanguageModel) -> tuple[str, str]:
    if isinstance(model, UncachedLanguageModel):
        return "no cache", why_not_cached(model.model)
    if isinstance(model, RescaledLanguageModel):
        return "KV cache", "recomputed where its rotary factors change"
    if continues_by_single_tokens(model.model):
        return (
            "state, one token at a time",
            "later blocks would start from an empty state",
        )
    return ("state", "") if has_recurrent_state(model.model) else ("KV cache", "")
