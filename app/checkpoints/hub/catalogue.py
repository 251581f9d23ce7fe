"""Searching the Hub, and looking at a model before it is downloaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.checkpoints.hub import cache
from app.checkpoints.hub.hub_errors import explained
from app.checkpoints.hub.ids import HubId
from app.checkpoints.hub.library import SECONDS_TO_ANSWER, Guard, prepare
from app.checkpoints.hub.repository_files import HubFile, needed_files


@dataclass(frozen=True, slots=True)
class HubHit:
    """One result of a search."""

    id: str
    downloads: int
    likes: int
    gated: bool


@dataclass(frozen=True, slots=True)
class HubModel:
    """What the Hub says about a model.

    Attributes:
        id: The repository and the revision that was asked for.
        commit: What the revision means now.
        licence: As the model card names it, or empty.
        gated: Whether the owner asks for an agreement first.
        size: Bytes of the files that are needed.
        cached: How many of those are here already.
        architecture: Such as ``LlamaForCausalLM``, or empty.
        files: The files that are needed, small ones first.
    """

    id: HubId
    commit: str
    licence: str
    gated: bool
    size: int
    cached: int
    architecture: str
    files: tuple[HubFile, ...]

    @property
    def missing(self) -> int:
        """Bytes to download."""
        return self.size - self.cached


def search(text: str, limit: int = 20) -> list[HubHit]:
    """Models with safetensors weights whose names contain ``text``, the most downloaded first.

    Raises:
        HubError: When the Hub cannot be asked.
    """
    if not text.strip():
        return []
    from huggingface_hub import HfApi

    prepare()
    with explained(), Guard():
        found = HfApi().list_models(
            search=text.strip(),
            filter="safetensors",
            sort="downloads",
            limit=limit,
            expand=["downloads", "likes", "gated"],
        )
        return [
            HubHit(model.id, model.downloads or 0, model.likes or 0, bool(model.gated))
            for model in found
        ]


def describe(hub_id: HubId) -> HubModel:
    """Ask the Hub about a model; nothing is downloaded.

    Raises:
        HubError: When it cannot be asked, or the model has no weights that Tuneshift can use.
    """
    from huggingface_hub import HfApi

    prepare()
    with explained(hub_id), Guard():
        info = HfApi().model_info(
            hub_id.repo,
            revision=hub_id.revision,
            files_metadata=True,
            timeout=SECONDS_TO_ANSWER,
        )
    files = needed_files(hub_id, [_file(sibling) for sibling in info.siblings or ()])
    commit = str(info.sha)
    return HubModel(
        id=hub_id,
        commit=commit,
        licence=_licence(info),
        gated=bool(info.gated),
        size=sum(file.size for file in files),
        cached=sum(file.size for file in files if cache.has_file(hub_id.repo, commit, file)),
        architecture=_architecture(info.config),
        files=files,
    )


def _file(sibling: Any) -> HubFile:
    sha256 = sibling.lfs.sha256 if sibling.lfs else ""
    return HubFile(sibling.rfilename, sibling.size or 0, sha256, sibling.blob_id or "")


def _licence(info: Any) -> str:
    card = info.card_data.to_dict() if info.card_data else {}
    named = card.get("license_name") if card.get("license") == "other" else card.get("license")
    if named:
        return str(named)
    tags = [tag for tag in info.tags or () if tag.startswith("license:")]
    return tags[0].partition(":")[2] if tags else ""


def _architecture(config: Any) -> str:
    if not isinstance(config, dict):
        return ""
    architectures = config.get("architectures") or [config.get("model_type") or ""]
    return str(architectures[0])
