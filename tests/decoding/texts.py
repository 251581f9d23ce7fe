"""Runs of :func:`app.decoding.decode.decode` for tests, with their steps and their end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from app.decoding.decode import NO_PREFIX, TextPrefix, decode
from app.decoding.detokenizer import Detokenizer
from app.decoding.ensemble import Ensemble
from app.decoding.row_reduction import RowReducer
from app.decoding.speculative import Speculator
from app.decoding.token_mask import TokenMask
from app.decoding.types import FinishReason, GenerationConfig, TokenStep
from tests import tiny

TOKENIZER = tiny.make_tokenizer()
GREEDY = GenerationConfig(max_new_tokens=24, temperature=0.0)
SAMPLED = GenerationConfig(max_new_tokens=24, temperature=0.9, top_p=0.95, seed=4)


class Text:
    """One run, to its end. ``on_step`` is called with every step before the next is asked for.

    Without a kept prefix, the prompts are read anew.
    """

    def __init__(
        self,
        ensemble: Ensemble,
        prompts: Sequence[Sequence[int]],
        config: GenerationConfig,
        *,
        speculator: Speculator | None = None,
        alphas: Callable[[], tuple[float, ...]] | None = None,
        eos_ids: Collection[int] = (),
        cancelled: Callable[[], bool] = lambda: False,
        prefix: TextPrefix = NO_PREFIX,
        reducer: RowReducer | None = None,
        mask: TokenMask | None = None,
        on_step: Callable[[TokenStep], None] = lambda step: None,
    ) -> None:
        self.steps: list[TokenStep] = []
        generator = decode(
            ensemble,
            prompts,
            config,
            detokenizer=Detokenizer(TOKENIZER, prompts[0]),
            eos_ids=eos_ids,
            alphas=alphas or (lambda: (1.0,) * len(ensemble.pairs)),
            cancelled=cancelled,
            prefix=prefix,
            speculator=speculator,
            fresh=not prefix.kept,
            reducer=reducer,
            mask=mask,
        )
        while True:
            try:
                step = next(generator)
            except StopIteration as end:
                self.reason: FinishReason = end.value
                break
            self.steps.append(step)
            on_step(step)

    @property
    def ids(self) -> list[int]:
        return [step.token_id for step in self.steps]

    @property
    def text(self) -> str:
        return "".join(step.text for step in self.steps)


class BaseClock:
    """A clock by which the base takes nearly all the time there is, so that drafts pay."""

    def __init__(self, ensemble: Ensemble) -> None:
        self._base = ensemble.models[0]
        self._seconds = 0.0
        self._seen = 0

    def __call__(self) -> float:
        self._seconds += 0.01 + (self._base.length != self._seen)
        self._seen = self._base.length
        return self._seconds
