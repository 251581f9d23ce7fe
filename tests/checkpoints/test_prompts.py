"""Prompts in their explicit formats, and the preview of what every role reads."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, processors
from transformers import LlamaConfig, PreTrainedTokenizerFast

from app.checkpoints.conversation import Conversation, Message, RawText, TokenIds
from app.checkpoints.opening import OpenedRecipe, open_recipe
from app.checkpoints.preflight_report import RolePrompt
from app.checkpoints.prompts import encode_continuation, encode_prompt, preview_prompts
from app.checkpoints.spec import PERSONA_TEMPLATE, CheckpointSpec
from app.decoding.detokenizer import Detokenizer
from app.errors import PromptError
from tests import tiny

CHAT_TEMPLATE = (
    "<s>{% for message in messages %}[{{ message.role }}]{{ message.content }}{% endfor %}"
    "{% if add_generation_prompt %}[me]{% endif %}"
)
BOS, EOS = "<s>", "</s>"


def tokenizer(
    single: str = f"{BOS} $A", chat_template: str | None = None
) -> PreTrainedTokenizerFast:
    """Like Llama's: beginning of sequence is put before every text, by the post-processor."""
    backend = tiny.make_tokenizer()
    backend.add_special_tokens([BOS, EOS])
    ids = [(token, backend.token_to_id(token)) for token in (BOS, EOS)]
    backend.post_processor = processors.TemplateProcessing(single=single, special_tokens=ids)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token=BOS, eos_token=EOS, chat_template=chat_template
    )


def spec(prompt: str = "plain", system: str = "") -> CheckpointSpec:
    return CheckpointSpec("folder:/m", prompt=prompt, system=system)


def read(backend: PreTrainedTokenizerFast, ids: list[int]) -> str:
    return cast(Tokenizer, backend.backend_tokenizer).decode(ids, skip_special_tokens=False)


@pytest.mark.parametrize(
    ("prompt", "system", "text"),
    [
        ("plain", "ignored", "<s>12?"),
        ("chat", "", "<s>[user]12?[me]"),
        ("chat", "Be brief.", "<s>[system]Be brief.[user]12?[me]"),
        ("Q: {prompt} A:", "", "<s>Q: 12? A:"),
        ("{system} Q: {prompt} A:", "Go", "<s>Go Q: 12? A:"),
        ("<s>[user]{prompt}", "", "<s>[user]12?"),
    ],
)
def test_every_format_has_one_beginning_of_sequence(prompt: str, system: str, text: str) -> None:
    llama = tokenizer(chat_template=CHAT_TEMPLATE)
    ids = encode_prompt(llama, spec(prompt, system), "12?")
    assert read(llama, ids) == text
    assert ids.count(llama.bos_token_id) == 1


def test_nothing_is_put_after_the_prompt() -> None:
    """A text that ends with end-of-sequence would not be continued."""
    ending = tokenizer(single=f"{BOS} $A {EOS}")
    ids = encode_prompt(ending, spec(), "the king")
    assert read(ending, ids) == "<s>the king"


def test_an_end_that_is_typed_is_kept() -> None:
    ending = tokenizer(single=f"{BOS} $A {EOS}")
    assert read(ending, encode_prompt(ending, spec(), "the</s>")) == "<s>the</s>"


@pytest.mark.slow
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_a_plain_prompt_is_read_exactly(text: str) -> None:
    plain = tokenizer(single="$A")
    assert read(plain, encode_prompt(plain, spec(), text)) == text


def test_placeholders_that_are_typed_stay() -> None:
    plain = tokenizer(single="$A")
    ids = encode_prompt(plain, spec("{system}|{prompt}", "{prompt}"), "{system} {prompt}")
    assert read(plain, ids) == "{prompt}|{system} {prompt}"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (None, "has no chat template"),
        ("{{ raise_exception('no system role') }}", "no system role"),
        ("{% if %}", "refuses this prompt"),
    ],
)
def test_a_chat_template_that_cannot_be_used_is_named(template: str | None, said: str) -> None:
    with pytest.raises(PromptError, match=said):
        encode_prompt(tokenizer(chat_template=template), spec("chat", "Be brief."), "12?")


def test_an_empty_prompt_is_refused() -> None:
    with pytest.raises(PromptError, match="The prompt is empty"):
        encode_prompt(tokenizer(), spec(), "")
    blank = Conversation((Message("user", " "),))
    for role in (spec(), spec("chat")):
        with pytest.raises(PromptError, match="The prompt is empty"):
            encode_prompt(tokenizer(chat_template=CHAT_TEMPLATE), role, blank)


def preview(
    role: CheckpointSpec,
    prompt: str,
    tokens: PreTrainedTokenizerFast,
    *,
    context: int = 0,
    rows: int = 400,
    positions: int = 64,
) -> RolePrompt:
    config = LlamaConfig(vocab_size=rows, max_position_embeddings=positions)
    opened = SimpleNamespace(
        roles=(SimpleNamespace(name="expert “A”", spec=role, tokenizer=tokens, config=config),),
        recipe=SimpleNamespace(context=context),
    )
    (shown,) = preview_prompts(cast(OpenedRecipe, opened), prompt)
    return shown


def test_a_preview_is_the_exact_prompt_as_text_and_tokens() -> None:
    llama = tokenizer(chat_template=CHAT_TEMPLATE)
    shown = preview(spec("chat"), "the 한", llama)
    assert shown.text == "<s>[user]the 한[me]"
    assert list(shown.token_ids) == encode_prompt(llama, spec("chat"), "the 한")
    assert shown.tokens[0] == "<s>"
    assert "⟨ED⟩" in shown.tokens  # the first byte of a character
    assert (shown.has_chat_template, shown.context, shown.problem) == (True, 64, "")


