"""What the small model reads of a document, and what of it is learned."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from app.checkpoints.conversation import Conversation, Message
from app.checkpoints.spec import CHAT, PLAIN, CheckpointSpec
from app.training.adapter.example_encoding import (
    QUESTION_TEMPLATE,
    Example,
    encode_document,
    suitable_format,
)
from app.training.data.documents import Document, Passage
from tests import tiny

EOS_ID = 0
TALK = Conversation((Message("user", "How many?"),))


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    return PreTrainedTokenizerFast(tokenizer_object=tiny.make_tokenizer(), eos_token=tiny.EOS)


@pytest.fixture(scope="module")
def with_template() -> PreTrainedTokenizerBase:
    made = PreTrainedTokenizerFast(tokenizer_object=tiny.make_tokenizer(), eos_token=tiny.EOS)
    made.chat_template = tiny.CHAT_TEMPLATE
    return made


def encoded(
    tokenizer: PreTrainedTokenizerBase, passage: Passage, prompt: str = PLAIN, most: int = 400
) -> list[Example]:
    spec = CheckpointSpec("folder:x", prompt=prompt)
    return encode_document(tokenizer, spec, Document("d", (passage,)), most)


@given(text=st.text("the king 42é\n", min_size=1, max_size=120), most=st.integers(8, 40))
def test_windows_learn_every_token_of_a_text_once(
    tokenizer: PreTrainedTokenizerBase, text: str, most: int
) -> None:
    examples = encoded(tokenizer, Passage(text), most=most)
    learned = [token for example in examples for token in example.ids[example.first_learned :]]
    assert learned == [*tokenizer(text)["input_ids"], EOS_ID]
    assert all(len(example.ids) <= most for example in examples)
    assert examples[0].ids[0] == EOS_ID
    for before, after in pairwise(examples):
        assert after.ids[0] == before.ids[-1]


@pytest.mark.slow
@given(
    prompt=st.text("How many? 42", min_size=1, max_size=60),
    answer=st.text("the king", min_size=1, max_size=60),
    most=st.integers(8, 60),
)
def test_of_a_question_the_answer_is_learned(
    tokenizer: PreTrainedTokenizerBase, prompt: str, answer: str, most: int
) -> None:
    (example,) = encoded(tokenizer, Passage(answer, prompt), QUESTION_TEMPLATE, most)
    whole = [*tokenizer(f"{prompt}\n")["input_ids"], *tokenizer(answer)["input_ids"], EOS_ID]
    assert len(example.ids) <= most
    assert example.cut == (len(whole) > most)
    if not example.cut:
        assert list(example.ids) == whole
    learned = tokenizer.decode(example.ids[example.first_learned :])
    assert f"{answer}{tiny.EOS}".startswith(learned)
    assert 0 < example.first_learned < len(example.ids)


def test_messages_are_read_in_the_chat_template(with_template: PreTrainedTokenizerBase) -> None:
    (example,) = encoded(with_template, Passage("42.", TALK), CHAT)
    assert with_template.decode(example.ids[: example.first_learned]) == (
        "[user]How many?\n[assistant]"
    )
    assert with_template.decode(example.ids[example.first_learned :]) == f"42.{tiny.EOS}"


def test_spaces_at_the_end_of_a_plain_prompt_belong_to_the_answer(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    (example,) = encoded(tokenizer, Passage("king", "the "))
    (same,) = encoded(tokenizer, Passage(" king", "the"))
    assert example == same


def test_a_section_has_no_end_to_learn(tokenizer: PreTrainedTokenizerBase) -> None:
    (example,) = encoded(tokenizer, Passage("the king", ends=False))
    assert example.ids[-1] != EOS_ID


@pytest.mark.parametrize(
    ("passage", "plain", "chat"),
    [
        (Passage("a text"), PLAIN, PLAIN),
        (Passage("42", "How many?"), QUESTION_TEMPLATE, CHAT),
        (Passage(" 42", "How many?"), PLAIN, CHAT),
        (Passage("42", TALK), PLAIN, CHAT),
    ],
)
def test_the_format_suits_data_and_model(
    tokenizer: PreTrainedTokenizerBase,
    with_template: PreTrainedTokenizerBase,
    passage: Passage,
    plain: str,
    chat: str,
) -> None:
    documents = [Document("d", (passage,))]
    assert suitable_format(documents, tokenizer) == plain
    assert suitable_format(documents, with_template) == chat
