"""Prompts: from a text or a conversation to the ids that each role reads, in its own format."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from transformers import PreTrainedTokenizerBase

from app.checkpoints.context_length import role_context
from app.checkpoints.conversation import Conversation, Prompt, TokenIds
from app.checkpoints.opening import OpenedRecipe, OpenedRole
from app.checkpoints.preflight_report import RolePrompt
from app.checkpoints.spec import CHAT, PERSONA_TEMPLATE, PLAIN, CheckpointSpec
from app.checkpoints.vocabulary.compare import token_labels
from app.checkpoints.vocabulary.text_encoding import encode_as_prompt
from app.errors import ContextLengthError, PromptError


def encode_prompt(
    tokenizer: PreTrainedTokenizerBase, spec: CheckpointSpec, prompt: Prompt
) -> list[int]:
    """The ids of ``prompt`` in the role's prompt format.

    What the system says in a conversation takes the place of the role's own system prompt. Ids are
    read as they are where the format is plain, and otherwise as the text that they stand for.

    Raises:
        PromptError: When the prompt is empty or the model has no chat template to use, or an id is
            none of the tokenizer's.
    """
    if isinstance(prompt, TokenIds):
        unknown = [index for index in prompt.ids if index >= len(tokenizer)]
        if unknown:
            raise PromptError(
                f"The prompt holds an id that {spec.source} does not have",
                evidence=f"it is {unknown[0]:,}, and there are {len(tokenizer):,}",
                next_step="Use the tokenizer of the base.",
            )
        if spec.prompt == PLAIN and prompt.ids:
            return list(prompt.ids)
        text = tokenizer.backend_tokenizer.decode(list(prompt.ids))
        return encode_prompt(tokenizer, spec, text)
    if isinstance(prompt, Conversation):
        return _encode_conversation(tokenizer, spec, prompt)
    if not prompt:
        raise PromptError("The prompt is empty", next_step="Type some text to continue.")
    check_characters(prompt)
    if spec.prompt == CHAT:
        return _encode_chat(tokenizer, spec, prompt)
    text = prompt
    if spec.prompt != PLAIN:
        values = {"{system}": spec.system, "{prompt}": prompt}
        text = re.sub(r"\{system\}|\{prompt\}", lambda place: values[place[0]], spec.prompt)
    return encode_as_prompt(tokenizer.backend_tokenizer, text, tokenizer.bos_token_id)


def _encode_conversation(
    tokenizer: PreTrainedTokenizerBase, spec: CheckpointSpec, conversation: Conversation
) -> list[int]:
    system = conversation.system
    check_characters("".join(item.content for item in conversation.messages))
    if spec.prompt != CHAT:
        template = PERSONA_TEMPLATE if system and spec.prompt == PLAIN else spec.prompt
        spec = replace(spec, prompt=template, system=system or spec.system)
        return encode_prompt(tokenizer, spec, conversation.text)
    messages = [{"role": item.role, "content": item.content} for item in conversation.messages]
    if spec.system and not system:
        messages.insert(0, {"role": "system", "content": spec.system})
    return _apply_template(tokenizer, spec, messages)


def encode_continuation(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """The ids of ``text`` in the middle of a text: nothing is put before it and nothing after.

    Tokenizers that put a space before every text are asked for what follows a line break.

    Raises:
        PromptError: There is half a character in the text.
    """
    check_characters(text)
    anchor = tokenizer("\n", add_special_tokens=False)["input_ids"]
    whole: list[int] = tokenizer(f"\n{text}", add_special_tokens=False, verbose=False)["input_ids"]
    if whole[: len(anchor)] == anchor:
        return whole[len(anchor) :]
    ids: list[int] = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    return ids


def _encode_chat(
    tokenizer: PreTrainedTokenizerBase, spec: CheckpointSpec, prompt: str
) -> list[int]:
    messages = [{"role": "user", "content": prompt}]
    if spec.system:
        messages.insert(0, {"role": "system", "content": spec.system})
    return _apply_template(tokenizer, spec, messages)


def _apply_template(
    tokenizer: PreTrainedTokenizerBase, spec: CheckpointSpec, messages: list[dict[str, str]]
) -> list[int]:
    if not tokenizer.chat_template:
        raise PromptError(
            f"The model {spec.source} has no chat template",
            next_step="Set its prompt format to plain or to a template of your own.",
        )
    try:
        encoded: Any = tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, tokenize=True, return_dict=True
        )
    except Exception as error:  # a template raises what it likes, such as “no system prompts”
        raise PromptError(
            f"The chat template of {spec.source} refuses this prompt",
            evidence=str(error),
            next_step="Leave the system prompt empty, or set another prompt format.",
        ) from error
    return list(encoded["input_ids"])


def preview_prompts(opened: OpenedRecipe, prompt: str) -> tuple[RolePrompt, ...]:
    """The exact prompt of every role, as text and as tokens."""
    return tuple(_preview(role, prompt, opened.recipe.context) for role in opened.roles)


def _preview(role: OpenedRole, prompt: str, most: int) -> RolePrompt:
    tokenizer = role.tokenizer
    ids: list[int] = []
    context = role_context(role, most)
    problem = ""
    try:
        ids = encode_prompt(tokenizer, role.spec, prompt)
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
    """Refuse ids that a model has no row for, as where tokens were added to its tokenizer alone.

    Args:
        ids: What the model is to read.
        rows: How many ids it has.
        name: What to call the model.
        tokenizer: Which the ids are of.

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
    """Refuse halves of characters, which no tokenizer can read.

    Raises:
        PromptError: There is a lone surrogate in the text.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise PromptError(
            "The prompt holds half a character",
            evidence=f"U+{ord(text[error.start]):04X} at character {error.start + 1:,}",
            next_step="Leave it out, or give the prompt as UTF-8.",
        ) from error
