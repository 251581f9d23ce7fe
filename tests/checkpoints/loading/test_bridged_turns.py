"""A chat with a pair of another vocabulary ends its turn as the pair ends its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, logsumexp
from tokenizers import AddedToken, Tokenizer
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerFast

from app.checkpoints.conversation import conversation_of
from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.loading.loader import load_recipe
from app.checkpoints.opening import open_recipe
from app.checkpoints.preflight import preflight
from app.checkpoints.spec import CHAT, CheckpointSpec, ExpertPair, Recipe
from app.decoding.decode import decode
from app.decoding.types import FinishReason, GenerationConfig, TokenStep
from tests import tiny
from tests.decoding.bridge.two_vocabularies import END, tokenizer

pytestmark = pytest.mark.slow
BASE_TURN, PAIR_TURN = "<turn|>", "<|im_end|>"
EOS = "<|endoftext|>"
CONVERSATION = conversation_of([{"role": "user", "content": "the king"}])
LONGEST = 40
ALPHA = 2.0


def template(turn: str) -> str:
    return (
        "{% for message in messages %}"
        f"[{{{{ message.role }}}}]{{{{ message.content }}}}{turn}\n"
        "{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"
    )


def save(model: PreTrainedModel, folder: Path, made: Tokenizer, ends: Sequence[str]) -> Path:
    """A checkpoint with a template of its own; the last of ``ends`` ends a turn."""
    ids = [made.token_to_id(each) for each in ends]
    model.config.eos_token_id = model.generation_config.eos_token_id = ids
    model.generation_config.pad_token_id = None
    model.save_pretrained(folder)
    saved = PreTrainedTokenizerFast(tokenizer_object=made, eos_token=ends[0])
    saved.chat_template = template(ends[-1])
    saved.save_pretrained(folder)
    return folder


def with_turn(made: Tokenizer, turn: str) -> Tokenizer:
    copy = Tokenizer.from_str(made.to_str())
    copy.add_special_tokens([AddedToken(turn, special=True)])
    return copy


BASE, PAIR = with_turn(tiny.make_tokenizer(), BASE_TURN), with_turn(tokenizer(300, 2), PAIR_TURN)


def model_of(seed: int, made: Tokenizer, rows: dict[str, tuple[float, float]]) -> PreTrainedModel:
    """A random model whose logits of some tokens have a constant.

    Args:
        rows: By token, what its row of the output layer is multiplied with, and what is added to
            the first column: the first hidden value is a positive constant before the last norm.
    """
    model = tiny.make_model("llama", seed, made.get_vocab_size())
    with torch.no_grad():
        model.model.embed_tokens.weight[:, 0] = 1.0
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight[0] = 0.0
            layer.mlp.down_proj.weight[0] = 0.0
        for token, (factor, constant) in rows.items():
            row = model.lm_head.weight[made.token_to_id(token)]
            row.mul_(factor)
            row[0] = constant
    return model


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A base that ends a turn seldom, and a text never, and an expert that likes to end turns."""
    root = tmp_path_factory.mktemp("turns")
    base = model_of(1, BASE, {EOS: (0.0, -100.0), BASE_TURN: (0.0, 0.0)})
    expert = model_of(5, PAIR, {END: (0.0, -30.0), PAIR_TURN: (12.0, 0.0)})
    antiexpert = model_of(5, PAIR, {END: (0.0, -30.0), PAIR_TURN: (0.0, 0.0)})
    return [
        save(base, root / "base", BASE, (EOS, BASE_TURN)),
        save(expert, root / "expert", PAIR, (END, PAIR_TURN)),
        save(antiexpert, root / "antiexpert", PAIR, (END, PAIR_TURN)),
    ]


@pytest.fixture(scope="module")
def loaded(folders: list[Path]) -> LoadedRecipe:
    base, expert, antiexpert = (
        CheckpointSpec(f"folder:{folder}", dtype="float32", prompt=CHAT) for folder in folders
    )
    opened = open_recipe(Recipe("turns", base, (ExpertPair("A", expert, antiexpert),)))
    report = preflight(opened).vocabulary
    return load_recipe(opened, report.masked_ids, bridged=report.bridged)


def answer(loaded: LoadedRecipe, alpha: float) -> tuple[list[TokenStep], FinishReason]:
    """A greedy answer to the conversation, and why it ended."""
    found = []
    with torch.inference_mode():
        prompts = loaded.encode(CONVERSATION)
        config = GenerationConfig(max_new_tokens=LONGEST, temperature=0.0)
        steps = decode(
            loaded.ensemble,
            prompts,
            config,
            detokenizer=loaded.detokenizer(prompts[0]),
            eos_ids=loaded.eos_ids,
            alphas=lambda: (alpha,),
        )
        while True:
            try:
                found.append(next(steps))
            except StopIteration as end:
                return found, end.value


def test_the_turn_ends_as_the_pair_ends_its_own(loaded: LoadedRecipe) -> None:
    assert loaded.eos_ids == {BASE.token_to_id(each) for each in (EOS, BASE_TURN)}
    alone, reason = answer(loaded, 0.0)
    assert (len(alone), reason) == (LONGEST, FinishReason.LENGTH)
    tuned, reason = answer(loaded, ALPHA)
    assert reason is FinishReason.EOS
    assert 1 <= len(tuned) < LONGEST


def test_each_end_of_the_base_has_the_difference_of_the_ends_of_the_pair(
    loaded: LoadedRecipe, folders: list[Path]
) -> None:
    ends = [BASE.token_to_id(each) for each in (EOS, BASE_TURN)]
    steps, _ = answer(loaded, ALPHA)
    prompt = f"[user]the king{PAIR_TURN}\n[assistant]"
    ids = torch.tensor([PAIR.encode(prompt).ids])
    assert ids[0].tolist().count(PAIR.token_to_id(PAIR_TURN)) == 1
    own = [PAIR.token_to_id(each) for each in (END, PAIR_TURN)]
    logarithms = []
    for folder in folders[1:]:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        with torch.inference_mode():
            row = log_softmax(model(ids).logits[0, -1].numpy())
        logarithms.append(logsumexp(row[own]))
    expected = logarithms[0] - logarithms[1]
    for place, step in enumerate(steps):
        kept = step.kept_logits
        difference = (kept.experts[0] - kept.antiexperts[0])[ends]
        assert np.ptp(difference) < 1e-4
        if place == 0:
            assert difference == pytest.approx(expected, abs=1e-3)
