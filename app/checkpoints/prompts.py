"""Encoding of prompts: from a text or a conversation to ids, in the prompt format of each role."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from transformers import PreTrainedTokenizerBase

from app.checkpoints.chat_template import encode_with_template
from app.checkpoints.context_length import role_context
from app.checkpoints.conversation import Conversation, Prompt, RawText, TokenIds, contents
from app.checkpoints.opening import OpenedRecipe, OpenedRole
from app.checkpoints.plain_conversation import conversation_text
from app.checkpoints.preflight_report import RolePrompt
from app.checkpoints.spec import CHAT, PERSONA_TEMPLATE, PLAIN, CheckpointSpec
from app.checkpoints.vocabulary.compare import token_labels
from app.checkpoints.vocabulary.text_encoding import encode_as_prompt
from app.errors import ContextLengthError, PromptError


def encode_prompt(
    tokenizer: PreTrainedTokenizerBase,
    spec: CheckpointSpec,
    prompt: Prompt,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[int]:
    """The ids of ``prompt`` in the role's prompt format.

    The system messages of a conversation replace the role's own system prompt. Raw texts and ids
    are read unchanged; only a persona's system prompt stands before them. ``cancelled`` is asked
    again and again while a chat template is rendered.

    Raises:
        PromptError: The prompt is empty, the model has no chat template or one that does not end,
            or the tokenizer does not have one of the ids.
        Cancelled: When ``cancelled`` says so.
    """
    if isinstance(prompt, TokenIds):
        unknown = [index for index in prompt.ids if index >= len(tokenizer)]
        if unknown:
            raise PromptError(
                f"The prompt holds an id that {spec.source} does not have",
                evidence=f"it is {unknown[0]:,}, and there are {len(tokenizer):,}",
                next_step="Use the tokenizer of the base.",
            )
        if spec.prompt != PERSONA_TEMPLATE and prompt.ids:
            return list(prompt.ids)
        prompt = RawText(tokenizer.backend_tokenizer.decode(list(prompt.ids)))
    if isinstance(prompt, RawText):
        persona = spec.prompt == PERSONA_TEMPLATE
        raw = spec if persona else replace(spec, prompt=PLAIN)
        return encode_prompt(tokenizer, raw, prompt.text, cancelled)
    if isinstance(prompt, Conversation):
        return _encode_conversation(tokenizer, spec, prompt, cancelled)
    if not prompt:
        raise _empty()
    check_characters(prompt)
    if spec.prompt == CHAT:
        return _encode_chat(tokenizer, spec, prompt, cancelled)
    text = prompt
    if spec.prompt != PLAIN:
        values = {"{system}": spec.system, "{prompt}": prompt}
        text = re.sub(r"\{system\}|\{prompt\}", lambda place: values[place[0]], spec.prompt)
    return encode_as_prompt(tokenizer.backend_tokenizer, text, tokenizer.bos_token_id)


def _encode_conversation(
    tokenizer: PreTrainedTokenizerBase,
    spec: CheckpointSpec,
    conversation: Conversation,
    cancelled: Callable[[], bool],
) -> list[int]:
    for text in conversation.texts():
        check_characters(text)
    if not contents(conversation).strip():
        raise _empty()
    if conversation.needs_tools:
        _check_tools(tokenizer, spec)
    if spec.prompt != CHAT:
        text = conversation_text(conversation, spec)
        return encode_as_prompt(tokenizer.backend_tokenizer, text, tokenizer.bos_token_id)
    messages = conversation.as_json()
    if spec.system and not conversation.system:
        messages.insert(0, {"role": "system", "content": spec.system})
    return encode_with_template(
        tokenizer,
        spec.source,
        messages,
        cancelled,
        continues=conversation.continues,
        tools=json.loads(conversation.tools) if conversation.tools else None,
    )


def _check_tools(tokenizer: PreTrainedTokenizerBase, spec: CheckpointSpec) -> None:
    """Check that a role can read tools.

    Raises:
        PromptError: It does not use a chat template, or one without tools.
    """
    if spec.prompt != CHAT or "tools" not in tool_template(tokenizer):
        raise PromptError(
            f"{spec.source} cannot read tools",
            evidence="its chat template has none" if spec.prompt == CHAT else "it uses no template",
            next_step="Leave the tools out, or choose a model and a prompt format with tools.",
        )


def tool_template(tokenizer: PreTrainedTokenizerBase) -> str:
    """The chat template that reads tools; an empty text if there is no template."""
    template = tokenizer.chat_template or ""
    if isinstance(template, dict):
        return str(template.get("tool_use") or template.get("default") or "")
    return str(template)


def _empty() -> PromptError:
    return PromptError("The prompt is empty", next_step="Type some text to continue.")


def encode_continuation(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """The ids of ``text`` in the middle of a text, without special tokens before or after.

    It is encoded after a line break, since some tokenizers put a space before every text.

    Raises:
        PromptError: The text has a lone surrogate.
    """
    check_characters(text)
    anchor = tokenizer("\n", add_special_tokens=False)["input_ids"]
    whole: list[int] = tokenizer(f"\n{text}", add_special_tokens=False, verbose=False)["input_ids"]
    if whole[: len(anchor)] == anchor:
        return whole[len(anchor) :]
    ids: list[int] = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    return ids


def _encode_chat(
    tokenizer: PreTrainedTokenizerBase,
    spec: CheckpointSpec,
    prompt: str,
    cancelled: Callable[[], bool],
) -> list[int]:
    messages = [{"role": "user", "content": prompt}]
    if spec.system:
        messages.insert(0, {"role": "system", "content": spec.system})
    return encode_with_template(tokenizer, spec.source, messages, cancelled)


def marks_of(tokenizer: PreTrainedTokenizerBase) -> tuple[str, ...]:
    """The chat template of a tokenizer, and its added tokens: texts that may have marks."""
    template = tokenizer.chat_template
    templates = template.values() if isinstance(template, dict) else (template,)
    return (*filter(None, templates), *tokenizer.get_added_vocab())


def preview_prompts(
    opened: OpenedRecipe, prompt: Prompt, cancelled: Callable[[], bool] = lambda: False
) -> tuple[RolePrompt, ...]:
    """The exact prompt of every role, as text and as tokens."""
    return tuple(_preview(role, prompt, opened.recipe.context, cancelled) for role in opened.roles)


def _preview(
    role: OpenedRole, prompt: Prompt, most: int, cancelled: Callable[[], bool]
) -> RolePrompt:
    tokenizer = role.tokenizer
    ids: list[int] = []
    context = role_context(role, most)
    problem = ""
    try:
        ids = encode_prompt(tokenizer, role.spec, prompt, cancelled)
        _check_fits(role, ids, context)
    except PromptError as error:
        problem = str(error)
    return RolePrompt(
        role=role.name,
        text=tokenizer.backend_tokenizer.decode(ids, skip_special_tokens=False),
        token_ids=tuple(ids),
        tokens=tuple(token_labels(tokenizer.backend_tokenizer, ids)),
        context=context,
        has_chat_template=bool(tokenizer.chat_template),
        problem=problem,
    )


def _check_fits(role: OpenedRole, ids: list[int], context: int | None) -> None:
    if context is not None and len(ids) >= context:
        raise ContextLengthError(
            f"The prompt is longer than the context of the {role.name}",
            evidence=f"{len(ids):,} tokens, the context is {context:,}",
            next_step="Shorten the prompt or choose a model with a longer context.",
        )
    check_rows(ids, role.config.get_text_config().vocab_size, role.name, role.tokenizer)


def check_rows(
    ids: Sequence[int], rows: int, name: str, tokenizer: PreTrainedTokenizerBase
) -> None:
    """Check that a model has an embedding row for every id of a prompt.

    A model lacks rows if tokens were added to its tokenizer alone.

    Args:
        ids: The ids of the prompt.
        rows: The number of rows of the model.
        name: The name of the model in the error.
        tokenizer: The tokenizer of the ids.

    Raises:
        PromptError: One of the ids is ``rows`` or more.
    """
    unknown = next((index for index in ids if index >= rows), None)
    if unknown is not None:
        raise PromptError(
            f"The prompt holds a token that the {name} cannot read",
            evidence=f"“{tokenizer.convert_ids_to_tokens(unknown)}” is id {unknown:,}, "
            f"the model has {rows:,}",
            next_step="Leave it out of the prompt or the template.",
        )


def check_characters(text: str) -> None:
    """Check that ``text`` has no lone surrogates, which no tokenizer can encode.

    Raises:
        PromptError: The text has a lone surrogate.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise PromptError(
            "The prompt holds half a character",
            evidence=f"U+{ord(text[error.start]):04X} at character {error.start + 1:,}",
            next_step="Leave it out, or give the prompt as UTF-8.",
        ) from error
