"""One text of several that are decoded side by side: its settings, its tokens and its end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from app.decoding.alpha_schedule import AlphaSchedule
from app.decoding.detokenizer import Detokenizer, TextBuffer
from app.decoding.row_reduction import RowReducer
from app.decoding.token_mask import TokenMask
from app.decoding.token_sampler import TokenSampler
from app.decoding.types import FinishReason, GenerationConfig, TokenStep


class DecodedText:
    """A text that is decoded beside others, as :func:`app.decoding.decode.decode` does alone.

    Args:
        prompts: The token ids of each model context's prompt, the base's first.
        config: Sampling settings and limits.
        detokenizer: A detokenizer of the base's tokenizer after the base's prompt.
        eos_ids: Any of these ids ends the text.
        alphas: Called once for each token.
        cancelled: Called before every prefill chunk and every token.
        on_step: Called with each step whose text is final, in order.
        reducer: Reduces rows on the device where they are.
        fresh: Read the prompts anew.
        mask: The tokens that the structure in ``config`` allows.
        schedule: Scales the alphas at each token; None where they are used as they are.

    Attributes:
        finish_reason: Why the text ended; None before, and after an error.
        error: The error that ended the text, or None.
        cached_tokens: Tokens of the base's prompt that had been read before.
    """

    def __init__(
        self,
        prompts: Sequence[Sequence[int]],
        config: GenerationConfig,
        *,
        detokenizer: Detokenizer,
        eos_ids: Collection[int],
        alphas: Callable[[], tuple[float, ...]],
        cancelled: Callable[[], bool] = lambda: False,
        on_step: Callable[[TokenStep], None],
        reducer: RowReducer | None = None,
        fresh: bool = False,
        mask: TokenMask | None = None,
        schedule: AlphaSchedule | None = None,
    ) -> None:
        self.prompts = prompts
        self.eos_ids = eos_ids
        self.cancelled = cancelled
        self.fresh = fresh
        self.sampler = TokenSampler(
            prompts[0], (), config, alphas, reducer, mask=mask, schedule=schedule
        )
        self.finish_reason: FinishReason | None = None
        self.error: BaseException | None = None
        self.cached_tokens = 0
        self._most = self.limit = config.max_new_tokens
        """The maximum number of tokens."""
        self._buffer = TextBuffer(detokenizer, config.stop)
        self._on_step = on_step

    @property
    def token_id(self) -> int:
        """The last token."""
        return self.sampler.ids[-1]

    @property
    def tokens(self) -> list[int]:
        """The tokens after the prompt."""
        return self.sampler.ids[len(self.prompts[0]) :]

    @property
    def ended(self) -> bool:
        """Whether the text has ended, by itself or by an error."""
        return self.finish_reason is not None or self.error is not None

    def begin(self, cached_tokens: int, remaining_context: int | None) -> None:
        """Note that the prompt has been read.

        Args:
            cached_tokens: How many tokens of it had been read before.
            remaining_context: How many tokens the models can read after it; None without a limit.
        """
        self.cached_tokens = cached_tokens
        if remaining_context is not None:
            self.limit = min(self.limit, remaining_context)

    def take(self, step: TokenStep) -> None:
        """Add the text of a sampled token, and end the text if it is the last."""
        if step.token_id in self.eos_ids:
            self.end(FinishReason.EOS)
            return
        for settled in self._buffer.push(step):
            self._on_step(settled)
        if self._buffer.stopped:
            self.finish_reason = FinishReason.STOP
        elif step.index + 1 >= self.limit:
            full = self.limit < self._most
            self.end(FinishReason.CONTEXT if full else FinishReason.LENGTH)

    def end(self, reason: FinishReason) -> None:
        """End the text, with the steps that were held back."""
        for step in self._buffer.flush():
            self._on_step(step)
        self.finish_reason = reason

    def fail(self, error: BaseException) -> None:
        """End the text because of an error, with the steps that were held back."""
        self.error = error
        for step in self._buffer.flush():
            self._on_step(step)
