"""Detokenizing one token at a time, with exact spans and stop strings."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace

from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream

from app.decoding.types import FinishReason, TokenStep
from app.errors import Cancelled


class Detokenizer:
    """Incremental decoding that never splits a character.

    Args:
        tokenizer: The tokenizer of the base.
        prompt: Ids that the generated tokens follow; they decide whether a leading space is text.
    """

    def __init__(self, tokenizer: Tokenizer, prompt: Sequence[int] = ()) -> None:
        self._tokenizer = tokenizer
        self._stream = DecodeStream(ids=list(prompt), skip_special_tokens=False)
        self._partial: list[int] = []

    def push(self, token_id: int) -> str | None:
        """Add a token; the text that it completes, or None while a character is incomplete."""
        self._partial.append(token_id)
        text = self._step(token_id)
        if text is not None:
            self._partial.clear()
        return text

    def _step(self, token_id: int) -> str | None:
        try:
            text: str | None = self._stream.step(self._tokenizer, token_id)
        except Exception:
            # With byte fallback, an invalid byte changes the text of the bytes before it, which has
            # been output already: that text stays, and decoding starts again at this token.
            text = self._tokenizer.decode(self._partial, skip_special_tokens=False)
            self._stream = DecodeStream(ids=[token_id], skip_special_tokens=False)
        return text

    def flush(self) -> str:
        """The text of an incomplete character at the end, as U+FFFD."""
        left: str = self._tokenizer.decode(self._partial, skip_special_tokens=False)
        self._partial.clear()
        return left


class TextBuffer:
    """Adds the text to steps, and holds them back while a stop string or character is incomplete.

    Spans of the released steps cover the text exactly, in order; a token inside a character has an
    empty span, and the token that completes it has the whole character.
    """

    def __init__(self, detokenizer: Detokenizer, stop: Sequence[str] = ()) -> None:
        self._detokenizer = detokenizer
        self._stop = tuple(stop)
        self._longest_stop = max(map(len, stop), default=0)
        self._text = ""
        self._held: list[TokenStep] = []
        self.stopped = False

    def skip(self, token_ids: Iterable[int]) -> None:
        """Begin the text with tokens that were output before, without steps for them."""
        pieces = (self._detokenizer.push(token_id) for token_id in token_ids)
        self._text += "".join(piece or "" for piece in pieces)

    def push(self, step: TokenStep) -> Iterator[TokenStep]:
        """Add a step, set its ``text`` and ``start``, and yield the steps whose text is final."""
        piece = self._detokenizer.push(step.token_id)
        searched = max(0, len(self._text) - self._longest_stop + 1)
        self._held.append(replace(step, text=piece or "", start=len(self._text)))
        if piece is None:
            return
        self._text += piece
        found = [at for stop in self._stop if (at := self._text.find(stop, searched)) >= 0]
        if found:
            self.stopped = True
            yield from self._release_before(min(found))
        else:
            yield from self._release_settled()

    def flush(self) -> Iterator[TokenStep]:
        """Yield all remaining steps at the end of a run."""
        left = self._detokenizer.flush()
        if left and self._held:
            self._held[-1] = replace(self._held[-1], text=self._held[-1].text + left)
        yield from self._held
        self._held.clear()

    def _release_before(self, end: int) -> Iterator[TokenStep]:
        for step in self._held:
            if step.start < end:
                yield replace(step, text=step.text[: end - step.start])
        self._held.clear()

    def _release_settled(self) -> Iterator[TokenStep]:
        settled = len(self._text) - self._possible_stop()
        count = max(
            (n for n, step in enumerate(self._held, 1) if step.text and step.end <= settled),
            default=0,
        )
        yield from self._held[:count]
        del self._held[:count]

    def _possible_stop(self) -> int:
        """Length of the longest suffix of the text that is a prefix of a stop string."""
        for size in range(self._longest_stop - 1, 0, -1):
            if any(len(stop) > size and self._text.endswith(stop[:size]) for stop in self._stop):
                return size
        return 0


def with_text(
    steps: Iterable[TokenStep | None], text: TextBuffer
) -> Generator[TokenStep, None, FinishReason]:
    """Yield steps with their text until the run ends; what was sampled before an error, too.

    Args:
        steps: Steps without text; None stands for an end-of-sequence token.
        text: Holds the text before them.

    Returns:
        The finish reason; :attr:`FinishReason.LENGTH` if the steps come to their end.
    """
    reason = FinishReason.LENGTH
    try:
        for step in steps:
            if step is None:
                reason = FinishReason.EOS
                break
            yield from text.push(step)
            if text.stopped:
                return FinishReason.STOP
    except Cancelled:
        reason = FinishReason.CANCELLED
    except Exception:
        yield from text.flush()
        raise
    yield from text.flush()
    return reason
