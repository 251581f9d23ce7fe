"""One model of an ensemble with what it has read: the beginning of a text is read once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from app.decoding.cache_state import CacheState, StatefulModel
from app.decoding.language_model import LanguageModel
from app.decoding.prefix_cache import Ids, PrefixCache, common_prefix, is_worth_a_copy
from app.decoding.remote import RemoteModel
from app.decoding.step_sizes import PREFILL_CHUNK
from app.errors import Cancelled, ModelError


class ModelContext:
    """One model with a KV cache and a prompt of its own, and a name for messages."""

    def __init__(self, model: LanguageModel, name: str) -> None:
        self.model = model
        self.name = name
        self.remote = model if isinstance(model, RemoteModel) else None
        self._stateful = model if isinstance(model, StatefulModel) else None
        self._cached_ids: list[int] = []

    def begin(self, tokens: Sequence[int], last: int) -> None:
        """Start the request of a remote model for which :meth:`extend` will wait."""
        if self.remote is not None:
            self.remote.begin(tokens, last)

    def extend(self, tokens: Sequence[int], last: int) -> Tensor:
        try:
            logits = self.model.extend(torch.tensor(tokens, dtype=torch.int64), last)
        except BaseException:
            self.rewind(0)  # some layers may have read the tokens and others not
            raise
        self._cached_ids += tokens
        return logits

    def mark_read(self, tokens: Sequence[int]) -> None:
        """Record that a fused step has written ``tokens`` into the KV cache."""
        self.model.length += len(tokens)
        self._cached_ids += tokens

    def rewind(self, length: int) -> None:
        del self._cached_ids[length:]
        self.model.rewind(length)

    def read_in_chunks(
        self, tokens: Sequence[int], cancelled: Callable[[], bool], prefixes: PrefixCache
    ) -> Tensor:
        """Prefill with ``tokens``: in chunks locally, at once remotely. The last row, [1, V].

        If the cache cannot be shortened, ``prefixes`` keeps a copy of it before the last token:
        only from there can a text with the same first tokens be continued.
        """
        single = self._stateful is not None and not self._stateful.shortens and prefixes.limit > 0
        ends = len(tokens) - 1 if single else len(tokens)
        chunk = PREFILL_CHUNK if self.remote is None else len(tokens)
        for start in range(0, ends, chunk):
            if cancelled():
                raise Cancelled
            logits = self.extend(tokens[start : min(start + chunk, ends)], 1)
        if single:
            self._keep_a_copy(prefixes)
            if cancelled():
                raise Cancelled
            logits = self.extend(tokens[ends:], 1)
        return logits

    def reuse(self, tokens: Sequence[int], prefixes: PrefixCache) -> int:
        """Hold as many of the first of ``tokens`` as were read before, and nothing else.

        They are in the KV cache or in ``prefixes``, to which the rest of the KV cache goes if it
        is worth it. The last of ``tokens`` is never held, so that it is read and yields logits.

        Returns:
            The number of tokens that need not be read.
        """
        wanted = np.asarray(tokens[:-1], np.int64)
        held = self._held()
        common = common_prefix(held, wanted)
        if common < len(held) and not self.model.can_rewind:
            common = 0
        text, kept = prefixes.longest(self, wanted)
        if text is not None and kept > common:
            prefixes.remove(text)  # what is put away next may take its place
            self.put_away(prefixes)
            return self._continue(text.ids, text.state, kept, prefixes)
        if prefixes.limit and is_worth_a_copy(len(held), common):
            state = self._take_state()
            if state is not None:
                return self._continue(held, state, state.reusable(common), prefixes)
        return self._shorten(common)

    def put_away(self, prefixes: PrefixCache) -> None:
        """Empty the KV cache; ``prefixes`` keeps what was in it if it is worth it."""
        held = self._held()
        if prefixes.limit and is_worth_a_copy(len(held), 0):
            state = self._take_state()
            if state is not None:
                prefixes.keep(self, held, state)
        self.rewind(0)

    @contextmanager
    def lent_state(self) -> Iterator[tuple[list[int], CacheState | None]]:
        """The ids that were read, and the cache after them, to be copied but not changed.

        The cache is None if it cannot be taken from the model.
        """
        ids, state = list(self._cached_ids), self._take_state()
        try:
            yield ids, state
        finally:
            if state is not None:
                self._put(ids, state)

    def hold(self, ids: Sequence[int], state: CacheState, prefixes: PrefixCache) -> None:
        """Hold ``state``, the cache after ``ids``, in place of what was read."""
        self.put_away(prefixes)
        self._put(ids, state)

    def _held(self) -> Ids:
        if len(self._cached_ids) != self.model.length:  # another ensemble uses the model as well
            self.rewind(0)
        return np.asarray(self._cached_ids, np.int64)

    def _take_state(self) -> CacheState | None:
        state = None if self._stateful is None else self._stateful.take_state()
        if state is not None:
            self._cached_ids = []
        return state

    def _continue(self, ids: Ids, state: CacheState, length: int, prefixes: PrefixCache) -> int:
        """Hold the first ``length`` tokens of ``state``, or of a copy if the whole is worth it."""
        if is_worth_a_copy(len(ids), length):
            prefixes.keep(self, ids, state)
            if length == 0:
                return 0
            state = state.copy(length)
        self._put(ids.tolist(), state)
        return self._shorten(length)

    def _put(self, ids: Sequence[int], state: CacheState) -> None:
        assert self._stateful is not None
        self._stateful.put_state(state)
        self._cached_ids = list(ids[: self.model.length])

    def _shorten(self, length: int) -> int:
        try:
            self.rewind(length)
        except ModelError:  # it was shortened to a longer prefix before: read everything again
            self.rewind(0)
            return 0
        return length

    def _keep_a_copy(self, prefixes: PrefixCache) -> None:
        """Keep a copy of what is in the cache, and go on with the cache itself."""
        ids = self._held()
        state = self._take_state() if is_worth_a_copy(len(ids), 0) else None
        if state is not None:
            prefixes.keep(self, ids, state.copy(len(ids)))
            self._continue(ids, state, len(ids), prefixes)
