"""Parser of Hub repository names, as people type and paste them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.errors import HubError

_HOSTS = re.compile(r"^(https?://)?(www\.)?(huggingface\.co|hf\.co)/", re.IGNORECASE)
_PART = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?"
_REPO = re.compile(rf"^{_PART}(/{_PART})?$")
_REVISION = re.compile(r"^[A-Za-z0-9_][\w./+-]*$", re.ASCII)
_MOST_CHARACTERS = 96
_DEFAULT = "main"


@dataclass(frozen=True, slots=True)
class HubId:
    """A repository and a revision of it: a branch, a tag or a commit."""

    repo: str
    revision: str = _DEFAULT

    @property
    def source(self) -> str:
        """The source string of a recipe, ``hub:owner/name``."""
        return f"hub:{self}"

    @property
    def link(self) -> str:
        """The address of the model page."""
        return f"https://huggingface.co/{self.repo}"

    def __str__(self) -> str:
        return self.repo if self.revision == _DEFAULT else f"{self.repo}@{self.revision}"


def parse(source: str) -> HubId:
    """Read ``hub:owner/name@revision``, the same without ``hub:``, or a link to the Hub.

    Raises:
        HubError: The text is not a valid repository name.
    """
    name = _HOSTS.sub("", source.strip().removeprefix("hub:")).strip("/")
    repo, _, revision = name.partition("@")
    if "/tree/" in repo:
        repo, _, revision = repo.partition("/tree/")
    revision = revision or _DEFAULT
    usable = _REPO.match(repo) and not _doubled(repo) and len(repo) <= _MOST_CHARACTERS
    if not usable or not _REVISION.match(revision) or ".." in revision:
        raise HubError(
            f"“{source}” is not the name of a model on the Hub",
            next_step="Write it as owner/name, or owner/name@revision.",
        )
    return HubId(repo, revision)


def _doubled(repo: str) -> bool:
    return "--" in repo or ".." in repo or repo.endswith(".git")
