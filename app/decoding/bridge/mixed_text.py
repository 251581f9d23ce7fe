"""A text in ids of the base after a prompt in own ids of the pair, as bytes and own ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence


class MixedText:
    """Ids of the base, and ids of the pair's own, which are those at and above ``size``.

    Args:
        size: The vocabulary size of the base.
        bytes_of: The bytes of an id of the base.
        encode: The tokens of the pair for bytes that an own id follows.

    Attributes:
        ids: What the text consists of.
    """

    def __init__(
        self,
        size: int,
        bytes_of: Callable[[int], bytes],
        encode: Callable[[bytes], Sequence[int]],
    ) -> None:
        self._size = size
        self._bytes_of = bytes_of
        self._encode = encode
        self.ids: list[int] = []
        self._own: list[int] = []
        self._bytes = bytearray()
        self._ends: list[int] = []

    def append(self, ids: Iterable[int]) -> None:
        """Add ids at the end."""
        for each in ids:
            self.ids.append(each)
            if each < self._size:
                self._bytes += self._bytes_of(each)
                self._ends.append(len(self._bytes))
            else:
                if self._bytes:
                    self._own += self._encode(bytes(self._bytes))
                self._bytes.clear()
                self._ends.clear()
                self._own.append(each - self._size)

    def cut(self, length: int) -> None:
        """Keep the first ``length`` ids."""
        following = len(self._ends) - (len(self.ids) - length)
        if following >= 0:  # only ids of the base at the end go
            del self.ids[length:]
            del self._ends[following:]
            del self._bytes[self._ends[-1] if self._ends else 0 :]
            return
        kept = self.ids[:length]
        self.ids, self._own = [], []
        self._bytes.clear()
        self._ends.clear()
        self.append(kept)

    def parts(self, length: int) -> tuple[list[int], list[int], bytes]:
        """The first ``length`` ids as the pair reads them.

        Returns:
            The tokens of the pair up to its last own one, the ids of the base after that, and
            their bytes.
        """
        following = len(self._ends) - (len(self.ids) - length)
        if following >= 0:
            end = self._ends[following - 1] if following else 0
            return self._own, self.ids[length - following : length], bytes(self._bytes[:end])
        return self.copy(length).parts(length)

    def copy(self, length: int) -> MixedText:
        """A copy of the first ``length`` ids."""
        copied = MixedText(self._size, self._bytes_of, self._encode)
        copied.append(self.ids[:length])
        return copied
