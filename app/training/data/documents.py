"""The documents that an expert is trained on. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from app.checkpoints.conversation import Conversation, RunPrompt, conversation_of, last_message

JsonItem = dict[str, object]


@dataclass(frozen=True, slots=True)
class Passage:
    """A text that is learned, after the prompt that it answers.

    Attributes:
        text: The text, whose tokens have a loss.
        prompt: What is read before it; an empty text if there is nothing.
        ends: Whether the text ends here, so that its end is learned too.
    """

    text: str
    prompt: RunPrompt = ""
    ends: bool = True

    @property
    def asked(self) -> str:
        """The prompt, or the last message of a conversation."""
        return last_message(self.prompt)


@dataclass(frozen=True, slots=True)
class Document:
    """Passages that belong together: they are all trained on, or all held out.

    Attributes:
        name: Where it comes from, such as ``letters.csv, line 12``.
        passages: The passages, at least one.
    """

    name: str
    passages: tuple[Passage, ...]

    @property
    def is_text(self) -> bool:
        """Whether nothing is read before its passages."""
        return not any(passage.prompt for passage in self.passages)

    @property
    def content(self) -> str:
        """All that is read of it: prompts and texts."""
        parts = (part for each in self.passages for part in (each.asked, each.text) if part)
        return "\n".join(parts)

    def as_json(self) -> JsonItem:
        """Plain data that :meth:`of_json` reads back."""
        passages = [
            {
                "text": passage.text,
                "prompt": passage.prompt.as_json()
                if isinstance(passage.prompt, Conversation)
                else passage.prompt,
                "ends": passage.ends,
            }
            for passage in self.passages
        ]
        return {"name": self.name, "passages": passages}

    @staticmethod
    def of_json(item: JsonItem) -> Document:
        """The document of :meth:`as_json`."""
        passages: list[dict[str, object]] = item["passages"]  # type: ignore[assignment]
        return Document(
            str(item["name"]),
            tuple(
                Passage(
                    str(each["text"]),
                    each["prompt"]
                    if isinstance(each["prompt"], str)
                    else conversation_of(each["prompt"]),
                    bool(each["ends"]),
                )
                for each in passages
            ),
        )
