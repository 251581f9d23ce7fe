"""The messages before an answer, for the HTML report."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from app.attribution.explained_token import ExplainedToken
from app.checkpoints.conversation import Conversation, Message
from app.decoding.shown_text import show
from app.history.export.document import Document
from app.history.export.messages import AUTHORS
from app.history.export.token_tint import TokenTint


def messages_html(document: Document, tint: TokenTint) -> str:
    """The messages of the conversation, with the tints of earlier answers; empty for a text."""
    prompt = document.run.prompt
    if not isinstance(prompt, Conversation):
        return ""
    items = "\n".join(
        _message(item, document.earlier.get(place), tint)
        for place, item in enumerate(prompt.messages)
    )
    return f'<ol id="messages" aria-label="Messages">\n{items}\n</ol>\n'


def marked(text: str) -> str:
    """Escaped text with marks for invisible characters."""
    return "".join(
        escape(mark) if mark == exact else f'<span class="mark">{escape(mark)}</span>'
        for mark, exact in show(text)
    )


def _message(message: Message, tokens: Sequence[ExplainedToken] | None, tint: TokenTint) -> str:
    content = "".join(map(_token, tokens, tint.css(tokens))) if tokens else marked(message.content)
    return (
        f'<li class="{message.role}"><p class="muted small">{AUTHORS[message.role]}</p>'
        f'<div class="content" dir="auto">{content}</div></li>'
    )


def _token(token: ExplainedToken, tint: str) -> str:
    explained = token.attribution
    name = tint + (" flip" if explained.flipped else "")
    title = f"base {explained.p_base:.4f}, tuned {explained.p_tuned:.4f}"
    return f'<span class="{name.strip()}" title="{title}">{marked(token.text)}</span>'
