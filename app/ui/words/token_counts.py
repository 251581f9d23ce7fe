"""Numbers of tokens in words."""

from __future__ import annotations

from app.ui.translation import translate


def token_count(tokens: int) -> str:
    """A number of tokens with its unit."""
    if tokens == 1:
        return translate("TokenCounts", "1 token")
    return translate("TokenCounts", "{0} tokens").format(f"{tokens:,}")
