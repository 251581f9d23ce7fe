"""HTML of one question with the answer of every role; tuned answers are tinted by shift."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from PySide6.QtCore import QObject

from app.attribution.class_shifts import ShiftedToken
from app.attribution.tint_scale import Tint
from app.evaluation.store import Record
from app.evaluation.variants import Variant
from app.ui.evaluate.score_figures import view_title
from app.ui.state.runs.token_groups import Grouping
from app.ui.text.tint import scale_of
from app.ui.theme import current_theme

RIGHT, WRONG = "✓", "✗"
_FOUND = 24
"""Maximum number of characters of the extracted answer in a verdict."""


class QuestionHtml(QObject):
    """Writes a question, its expected answer and the roles' answers as HTML."""

    def page(self, answers: Sequence[tuple[Variant, Record]]) -> str:
        """HTML of the question of ``answers``, the expected answer and the answers."""
        first = answers[0][1]
        parts = [_section(self.tr("Question"), "", _escaped(str(first.get("prompt", ""))))]
        expected = first.get("expected") or []
        if expected:
            said = self.tr(" or ").join(map(str, expected))
            parts.append(_section(self.tr("Expected"), "", _escaped(said)))
        parts += [self._answer(view, record) for view, record in answers]
        return "".join(parts)

    def _answer(self, view: Variant, record: Record) -> str:
        outputs = list(record.get("output", ()))
        shifted = record.get("shifted") or [None] * len(outputs)
        texts = [
            _escaped(str(output)) if tokens is None else _tinted(tokens)
            for output, tokens in zip(outputs, shifted, strict=False)
        ]
        nothing = self.tr("(empty)")
        body = "<hr>".join(text or f"<i>{nothing}</i>" for text in texts)
        return _section(view_title(view), self.verdict(record), body)

    def verdict(self, record: Record) -> str:
        """Whether an answer is right or wrong, or its score if it is neither."""
        if "tokens" in record:  # a given text that was scored
            size = float(record["size"]) or math.nan
            return self.tr("{0} bits per byte").format(f"{float(record['value']) / size:.3f}")
        value = float(record["value"])
        samples = len(record.get("output", ()))
        mark = RIGHT if value == 1 else WRONG if value == 0 else f"{value:.2f}"
        found = record.get("found")
        if samples > 1:
            return self.tr("{0} of {1} answers").format(f"{value:.0%}", samples)
        if found:
            said = _shortened(found[0]) if found[0] is not None else self.tr("no answer found")
            return self.tr("{0} {1}").format(mark, said)
        return mark


def _shortened(text: str) -> str:
    return text if len(text) <= _FOUND else f"{text[: _FOUND - 1]}…"


def mark_of(record: Record | None) -> str:
    """The mark of an answer in the table of questions."""
    if record is None:
        return ""
    if "tokens" in record:
        size = float(record["size"]) or math.nan
        return f"{float(record['value']) / size:.3f}"
    value = float(record["value"])
    return RIGHT if value == 1 else WRONG if value == 0 else f"{value:.2f}"


def _section(title: str, verdict: str, body: str) -> str:
    theme = current_theme()
    color = theme.more if verdict.startswith(RIGHT) else theme.danger
    color = color if verdict.startswith((RIGHT, WRONG)) else theme.muted
    return (
        f'<p style="margin-top:10px; margin-bottom:2px"><b>{_escaped(title)}</b> '
        f'<span style="color:{color}">{_escaped(verdict)}</span></p>'
        f'<p style="margin-top:0; white-space:pre-wrap">{body}</p>'
    )


def _tinted(tokens: Sequence[ShiftedToken]) -> str:
    scale = scale_of(Tint(), Grouping.TOKEN, current_theme())
    pieces = []
    for text, base, tuned in tokens:
        bits = math.log2(tuned / base) if base > 0 and tuned > 0 else math.inf
        color = scale.color(bits).name()
        about = f"{base:.3f} → {tuned:.3f}"
        pieces.append(
            f'<span style="background-color:{color}" title="{about}">{_escaped(text)}</span>'
        )
    return "".join(pieces)


def _escaped(text: str) -> str:
    return html.escape(text, quote=False).replace("\n", "<br>")