def test_a_prompt_that_cannot_be_encoded_is_a_problem_and_no_error() -> None:
    shown = preview(spec("chat"), "12?", tokenizer())
    assert (shown.text, shown.token_ids, shown.has_chat_template) == ("", (), False)
    assert "has no chat template" in shown.problem


@pytest.mark.parametrize(
    ("context", "positions", "limit"), [(0, 64, 64), (16, 64, 16), (128, 64, 64)]
)
def test_the_smaller_of_context_and_model_is_the_limit(
    context: int, positions: int, limit: int
) -> None:
    for length, fits in ((limit - 1, True), (limit, False)):
        prompt = "#" * (length - 1)  # after <s>, a token each
        shown = preview(spec(), prompt, tokenizer(), context=context, positions=positions)
        assert (len(shown.token_ids), shown.context) == (length, limit)
        assert (shown.problem == "") is fits
    assert "longer than the context of the expert “A”" in shown.problem
    assert f"{limit} tokens, the context is {limit}" in shown.problem


def test_a_token_that_the_model_has_no_row_for_is_a_problem() -> None:
    shown = preview(spec(), "the</s>", tokenizer(), rows=tiny.VOCABULARY + 1)
    assert "a token that the expert “A” cannot read (“</s>” is id 321" in shown.problem


def test_every_role_has_its_own_format(llama: tiny.Family) -> None:
    recipe = llama.recipe()
    pair = replace(recipe.pairs[0], expert=tiny.spec(llama.expert, prompt="Q: {prompt}"))
    shown = preview_prompts(open_recipe(replace(recipe, pairs=(pair,))), "12?")
    assert [role.text for role in shown] == ["12?", "Q: 12?", "12?"]
    assert [role.role for role in shown] == ["base", "expert “Style”", "anti-expert “Style”"]
    assert {role.context for role in shown} == {tiny.CONTEXT}


@pytest.mark.parametrize("text", ["king", " and the queen", "\n\n42", "한 🙂", "ﬁ "])
@pytest.mark.parametrize("metaspace", [False, True])
def test_a_continuation_is_read_as_it_is(text: str, metaspace: bool) -> None:
    backend = tiny.make_metaspace_tokenizer() if metaspace else tiny.make_tokenizer()
    fast = PreTrainedTokenizerFast(tokenizer_object=backend)
    prompt = fast("the king said", add_special_tokens=False)["input_ids"]
    ids = encode_continuation(fast, text)
    assert ids
    detokenizer = Detokenizer(backend, prompt)
    shown = "".join(detokenizer.push(token) or "" for token in ids) + detokenizer.flush()
    assert shown == text


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.append.__globals__ }}",
        "{{ cycler.__init__.__globals__.os.popen('true').read() }}",
        "{% include '/etc/hostname' %}",
        "{{ messages.clear() }}",
        "{% for a in range(1000000000) %}{% endfor %}",
    ],
)
def test_a_template_of_a_checkpoint_runs_no_code(template: str) -> None:
    """It comes with the files of a model, from wherever those come."""
    hostile = tokenizer(chat_template="never seen" + template)
    with pytest.raises(PromptError, match="refuses this prompt"):
        encode_prompt(hostile, spec("chat"), "12?")


@pytest.mark.parametrize(
    ("prompt", "before"),
    [("plain", ""), ("chat", ""), ("Q: {prompt}", ""), (PERSONA_TEMPLATE, "<s>Be brief.\n\n")],
)
def test_a_raw_prompt_stands_in_no_template(prompt: str, before: str) -> None:
    """Its sender has applied one; a persona is no template, and stands before it."""
    llama = tokenizer(chat_template=CHAT_TEMPLATE)
    ids = tuple(llama("the king", add_special_tokens=False)["input_ids"])
    role = spec(prompt, "Be brief.")
    found = encode_prompt(llama, role, TokenIds(ids))
    assert read(llama, found) == f"{before}the king"
    assert before or tuple(found) == ids
    raw = read(llama, encode_prompt(llama, role, RawText("the king")))
    assert raw == (f"{before}the king" if before else "<s>the king")
    written = RawText("<s>[user]12?[me]")
    assert before or read(llama, encode_prompt(llama, role, written)) == written.text


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("chat", "<s>[user]12?[assistant]It is"),
        ("plain", "<s>User:\n12?\n\nAssistant:\nIt is"),
        ("Q: {prompt}\nA:", "<s>Q: 12?\nA: It is"),
    ],
)
def test_the_beginning_of_an_answer_ends_the_prompt(prompt: str, text: str) -> None:
    llama = tokenizer(chat_template=CHAT_TEMPLATE)
    said = Conversation((Message("user", "12?"), Message("assistant", "It is")), continues=True)
    assert read(llama, encode_prompt(llama, spec(prompt), said)) == text


def test_ids_that_are_none_are_refused() -> None:
    llama = tokenizer()
    with pytest.raises(PromptError, match="holds an id"):
        encode_prompt(llama, spec(), TokenIds((4, len(llama))))
    with pytest.raises(PromptError, match="empty"):
        encode_prompt(llama, spec(), TokenIds(()))


@pytest.mark.parametrize("format_", ["plain", "chat", "Q: {prompt}"])
def test_half_a_character_is_refused_wherever_it_comes_from(format_: str) -> None:
    llama = tokenizer(chat_template=CHAT_TEMPLATE)
    half = "the \ud83d king"
    for prompt in (half, Conversation((Message("user", half),))):
        with pytest.raises(PromptError, match=r"half a character \(U\+D83D at character 5\)"):
            encode_prompt(llama, spec(format_), prompt)
    with pytest.raises(PromptError, match="half a character"):
        encode_continuation(llama, half)
