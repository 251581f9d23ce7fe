"""Numbers of tokens that models read in one step, and that their KV caches hold; no torch here.

The memory estimate counts with them before anything is loaded.
"""

from __future__ import annotations

PREFILL_CHUNK = 512
"""Tokens of a prompt that are read in one forward pass."""
SIZES = (1, 2, 3, 5, 9, 17)
"""Blocks are padded to one of these sizes, so that few graphs are needed."""
LONGEST = SIZES[-1]
"""Blocks up to this size are captured: one token, or the longest draft after it."""
USUAL_CONTEXT = 4096
"""Tokens for which a KV cache has the capacity where no context length is asked for."""
