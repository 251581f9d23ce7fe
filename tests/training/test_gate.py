"""The gate against plain forward passes in float64, and its verdict on shuffled answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from app.checkpoints.conversation import Conversation, Message
from app.checkpoints.spec import CHAT
from app.training.data.documents import Document, Passage
from app.training.data.split import Split, split_documents
from app.training.judging.verdict import Outcome, Verdict, outcome_of, verdict_of
from app.training.judging.verdict_text import sentence
from app.training.messages.training_events import Judged, Judging
from app.training.plan.training_plan import ALPHAS, TrainingPlan
from app.training.process.expert_run import run_training
from app.training.process.training_folder import TrainingFolder
from tests import tiny
from tests.training.conftest import Recorder, answers, started

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning"),  # in PEFT
]


def verdict_on(folder: TrainingFolder) -> Verdict:
    recorder = Recorder()
    run_training(folder, recorder)
    judging = [event for event in recorder.events if isinstance(event, Judging)]
    assert [event.done for event in judging] == list(range(1, judging[-1].total + 1))
    assert {event.total for event in judging} == {len(judging)}
    (judged,) = recorder.of(Judged)
    assert isinstance(judged, Judged)
    return verdict_of(judged.verdict)


class Oracle:
    """The three models in float64, read one text at a time without a cache."""

    def __init__(self, llama: tiny.Family, adapter: Path) -> None:
        def load(folder: Path) -> torch.nn.Module:
            return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64).eval()

        self.base, self.small = load(llama.base), load(llama.antiexpert)
        self.expert = PeftModel.from_pretrained(load(llama.antiexpert), adapter).double().eval()

    def bits(self, alpha: float | None, prompt: Sequence[int], text: Sequence[int]) -> float:
        """The bits of ``text`` after ``prompt``; of the expert alone if ``alpha`` is None."""
        ids = torch.tensor([[*prompt, *text]])
        with torch.no_grad():
            base, expert, small = (
                model(input_ids=ids).logits[0] for model in (self.base, self.expert, self.small)
            )
        logits = expert if alpha is None else base + alpha * (expert - small)
        logprobs = logits.log_softmax(-1)
        places = range(len(prompt) - 1, len(prompt) + len(text) - 1)
        return -sum(
            float(logprobs[place, token]) for place, token in zip(places, text, strict=True)
        ) / math.log(2)


def test_bits_per_byte_are_those_of_plain_forward_passes(
    trained: tuple[TrainingFolder, Recorder], split: Split, llama: tiny.Family
) -> None:
    folder, recorder = trained
    verdict = verdict_of(recorder.of(Judged)[0].verdict)
    oracle = Oracle(llama, folder.adapter)
    tokenizer = AutoTokenizer.from_pretrained(llama.base)
    scores = {(each.variant, each.alpha): each for each in verdict.bits.scores}
    assert [key for key in scores if key[0] == "tuned"] == [("tuned", a) for a in ALPHAS]
    for (variant, alpha), found in scores.items():
        weight = {"base": 0.0, "expert": None}.get(variant, alpha)
        for half, score in ((split.choosing, found.choosing), (split.judging, found.judging)):
            texts = [document.passages[0].text for document in half]
            bits = [
                oracle.bits(weight, [0], tokenizer(text, add_special_tokens=False)["input_ids"])
                for text in texts
            ]
            expected = sum(bits) / sum(len(text.encode()) for text in texts)
            assert score == pytest.approx(expected, rel=1e-4), (variant, alpha)
    best = min((s for s in verdict.bits.scores if s.alpha), key=lambda s: s.choosing)
    assert verdict.alpha == best.alpha
    gain = scores["base", None].judging - best.judging
    assert verdict.bits.gain.value == pytest.approx(gain, rel=1e-6)
    assert verdict.outcome is Outcome.SMALL_ALONE  # the weights of the base are random


def test_answers_help_and_shuffled_answers_do_not(plan: TrainingPlan, tmp_path: Path) -> None:
    same = replace(plan, base=plan.small, match=r"\w+")
    found = {
        shuffled: verdict_on(
            started(
                tmp_path / str(shuffled),
                same,
                split_documents(answers(shuffled)),
            )
        )
        for shuffled in (False, True)
    }
    assert found[False].outcome is Outcome.HELPS
    shuffled = found[True]
    assert shuffled.outcome is Outcome.NO_HELP  # by the answers' matches, which decide
    assert shuffled.own_prompt is not None
    # By bits per byte alone, the form of the answers is a gain, but not that they fit.
    assert shuffled.bits.gain.is_above_zero
    assert outcome_of(shuffled.bits, shuffled.own_prompt) is Outcome.FORM_ONLY
    assert sentence(shuffled).startswith("It does not help")


def test_messages_are_judged_in_the_chat_template(
    plan: TrainingPlan, llama: tiny.Family, tmp_path: Path
) -> None:
    small = tiny.with_chat_template(llama.antiexpert, tmp_path / "small")
    base = tiny.with_chat_template(llama.base, tmp_path / "base")
    documents = [
        Document(
            document.name,
            (
                Passage(
                    passage.text.strip(),
                    Conversation(
                        (Message("system", "thou art"), Message("user", str(passage.prompt)))
                    ),
                ),
            ),
        )
        for document in answers(count=30)
        for passage in document.passages
    ]
    split = split_documents(documents)
    assert small.prompt == CHAT
    folder = started(tmp_path / "run", replace(plan, small=small, base=base), split, epochs=1)
    verdict = verdict_on(folder)
    oracle = Oracle(llama, folder.adapter)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "small")
    bits = size = 0.0
    for document in split.judging:
        passage = document.passages[0]
        prompt = f"[system]thou art\n[user]{passage.asked}\n[assistant]"
        ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        text = tokenizer(passage.text, add_special_tokens=False)["input_ids"]
        bits += oracle.bits(0.5, ids, text)
        size += len(passage.text.encode())
    tuned = next(each for each in verdict.bits.scores if each.alpha == 0.5)
    assert tuned.judging == pytest.approx(bits / size, rel=1e-4)


def test_texts_to_avoid_become_less_probable(
    plan: TrainingPlan, split: Split, tmp_path: Path
) -> None:
    folder = started(tmp_path / "run", replace(plan, negative=True), split)
    verdict = verdict_on(folder)
    assert verdict.outcome is Outcome.STEERS_AWAY
    assert verdict.alpha == 1.0
    base, *_, last = verdict.bits.scores
    assert last.judging > base.judging
    recipe = plan.recipe("x")
    negative = replace(plan, negative=True).recipe("x")
    assert negative.pairs[0].antiexpert == recipe.pairs[0].expert
