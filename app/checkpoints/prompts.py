"""From what a person types to the ids that each role reads, in an explicit format."""

from __future__ import annotations

import re
from typing import Any

from transformers import PreTrainedTokenizerBase

from app.checkpoints.opening import OpenedRecipe, OpenedRole
from app.checkpoints.report import RolePrompt
from app.checkpoints.spec import CHAT, PLAIN, CheckpointSpec
from app.errors import PromptError


def encode_prompt(
    tokenizer: PreTrainedTokenizerBase, spec: CheckpointSpec, prompt: str
) -> list[int]:
    """The ids of ``prompt`` in the role's prompt format.

    Raises:
        PromptError: When the prompt is empty or the model has no chat template to use.
    """
    if not prompt:
        raise PromptError("The prompt is empty", next_step="Type some text to continue.")
    if spec.prompt == CHAT:
        return _encode_chat(tokenizer, spec, prompt)
    text = prompt
    if spec.prompt != PLAIN:
        values = {"{system}": spec.system, "{prompt}": prompt}
        text = re.sub(r"\{system\}|\{prompt\}", lambda place: values[place[0]], spec.prompt)
    ids: list[int] = tokenizer(text, verbose=False)["input_ids"]
    return ids


def _encode_chat(
    tokenizer: PreTrainedTokenizerBase, spec: CheckpointSpec, prompt: str
) -> list[int]:
    if not tokenizer.chat_template:
        raise PromptError(
            f"The model {spec.source} has no chat template",
            next_step="Set its prompt format to plain or to a template of your own.",
        )
    messages = [{"role": "user", "content": prompt}]
    if spec.system:
        messages.insert(0, {"role": "system", "content": spec.system})
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
    return tuple(_preview(role, prompt) for role in opened.roles)


def _preview(role: OpenedRole, prompt: str) -> RolePrompt:
    tokenizer = role.tokenizer
    ids: list[int] = []
    problem = ""
    try:
        ids = encode_prompt(tokenizer, role.spec, prompt)
    except PromptError as error:
        problem = str(error)
    return RolePrompt(
        role=role.name,
        text=str(tokenizer.decode(ids)),
        token_ids=tuple(ids),
        tokens=tuple(str(tokenizer.decode([index])) for index in ids),
        context=getattr(role.config.get_text_config(), "max_position_embeddings", None),
        has_chat_template=bool(tokenizer.chat_template),
        problem=problem,
    )
