"""Held-out documents as the gate asks them, and a check before the training that it can."""

from __future__ import annotations

from collections.abc import Sequence

from app.checkpoints.context_length import role_context
from app.checkpoints.conversation import Conversation
from app.checkpoints.opening import OpenedRecipe, OpenedRole
from app.checkpoints.prompts import encode_continuation
from app.checkpoints.spec import CheckpointSpec
from app.errors import PromptError, TrainingError
from app.evaluation.encoding import encode_for_role, encode_text_after
from app.evaluation.metrics import Matching
from app.evaluation.requests import ConversationPrompt, Prompt
from app.training.adapter.example_encoding import as_read
from app.training.data.documents import Document, Passage
from app.training.data.split import Split


def prompt_of(passage: Passage) -> Prompt:
    """The prompt of a passage in an evaluation."""
    if isinstance(passage.prompt, Conversation):
        return ConversationPrompt(passage.asked, conversation=passage.prompt)
    return Prompt(passage.prompt)


def check_judged(split: Split, opened: OpenedRecipe, small: CheckpointSpec) -> None:
    """Encode the held-out documents for the base and the pair.

    Args:
        split: The documents.
        opened: The base with a pair of the small model.
        small: The small model with the prompt format of the examples.

    Raises:
        TrainingError: A document cannot be read, or an answer is longer than the context.
    """
    held_out = (*split.choosing, *split.judging)
    limits = (role_context(role, opened.recipe.context) for role in opened.roles)
    limit = min((limit for limit in limits if limit), default=None)
    sizes = [_longest(document, opened.roles[:2], small) for document in held_out]
    # A text without a prompt is read in windows, unless it is also asked after those of others.
    if limit is None or all(document.is_text for document in held_out):
        return
    long = [place for place, size in enumerate(sizes) if size > limit]
    if long:
        raise TrainingError(
            f"{held_out[long[0]].name} is too long to be judged",
            evidence=f"its text has {sizes[long[0]]:,} tokens, the context of the models is "
            f"{limit:,}; {len(long):,} of {len(held_out):,} held-out documents are too long",
            next_step="Shorten all documents that are so long, or take them out.",
        )


def count_without_match(split: Split, small: CheckpointSpec, pattern: str) -> int:
    """The number of held-out answers in which a regular expression finds nothing to compare.

    Raises:
        TrainingError: It finds nothing in a whole half, whose score would be 0 whatever is trained.
    """
    counts = []
    for half in (split.choosing, split.judging):
        texts = [as_read(passage, small).text for each in half for passage in each.passages]
        missing = [text for text in texts if Matching().found(text, pattern) is None]
        counts.append(len(missing))
        if len(missing) == len(texts):
            raise TrainingError(
                "The regular expression for answers finds nothing in the expected ones",
                evidence=f"“{pattern}” has no match in {missing[0][:60]!r}, nor in others",
                next_step="Change it so that it finds what is to be compared.",
            )
    return sum(counts)


def _longest(document: Document, roles: Sequence[OpenedRole], small: CheckpointSpec) -> int:
    try:
        return max(_tokens_of(as_read(passage, small), roles) for passage in document.passages)
    except PromptError as error:
        raise TrainingError(f"{document.name} cannot be judged", evidence=str(error)) from error


def _tokens_of(passage: Passage, roles: Sequence[OpenedRole]) -> int:
    """The base's tokens of the text of a passage, whose prompt every role can encode."""
    base, prompt = roles[0], prompt_of(passage)
    if not prompt.plain:
        return len(encode_continuation(base.tokenizer, passage.text))
    for role in roles:
        encode_for_role(role.tokenizer, role.spec, prompt)
    _, tokens = encode_text_after(base.tokenizer, base.spec, prompt, passage.text)
    return len(tokens)
