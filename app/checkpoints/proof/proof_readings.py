"""The readings of a proof: one function for each way in which the program reads a text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from app.checkpoints.proof.proof_report import Reading
from app.decoding.batch_model import BatchingModel, batch_model
from app.decoding.capturing import CaptureError
from app.decoding.fused_step import make_fused_steps
from app.decoding.graphs import GraphedLanguageModel
from app.decoding.language_model import LanguageModel, TransformersLanguageModel
from app.decoding.sampling_inputs import SamplingInputs
from app.decoding.types import GenerationConfig
from app.errors import ModelError

Rows = Iterator[tuple[int, Tensor]]
"""Logits of consecutive positions, [k, V], each with the index of the first position."""
Read = Callable[[LanguageModel, Tensor], Rows]
"""Reads a text, [n], with a model whose cache is empty; yields nothing if it is not supported."""


def one_token_at_a_time(model: LanguageModel, text: Tensor) -> Rows:
    """Prefill of a prompt, then single tokens, as in plain decoding."""
    prompt = len(text) - 6
    yield prompt - 1, model.extend(text[:prompt])
    for position in range(prompt, len(text)):
        yield position, model.extend(text[position : position + 1])


def prompt_in_chunks(model: LanguageModel, text: Tensor) -> Rows:
    """Prefill in three chunks: a short one, one that is longer than any block, a short one."""
    start = 0
    for chunk in text.split((2, len(text) - 6, 4)):
        yield start, model.extend(chunk, len(chunk))
        start += len(chunk)


def in_blocks(model: LanguageModel, text: Tensor) -> Rows:
    """Prefill of a prompt, then blocks, as in the verification of drafts."""
    start = len(text) - 10
    model.extend(text[:start])
    for block in text[start:].split((5, 3, 2)):
        yield start, model.extend(block, len(block))
        start += len(block)


def after_a_rewind(model: LanguageModel, text: Tensor) -> Rows:
    """Reading on after a rewind: past rejected drafts, and as for a branch from the middle."""
    prompt, rejected = len(text) - 8, text.flip(0)
    model.extend(text[:prompt])
    if not model.can_rewind:
        return
    model.extend(rejected[:4], 4)
    model.rewind(prompt)
    yield prompt, model.extend(text[prompt : prompt + 3], 3)
    model.extend(rejected[:2], 2)
    model.rewind(prompt + 3)
    yield prompt + 3, model.extend(text[prompt + 3 : prompt + 4])
    try:
        model.rewind(prompt // 2)
    except (
        ModelError
    ):  # the cache of a convolution rewinds once; the program then reads it all again
        return
    model.extend(text[prompt // 2 : prompt])
    yield prompt, model.extend(text[prompt:], len(text) - prompt)


def in_a_batch(model: LanguageModel, text: Tensor) -> Rows:
    """Two prompts of different lengths, a block after both, and a token after one of them alone."""
    if not isinstance(model, TransformersLanguageModel | BatchingModel):
        return
    lengths = len(text) - 4, len(text) // 2
    batch = batch_model(model)
    prompts = [text[:length].tolist() for length in lengths]
    rows = batch.prefill(prompts, lambda: False)
    for length, row in zip(lengths, rows, strict=True):
        yield length - 1, row[None]
    following = torch.stack([text[length : length + 2] for length in lengths])
    for length, block in zip(lengths, batch.extend(following), strict=True):
        yield length, block
    batch.keep(torch.tensor([1]))
    position = lengths[1] + 2
    yield position, batch.extend(text[None, position : position + 1])[0]


def in_a_captured_step(model: LanguageModel, text: Tensor) -> Rows:
    """A token and a block, each read and sampled from in one captured step (CUDA)."""
    steps = make_fused_steps([model], (), model.vocabulary_size, None)
    if steps is None or not isinstance(model, GraphedLanguageModel):
        return
    start = len(text) - 6
    model.extend(text[:start])
    for block in text[start:].split((1, 5)):
        inputs = SamplingInputs(0, GenerationConfig(temperature=0.0), (), text[: start + 1].numpy())
        try:
            rows, _ = steps.read(block.tolist(), {}, inputs)
        except CaptureError:  # the program then decodes without captured steps
            return
        model.length += len(block)
        yield start, rows[0]
        start += len(block)


READINGS: Mapping[Reading, Read] = {
    Reading.TOKENS: one_token_at_a_time,
    Reading.CHUNKS: prompt_in_chunks,
    Reading.REWOUND: after_a_rewind,
    Reading.BLOCKS: in_blocks,
    Reading.BATCH: in_a_batch,
    Reading.STEP: in_a_captured_step,
}
"""The most important reading first; the last ones are skipped when time is up."""
