"""The tokens that may follow a text, as a grammar or a JSON schema says. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class TokenMask(Protocol):
    """The tokens that may follow what one text has generated so far.

    A mask belongs to one text. It is asked for drafts as well, so that the ids may be longer or
    shorter than those that it was asked for before.
    """

    def allowed(self, generated: Sequence[int]) -> NDArray[np.bool_]:
        """The ids that may follow, [V]; end-of-sequence ids where the text may end.

        Args:
            generated: Token ids after the prompt.

        Raises:
            StructureError: The ids do not have the structure, or it is too complex.
        """
        ...
