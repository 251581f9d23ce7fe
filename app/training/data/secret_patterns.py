"""Texts that look like secrets: keys and passwords in well-known forms, which must not be learned.

The forms are those that their issuers document, as secret scanners use them (gitleaks,
detect-secrets). A secret without a form of its own is not found.
"""

from __future__ import annotations

import re

_PATTERNS = {
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----",
    "an AWS access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a GitHub token": r"\b(?:gh[pousr]_[0-9A-Za-z]{36}|github_pat_[0-9A-Za-z_]{60,})",
    "a GitLab token": r"\bglpat-[0-9A-Za-z_-]{20}",
    "a Hugging Face token": r"\bhf_[0-9A-Za-z]{30,}\b",
    "a Slack token": r"\bxox[abeoprs]-[0-9A-Za-z-]{10,}",
    "a Google API key": r"\bAIza[0-9A-Za-z_-]{35}",
    "an API key": r"\bsk-(?:[a-z]+-)*[0-9A-Za-z_-]{20,}",
    "a JSON web token": r"\beyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{10,}",
    "a password in an address": r"\b[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s/:@]{3,}@[^\s/]+",
    "a password": r"(?i)\b(?:password|passwd|secret|api[_-]?key)\s*[:=]\s*['\"][^\s'\"]{8,}['\"]",
}
_COMPILED = {name: re.compile(pattern) for name, pattern in _PATTERNS.items()}


def secrets_in(text: str) -> tuple[str, ...]:
    """The kinds of secrets in a text, such as “a GitHub token”; never the secrets themselves."""
    return tuple(name for name, pattern in _COMPILED.items() if pattern.search(text))
