"""Words for the prompt format of a new recipe."""

from __future__ import annotations

from app.checkpoints.conversation import USER, Conversation, Message
from app.checkpoints.plain_conversation import conversation_text
from app.checkpoints.spec import CheckpointSpec
from app.ui.state.models.recipe_assistant import RecipeAssistant
from app.ui.translation import translate
from app.wording import visible


def about_prompts(assistant: RecipeAssistant) -> str:
    """Which of the chosen models read a conversation in which form; empty without an expert."""
    templates = assistant.chat_templates()
    if assistant.expert is None:
        return ""
    plain = [model.title for model, has in templates if not (has and assistant.chat)]
    if not plain:
        return translate("NewRecipe", "Every model reads a conversation in its own chat template.")
    if not assistant.can_chat:
        text = translate(
            "NewRecipe", "No model has a chat template. A conversation is read as plain text: {0}"
        )
        return text.format(_example())
    if not assistant.chat:
        text = translate(
            "NewRecipe",
            "The chat templates are not used. A conversation is read as plain text: {0}",
        )
        return text.format(_example())
    text = translate(
        "NewRecipe", "{1}: no chat template, so a conversation is read as plain text, {0}"
    )
    names = ", ".join(dict.fromkeys(plain))
    return text.format(_example(), names)


def _example() -> str:
    """A conversation in the plain form, on a line of its own."""
    said = Conversation((Message(USER, translate("NewRecipe", "Hello!")),))
    return f"\n“{visible(conversation_text(said, CheckpointSpec('builtin:demo/base')))}”"
